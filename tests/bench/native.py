"""The command line's speed beside onnxruntime's."""

import json
import os
import resource
import subprocess
import time
from pathlib import Path

import numpy
import onnxruntime

from report import figures, row

ROOT = Path(__file__).resolve().parents[2]
# A row ends after its rounds, or after the fewest if these took longer.
FEWEST, SECONDS = 3, 30


def turns(rounds, *sides):
    """Lets the sides take turns; returns the figures of each, from its milliseconds by the clock and of the processor."""
    taken, began = [], time.monotonic()
    while len(taken) < rounds and (len(taken) < FEWEST or time.monotonic() - began < SECONDS):
        taken.append([side() for side in sides])
    return [figures(*zip(*side)) for side in zip(*taken)]


def in_threads(count):
    return f"{count} thread{'s' * (count > 1)}"


def onnx(folder, graph, threads, batch=1):
    """Returns a function that runs a graph once; it returns the outputs, and milliseconds."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_free_dimension_override_by_name("batch", batch)
    session = onnxruntime.InferenceSession(str(folder / f"{graph}.onnx"), options, providers=["CPUExecutionProvider"])
    pixels = numpy.fromfile(folder / "input.f32", numpy.float32)
    side = int((pixels.size // 3) ** 0.5)
    images = pixels.reshape(1, 3, side, side).repeat(batch, 0)

    def forward():
        wall, processor = time.perf_counter(), time.process_time()
        outputs = session.run(None, {"images": images})
        return outputs, (1000 * (time.perf_counter() - wall), 1000 * (time.process_time() - processor))

    return forward


def encoder(program, model, folder, threads, batch, rounds):
    """Compares forward passes of the encoder."""
    out = folder / "tokens.f32"
    command = [program, ROOT / "www/weights" / model, folder / "input.f32", "--batch", str(batch), "--out", out]
    variables = os.environ | {"RAYON_NUM_THREADS": str(threads)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, env=variables) as process:

        def ours():
            process.stdin.write("\n")
            return json.loads(process.stdout.readline()).values()

        forward = onnx(folder, "encoder", threads, batch)
        expected = forward()[0][0][0]
        process.stdout.readline()
        sides = turns(rounds, ours, lambda: forward()[1])
    off = numpy.abs(numpy.fromfile(out, numpy.float32) - expected.ravel()).max()
    return row("encoder", model, f"{in_threads(threads)}, batch {batch}", *sides, off=float(off))


def start(program, model, folder, photo, threads, rounds):
    """Compares the whole command, from its start to the masks of a photo, with a forward pass alone."""
    command = [program, "predict", "--json", "--device", "cpu", "--weights", ROOT / "www/weights" / model, photo]
    variables = os.environ | {"RAYON_NUM_THREADS": str(threads)}

    def ours():
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=variables)
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
        return 1000 * wall, 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)

    forward = onnx(folder, "segmenter", threads)
    forward()
    return row("start", model, in_threads(threads), *turns(rounds, ours, lambda: forward()[1]))
