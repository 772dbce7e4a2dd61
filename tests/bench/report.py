"""The figures of a benchmark, and the document that tells them."""

import datetime
import os
import platform
import re
import statistics
import subprocess
import sys
from importlib import metadata
from pathlib import Path

SECTIONS = {
    "encoder": (
        "The encoder, natively",
        "One forward pass from pixels to tokens, all weights f32 in memory, `--device cpu` (burn-flex) against onnxruntime on"
        " the CPU. The largest difference is that of any number in the tokens, whose standard deviation is near 1.",
    ),
    "start": (
        "From start to the first masks, natively",
        "`mae-seg predict --json` as a whole (start, weights of 8 or 16 bits read and checked, photo decoded, masks of the photo's"
        " size) against onnxruntime's forward pass of the segmenter alone, its session made and warmed up before."
        " A build with libtorch loads that at each start, which a plain build does not.",
    ),
    "page": (
        "The page on the CPU",
        "The page with `?backend=cpu` against onnxruntime-web's WebAssembly backend, both in one headless Chromium. From pixels to"
        " masks is what the page tells its visitors: resizing, the model, the masks of the photo's size. From file to masks adds"
        " reading, decoding and drawing. The peer runs the graph only: the segmenter up to the mask embeddings, of which masks are"
        " products, or its encoder alone. It has threads where the page is cross-origin isolated; ours has a second worker there."
        " The page multiplies 16-bit integers where weights have 16 bits or fewer; the largest difference is that of any class"
        " logit, whose standard deviation is near 3.",
    ),
    "webgpu": (
        "The page on WebGPU",
        "As above, with `?backend=webgpu` against onnxruntime-web's WebGPU backend on the same adapter.",
    ),
    "size": (
        "Code before weights",
        "Bytes of JavaScript and WebAssembly, packed by brotli: ours are the app, which is there first, and the worker with the"
        " engine; the peer is onnxruntime-web's smallest build, for WebAssembly only, and has no page.",
    ),
    "training": (
        "Training steps",
        "Seconds a step of a ViT-Tiny/16 at 224 pixels takes on all cores, as `recipes/step_times.py` describes and measures it,"
        " against PyTorch with transformers. [What makes a step fast](performance.md).",
    ),
}
NOT_MEASURED = {
    "webgpu": "Not measured this time: `make bench WEBGPU=1` does.",
    "training": "Not measured this time: it needs torch, transformers and scipy, and some minutes.",
}


def figures(wall, processor=()):
    """Summarises samples by the clock and, if there are any, of the processor's time."""
    of_processor = statistics.median(processor) if processor else None
    return {"median": statistics.median(wall), "least": min(wall), "processor": of_processor, "rounds": len(wall)}


def row(section, what, setting, ours, peer, name="onnxruntime", unit="ms", off=None):
    """Returns one comparison of figures, and tells it."""
    ratio = ours["median"] / peer["median"]
    told = "" if off is None else f", largest difference {off:.1e}"
    print(f"{section}: {what}, {setting}: {ours['median']:.4g} {unit}, {ratio:.2f} of {name}'s{told}", file=sys.stderr, flush=True)
    found = {"section": section, "what": what, "setting": setting, "unit": unit, "ours": ours, "peer": peer}
    return found | {"compared_with": name, "ratio": ratio, "largest_difference": off}


def machine(root, flags, versions):
    """Describes where and with what the figures were measured."""
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text()
    except OSError:
        cpuinfo = ""
    named = re.search(r"model name\s*: (.+)", cpuinfo)
    vectors = [name for name in ("avx512f", "avx2") if re.search(rf"\b{name}\b", cpuinfo)]
    packages = [name for name in ("onnxruntime", "torch", "transformers") if is_installed(name)]

    def first_line(*command):
        return subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout.split("\n")[0]

    return {
        "date": datetime.date.today().isoformat(),
        "commit": first_line("git", "describe", "--always", "--dirty"),
        "processor": (named[1] if named else platform.processor()) + "".join(f", {name}" for name in vectors[:1]),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "load when finished": round(os.getloadavg()[0], 1),
        "rustc": first_line("rustc", "--version"),
        "cargo flags": " ".join(flags),
        **versions,
        **{name: metadata.version(name) for name in packages},
    }


