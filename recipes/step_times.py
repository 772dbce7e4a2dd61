#!/usr/bin/env python3
"""Measures seconds per training step of mae-seg's backends and of PyTorch (transformers' ViTMAE and EoMT) on generated photos.

    python step_times.py --mae-seg target/release/mae-seg --backends cpu libtorch
    python step_times.py --mae-seg target/release/mae-seg --backends wgpu libtorch-cuda --gpu

The model is a ViT-Tiny/16 at 224 px: pretraining masks 75 % of each of 32 photos and has a decoder of 2 blocks 192 wide;
fine-tuning has 8 photos, 50 queries in the last block and no masked attention. With --gpu it is MAE's own ViT-B/16 with 128
photos and 8 decoder blocks 512 wide, and 32 photos for fine-tuning, in bfloat16 where the backend has it. Needs torch,
transformers >= 5, numpy, Pillow and scipy.
A step's time is the difference between a long and a short run, divided by that of their steps, so that the start does not
count. PyTorch and the backends take turns in several rounds, of which the median and the minimum are printed.
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import numpy
import torch
import transformers
from PIL import Image

FEW, MANY = 4, 24
PHOTOS = 128
TINY = {"hidden_size": 192, "num_attention_heads": 3, "num_hidden_layers": 12}
BASE = {"hidden_size": 768, "num_attention_heads": 12, "num_hidden_layers": 12}


def make_photos(folder):
    """Writes photos of noise with three rectangles each, and their COCO file."""
    random = numpy.random.default_rng(0)
    images, annotations = [], []
    for index in range(PHOTOS):
        pixels = random.integers(0, 255, (28, 28, 3), dtype=numpy.uint8).repeat(8, 0).repeat(8, 1)
        images.append({"id": index + 1, "file_name": f"{index}.jpg", "width": 224, "height": 224})
        for x, y in random.integers(0, 140, (3, 2)).tolist():
            pixels[y : y + 70, x : x + 70] = random.integers(0, 255, 3)
            outline = [x, y, x + 70, y, x + 70, y + 70, x, y + 70]
            annotations.append({"id": len(annotations) + 1, "image_id": index + 1, "category_id": 1, "segmentation": [outline]})
        Image.fromarray(pixels).save(folder / f"{index}.jpg")
    categories = [{"id": 1, "name": "rectangle", "supercategory": "shape"}]
    (folder / "train.json").write_text(json.dumps({"images": images, "annotations": annotations, "categories": categories}))


def ours(arguments, backend, what, steps, photos, out):
    """Runs a number of steps of mae-seg."""
    common = ["--device", backend, "--out", str(out), "--save-every", "100000", "--panel-every", "100000"]
    common += ["--model", "base"] if arguments.gpu else []
    common += ["--precision", "bf16"] if backend == "libtorch-cuda" else []
    size = batch_size(arguments, what)
    if what == "pretrain":
        width, depth = ("512", "8") if arguments.gpu else ("192", "2")
        verb = ["pretrain", "--data", str(photos), "--batch-size", str(size), "--epochs", str(steps * size // PHOTOS)]
        verb += ["--warmup-epochs", "0", "--decoder-dim", width, "--decoder-depth", depth]
    else:
        verb = ["finetune", "--train", str(photos / "train.json"), "--images", str(photos), "--steps", str(steps)]
        verb += ["--batch-size", str(size), "--queries", "50", "--blocks", "1", "--no-masked-attention", "--ema-decay", "0"]
    subprocess.run([arguments.mae_seg, *verb, *common], check=True, capture_output=True)


def batch_size(arguments, what):
    return {("pretrain", False): 32, ("finetune", False): 8, ("pretrain", True): 128, ("finetune", True): 32}[what, arguments.gpu]


def torch_model(what, gpu):
    size = BASE if gpu else TINY
    if what == "pretrain":
        width, depth, heads = (512, 8, 16) if gpu else (192, 2, 6)
        decoder = {"decoder_hidden_size": width, "decoder_num_hidden_layers": depth, "decoder_num_attention_heads": heads}
        perceptrons = {"intermediate_size": 4 * size["hidden_size"], "decoder_intermediate_size": 4 * width}
        return transformers.ViTMAEForPreTraining(transformers.ViTMAEConfig(norm_pix_loss=True, **perceptrons, **size, **decoder))
    config = transformers.EomtConfig(
        image_size=224, num_blocks=1, num_queries=50, num_register_tokens=0, train_num_points=2048, id2label={0: "shape"}, **size
    )
    model = transformers.EomtForUniversalSegmentation(config)
    model.attn_mask_probs.fill_(0)
    return model


def theirs(arguments, what, steps):
    """Runs a number of steps of PyTorch, on tensors that exist already."""
    torch.manual_seed(0)
    device = torch.device("cuda" if arguments.gpu else "cpu")
    model = torch_model(what, arguments.gpu).train().to(device)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    size = batch_size(arguments, what)
    batch = {"pixel_values": torch.randn(size, 3, 224, 224, device=device)}
    if what == "finetune":
        masks = torch.zeros(3, 224, 224, device=device)
        for index in range(3):
            masks[index, 40 * index : 40 * index + 70, 60:130] = 1
        batch |= {"mask_labels": [masks] * size, "class_labels": [torch.zeros(3, dtype=torch.long, device=device)] * size}
    for _ in range(steps):
        with torch.autocast(device.type, torch.bfloat16, enabled=arguments.gpu):
            loss = model(**batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    if arguments.gpu:
        torch.cuda.synchronize()


def seconds(run):
    """Returns the seconds per step."""
    taken = []
    for steps in (FEW, MANY):
        start = time.perf_counter()
        run(steps)
        taken.append(time.perf_counter() - start)
    return (taken[1] - taken[0]) / (MANY - FEW)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mae-seg", required=True)
    parser.add_argument("--backends", nargs="+", default=["cpu"])
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--gpu", action="store_true", help="PyTorch computes on a GPU too, and the model is larger")
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        photos.mkdir()
        make_photos(photos)
        for what in ("pretrain", "finetune"):
            taken = {name: [] for name in ["PyTorch", *arguments.backends]}
            for turn in range(arguments.rounds):
                taken["PyTorch"].append(seconds(lambda steps: theirs(arguments, what, steps)))
                for backend in arguments.backends:
                    out = Path(folder) / f"{what}-{backend}-{turn}"
                    taken[backend].append(seconds(lambda steps: ours(arguments, backend, what, steps, photos, Path(f"{out}-{steps}"))))
            reference = statistics.median(taken["PyTorch"])
            for name, times in taken.items():
                median = statistics.median(times)
                print(f"{what}: {name} {median:.3f} s a step (least {min(times):.3f}), {median / reference:.2f} of PyTorch's", flush=True)


if __name__ == "__main__":
    main()
