"""How time and memory grow with the input's side and with the photo's size; docs/growth.svg shows it."""

import json
import os
import subprocess
import sys

import matplotlib.pyplot
import numpy
from PIL import Image

from native import ROOT

MODEL = "mae-tiny"
SIDES = range(224, 1025, 80)
MEGAPIXELS = (0.25, 1, 3, 6, 12, 24, 48)
ROUNDS = 3


# Linux counts the memory of whoever starts a program as the program's, so a small process does.
STARTER = """
import json, os, subprocess, sys, time
began = time.perf_counter()
_, status, used = os.wait4(subprocess.Popen(sys.argv[1:]).pid, 0)
ms, memory = 1000 * (time.perf_counter() - began), used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
print(json.dumps({"ms": ms, "memory": memory}), file=sys.stderr)
sys.exit(bool(status))
"""


def run(command, text="", **variables):
    """Runs a program to its end; returns its output, milliseconds and peak memory in MB."""
    command = [sys.executable, "-c", STARTER, *command]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True, env=os.environ | variables)
    used = json.loads(done.stderr.splitlines()[-1])
    return done.stdout, used["ms"], used["memory"]


def encoder(program, folder, side):
    """Measures forward passes with one thread; returns the least milliseconds, and the peak memory."""
    pixels = folder / "grown.f32"
    numpy.random.default_rng(side).standard_normal((3, side, side), numpy.float32).tofile(pixels)
    command = [program, ROOT / "www/weights" / MODEL, pixels]
    lines, _, memory = run(command, "\n" * (ROUNDS - 1), RAYON_NUM_THREADS="1")
    return min(json.loads(line)["wall_ms"] for line in lines.splitlines()), memory


def photo(program, folder, megapixels):
    """Measures `predict` from its start to its end; returns the least milliseconds, and the peak memory."""
    path = folder / "grown.jpg"
    with Image.open(ROOT / "www/samples/astronaut.jpg") as image:
        scale = (megapixels * 1e6 / (image.width * image.height)) ** 0.5
        image.resize((round(image.width * scale), round(image.height * scale)), Image.BICUBIC).save(path, quality=90)
    command = [program, "predict", "--json", "--device", "cpu", "--weights", ROOT / "www/weights" / MODEL, path]
    _, ms, memory = zip(*(run(command) for _ in range(ROUNDS)))
    return min(ms), max(memory)


def products(side):
    """Counts the multiplications of a forward pass in billions: those of weights, and those of attention."""
    config = json.loads((ROOT / "www/weights" / MODEL / "config.json").read_text())
    width, depth, patch = config["hidden_size"], config["num_hidden_layers"], config["patch_size"]
    tokens = (side // patch) ** 2 + 1
    weights = tokens * (depth * 4 * width**2 + depth * 2 * config["mlp_ratio"] * width**2 + 3 * patch**2 * width)
    return tokens, weights / 1e9, depth * 2 * tokens**2 * width / 1e9


def measure(programs, folder):
    """Returns a row for each side, and one for each size of a photo."""
    sides, photos = [], []
    for side in SIDES:
        tokens, weights, attention = products(side)
        ms, memory = encoder(programs["forward"], folder, side)
        sides.append({"side": side, "tokens": tokens, "weights": weights, "attention": attention, "ms": ms, "memory": memory})
        print(f"growth: {side} pixels: {ms:.0f} ms, {memory:.0f} MB", file=sys.stderr, flush=True)
    for megapixels in MEGAPIXELS:
        ms, memory = photo(programs["mae-seg"], folder, megapixels)
        photos.append({"megapixels": megapixels, "ms": ms, "memory": memory})
        print(f"growth: {megapixels} megapixels: {ms:.0f} ms, {memory:.0f} MB", file=sys.stderr, flush=True)
    return {"model": MODEL, "sides": sides, "photos": photos}


def draw(growth, path):
    """Draws time and memory against both."""
    matplotlib.use("svg")
    matplotlib.rcParams |= {"svg.hashsalt": "growth", "font.size": 9}
    figure, panels = matplotlib.pyplot.subplots(2, 2, figsize=(8, 5), sharex="col", layout="constrained")
    columns = [("sides", "side", "input side (pixels)"), ("photos", "megapixels", "photo (megapixels)")]
    for (kind, key, name), (above, below) in zip(columns, panels.T):
        along = [one[key] for one in growth[kind]]
        above.plot(along, [one["ms"] for one in growth[kind]], "o-")
        below.plot(along, [one["memory"] for one in growth[kind]], "o-")
        below.set_xlabel(name)
        for panel in (above, below):
            panel.grid(alpha=0.3)
            panel.set_ylim(bottom=0)
    panels[0][0].set(title="forward pass of the encoder, one thread", ylabel="ms")
    panels[0][1].set_title("predict, from start to masks, all cores")
    panels[1][0].set_ylabel("peak memory (MB)")
    figure.savefig(path, metadata={"Date": None})
