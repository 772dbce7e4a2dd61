"""Measures mae-seg beside onnxruntime and PyTorch in one run; writes docs/benchmarks.json and docs/benchmarks.md.

`make bench` runs it. Programs that are compared have the same weights and the same input, and take turns.
"""

import argparse
import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys

import growth
import native
from export import export
from native import ROOT, in_threads
from report import figures, machine, markdown, row

MODELS = ("mae-tiny", "mae-small")
PHOTO = ROOT / "www/samples/astronaut.jpg"


def output(*command):
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def built(flags):
    """Builds the command line and forward.rs; returns their paths by name."""
    command = ["cargo", "build", "--release", "--bin", "mae-seg", "--bench", "forward", *flags]
    messages = map(json.loads, output(*command, "--message-format", "json-render-diagnostics").splitlines())
    return {message["target"]["name"]: message["executable"] for message in messages if message.get("executable")}


def page(folder, rounds, *gpu):
    """Runs page.mjs; returns its rows and what else it found."""
    found = json.loads(output("node", ROOT / "tests/bench/page.mjs", folder, str(rounds), *gpu))
    rows = []
    for case in found["cases"]:
        of = {name: {key: [one.get(key) for one in taken] for key in taken[0]} for name, taken in case["series"].items()}
        peer = "WebGPU" if gpu else in_threads(case["threads"])
        setting = f"{'' if case['isolated'] else 'not '}cross-origin isolated; peer on {peer}"
        ours, whole, part = (figures(of[name]["wall"], of[name]["processor"]) for name in ("ours", "segmenter", "encoder"))
        compared = [
            ("pixels to masks, against the segmenter", ours, whole, case["largestDifference"]),
            ("pixels to masks, against the encoder alone", ours, part, None),
            ("file to masks on the canvas, against the segmenter", figures(of["ours"]["total"]), whole, None),
            ("opened until ready, against loaded until one pass is done", *(figures([ms]) for ms in case["ready"]), None),
        ]
        for what, ours, peer, off in compared:
            rows.append(row("webgpu" if gpu else "page", f"{case['model']}: {what}", setting, ours, peer, "onnxruntime-web", off=off))
        if gpu:
            counts = (figures(of[name]["dispatches"]) for name in ("ours", "segmenter"))
            rows.append(row("webgpu", f"{case['model']}: kernels started", setting, *counts, "onnxruntime-web", "dispatches"))
    for what, ours, peer in found["sizes"]:
        rows.append(row("size", what, "brotli", figures([ours]), figures([peer]), "onnxruntime-web", "bytes"))
    return rows, found["versions"]


def training(program, flags, rounds):
    """Runs recipes/step_times.py, if all is there that it needs."""
    missing = [name for name in ("torch", "transformers", "scipy") if not importlib.util.find_spec(name)]
    if missing:
        print(f"training is not measured: {', '.join(missing)} missing", file=sys.stderr)
        return []
    backends = ["cpu", *(["libtorch"] if "libtorch" in " ".join(flags) else [])]
    printed = output(
        sys.executable, ROOT / "recipes/step_times.py", "--mae-seg", program, "--rounds", str(rounds), "--backends", *backends
    )
    taken = {}
    for what, side, median, least in re.findall(r"(\w+): (\S+) ([\d.]+) s a step \(least ([\d.]+)\)", printed):
        taken[what, side] = {"median": float(median), "least": float(least), "processor": None, "rounds": rounds}
    ours = [(what, side) for what, side in taken if side != "PyTorch"]
    return [row("training", what, side, taken[what, side], taken[what, "PyTorch"], "PyTorch", "s a step") for what, side in ours]


def grown(programs, folder, flags):
    """Measures and draws how time and memory grow."""
    folder.mkdir(parents=True, exist_ok=True)
    found = growth.measure(programs, folder)
    growth.draw(found, ROOT / "docs/growth.svg")
    return {"machine": machine(ROOT, flags, {}), **found}


def write(found):
    """Writes the documents; training takes longest, so they are there before it, too."""
    (ROOT / "docs/benchmarks.json").write_text(json.dumps(found, indent=1) + "\n")
    (ROOT / "docs/benchmarks.md").write_text(markdown(found))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--webgpu", action="store_true", help="the page on WebGPU too, which takes minutes without a GPU")
    parser.add_argument("--growth", action="store_true", help="only the growth with sides and photos; all else stays as it is")
    arguments = parser.parse_args()
    rounds = arguments.rounds
    # As `cargo run` has it.
    os.environ.setdefault("MIMALLOC_PURGE_DELAY", "-1")
    flags = shlex.split(os.environ.get("CARGO_FLAGS", ""))
    programs = built(flags)
    folder = ROOT / "target/bench"
    if arguments.growth:
        found = json.loads((ROOT / "docs/benchmarks.json").read_text())
        write(found | {"growth": grown(programs, folder, flags)})
        return
    tokens = {model: export(ROOT / "www/weights" / model, PHOTO, folder / model) for model in MODELS}
    rows = []
    threads = sorted({1, 2, os.cpu_count()})
    for model in MODELS:
        for batch in (1, 16):
            rows += [native.encoder(programs["forward"], model, folder / model, count, batch, rounds) for count in threads]
        rows.append(native.start(programs["mae-seg"], model, folder / model, PHOTO, os.cpu_count(), rounds))
    pages, versions = page(folder, rounds)
    rows += pages
    if arguments.webgpu:
        rows += page(folder, max(rounds // 5, 1), "webgpu")[0]
    found = {"machine": machine(ROOT, flags, versions), "models": tokens, "rows": rows, "growth": grown(programs, folder, flags)}
    write(found)
    rows += training(programs["mae-seg"], flags, max(rounds // 3, 1))
    write(found)


if __name__ == "__main__":
    main()
