#!/usr/bin/env python3
"""Seconds per training step: mae-seg's backends against PyTorch (transformers' ViTMAE and EoMT), on photos made up here.

    python step_times.py --mae-seg target/release/mae-seg --backends cpu libtorch

The model is a ViT-Tiny/16 at 224 px: pretraining hides 75 % of 32 photos and has a decoder of 2 blocks 192 wide;
fine-tuning has 8 photos, 50 queries in the last block and no masked attention. Needs torch, transformers >= 5, numpy and Pillow.
A step's time is what more steps take longer, so that starting does not count.
"""

import argparse
import json
import os
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


def make_photos(folder):
    """Noise with three rectangles in each photo, and their COCO file."""
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
    """Runs so many steps of ours."""
    common = ["--device", backend, "--out", str(out), "--save-every", "100000", "--panel-every", "100000"]
    if what == "pretrain":
        verb = ["pretrain", "--data", str(photos), "--batch-size", "32", "--epochs", str(steps * 32 // PHOTOS)]
        verb += ["--warmup-epochs", "0", "--decoder-dim", "192", "--decoder-depth", "2"]
    else:
        verb = ["finetune", "--train", str(photos / "train.json"), "--images", str(photos), "--steps", str(steps)]
        verb += ["--batch-size", "8", "--queries", "50", "--blocks", "1", "--no-masked-attention", "--average", "0"]
    subprocess.run([arguments.mae_seg, *verb, *common], check=True, capture_output=True)


def torch_model(what):
    size = {"hidden_size": 192, "num_attention_heads": 3, "num_hidden_layers": 12}
    if what == "pretrain":
        decoder = {"decoder_hidden_size": 192, "decoder_num_hidden_layers": 2, "decoder_num_attention_heads": 6}
        return transformers.ViTMAEForPreTraining(
            transformers.ViTMAEConfig(intermediate_size=768, decoder_intermediate_size=768, norm_pix_loss=True, **size, **decoder)
        )
    config = transformers.EomtConfig(
        image_size=224, num_blocks=1, num_queries=50, num_register_tokens=0, train_num_points=2048, id2label={0: "shape"}, **size
    )
    model = transformers.EomtForUniversalSegmentation(config)
    model.attn_mask_probs.fill_(0)
    return model


def theirs(what, steps):
    """Runs so many steps of PyTorch's, on tensors that are there already."""
    torch.manual_seed(0)
    model = torch_model(what).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    batch = {"pixel_values": torch.randn(32 if what == "pretrain" else 8, 3, 224, 224)}
    if what == "finetune":
        masks = torch.zeros(3, 224, 224)
        for index in range(3):
            masks[index, 40 * index : 40 * index + 70, 60:130] = 1
        batch |= {"mask_labels": [masks] * 8, "class_labels": [torch.zeros(3, dtype=torch.long)] * 8}
    for _ in range(steps):
        model(**batch).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def seconds(run):
    """Per step."""
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
    arguments = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = os.environ["RAYON_NUM_THREADS"] = str(arguments.threads)
    torch.set_num_threads(arguments.threads)
    with tempfile.TemporaryDirectory() as folder:
        photos = Path(folder) / "photos"
        photos.mkdir()
        make_photos(photos)
        for what in ("pretrain", "finetune"):
            reference = seconds(lambda steps: theirs(what, steps))
            print(f"{what}: PyTorch {torch.__version__.split('+')[0]} {reference:.2f} s a step, {arguments.threads} threads", flush=True)
            for backend in arguments.backends:
                taken = seconds(lambda steps: ours(arguments, backend, what, steps, photos, Path(folder) / f"{what}-{backend}-{steps}"))
                print(f"{what}: mae-seg {backend} {taken:.2f} s a step, {taken / reference:.2f} of PyTorch's", flush=True)


if __name__ == "__main__":
    main()
