"""Measure how well masks follow borders: boundary IoU (Cheng et al. 2021) of masks that match an object.

    pip install "numpy<2" opencv-python-headless pycocotools
    mae-seg eval ... --class-agnostic --predictions found.json
    python recipes/boundary_iou.py found.json val.json

A mask matches the object it agrees with best, at an IoU of 0.5 or more; better masks choose first. The boundary is what lies within
2 % of the photo's diagonal from the border, on the inside.
"""
import argparse, json
from collections import defaultdict

import cv2
import numpy as np
from pycocotools import mask as masks

from threshold import run_lengths


def boundary(mask, width):
    """The pixels of a mask within `width` pixels of its border; the photo's border counts."""
    padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    inside = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=width)
    return mask - inside[1:-1, 1:-1]


def iou(one, other):
    return (one & other).sum() / max((one | other).sum(), 1)


def matches(found, objects, photo):
    """IoU and boundary IoU of each match of a photo."""
    found = sorted(found, key=lambda row: -row["score"])[:100]
    if not found or not objects:
        return
    found = [row["segmentation"] for row in found]
    objects = [run_lengths(o["segmentation"], photo) for o in objects]
    overlap = masks.iou(found, objects, [0] * len(objects))
    width = max(1, round(0.02 * np.hypot(photo["width"], photo["height"])))
    free = set(range(len(objects)))
    for row, mask in zip(overlap, found):
        best = max(free, key=lambda o: row[o], default=None)
        if best is not None and row[best] >= 0.5:
            free.discard(best)
            bands = [boundary(masks.decode(outline), width) for outline in (mask, objects[best])]
            yield row[best], iou(*bands)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("found", help="what `eval --predictions` wrote")
    parser.add_argument("annotations", help="COCO annotations")
    options = parser.parse_args()
    with open(options.annotations) as file:
        annotations = json.load(file)
    with open(options.found) as file:
        rows = json.load(file)
    objects, found = defaultdict(list), defaultdict(list)
    for o in annotations["annotations"]:
        if not o.get("iscrowd"):
            objects[o["image_id"]].append(o)
    for row in rows:
        found[row["image_id"]].append(row)
    pairs = [pair for photo in annotations["images"] for pair in matches(found[photo["id"]], objects[photo["id"]], photo)]
    mask, edge = np.mean(pairs, axis=0)
    print(f"{len(pairs)} of {sum(map(len, objects.values()))} objects matched: mask IoU {mask:.3f}, boundary IoU {edge:.3f}")


if __name__ == "__main__":
    main()