def is_installed(name):
    try:
        return bool(metadata.version(name))
    except metadata.PackageNotFoundError:
        return False


def number(value):
    """Writes a number with three digits, or all before the point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def table(rows):
    unit = rows[0]["unit"]
    head = ["what", "setting", "ours (least)", "peer (least)", "**ratio**", "processor time, ours / peer", "largest difference", "rounds"]
    lines = [head, ["---", "---", *["---:"] * 6]]
    for one in rows:
        ours, peer = one["ours"], one["peer"]
        of_unit = "" if one["unit"] == unit else f" {one['unit']}"
        times = [f"{number(side['median'])} ({number(side['least'])}){of_unit}" for side in (ours, peer)]
        both = ours["processor"] and peer["processor"]
        processor = f"{number(ours['processor'])} / {number(peer['processor'])}" if both else "–"
        off = "–" if one["largest_difference"] is None else f"{one['largest_difference']:.1e}"
        lines.append([one["what"], one["setting"], *times, f"**{one['ratio']:.2f}**", processor, off, str(ours["rounds"])])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def grown(growth):
    """Tells how time and memory grow."""

    def lines(head, rows):
        rows = [head, ["---:"] * len(head), *([number(value) for value in row] for row in rows)]
        return "\n".join(f"| {' | '.join(row)} |" for row in rows)

    sides = [
        (one["side"], one["tokens"], one["weights"], one["attention"], one["ms"], 1000 * (one["weights"] + one["attention"]) / one["ms"], one["memory"])
        for one in growth["sides"]
    ]
    head = ["side", "tokens", "products with weights, 10⁹", "products of attention, 10⁹", "ms", "10⁹ products a second", "peak memory, MB"]
    photos = [(one["megapixels"], one["ms"], one["memory"]) for one in growth["photos"]]
    return [
        f"Measured on {growth['machine']['processor']}, {growth['machine']['cores']} cores, at commit {growth['machine']['commit']}.",
        f"Least of three passes of `{growth['model']}`'s encoder with one thread, of random pixels. Products with weights grow with the"
        " tokens, those of attention with their square: these overtake at six times the width, 1152 tokens, and bend the line.",
        lines(head, sides),
        "![Time and memory against the input's side and the photo's size](growth.svg)",
        "`predict --json` on JPEGs of one photo in several sizes, from its start to the masks of the photo's size, on all cores:"
        " decoding, masks and their run lengths grow with the pixels, beside a model whose input stays the same.",
        lines(["megapixels", "ms", "peak memory, MB"], photos),
    ]


def markdown(found):
    """Writes the document."""
    models = ", ".join(f"`{name}` at {model['side']} pixels ({model['tokens']} tokens)" for name, model in found["models"].items())
    facts = "\n".join(f"- {name}: {value}" for name, value in found["machine"].items() if value != "")
    parts = [
        "# Benchmarks",
        "Written by `make bench`, which measures all of this anew, from a clone: see the head of the [Makefile](../Makefile). The same"
        " figures for programs: [benchmarks.json](benchmarks.json).",
        "Both sides of a row have the same weights and the same input and took turns within one run. A ratio is our median over the"
        " peer's, so below 1 we are faster; only ratios say something on another machine. Times are medians and, in parentheses, the"
        " least, in ms unless a unit is named; processor time is the median of what all threads and processes of ours and of the peer"
        f" took. The models are the bundled ones: {models}.",
        facts,
    ]
    for section, (title, meaning) in SECTIONS.items():
        rows = [one for one in found["rows"] if one["section"] == section]
        parts += [f"## {title}", meaning, table(rows) if rows else NOT_MEASURED[section]]
    if "growth" in found:
        parts += ["## Growth", *grown(found["growth"])]
    return "\n\n".join(parts) + "\n"
