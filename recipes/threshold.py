"""Finds the score from which objects should be shown: the one with the best F1 of precision and recall.

    pip install "numpy<2" pycocotools
    mae-seg predict --weights WEIGHTS --score-thresh 0.02 --json $(python recipes/threshold.py --photos val.json DATA) > found.json
    python recipes/threshold.py found.json val.json

Only fully labelled photos count (those without `"exhaustive": false`). Masks of any label match at an IoU of 0.5; detections
in a crowd count as neither right nor wrong. `mae-seg export --score-thresh` writes the score into the weights.
"""
import argparse, json, os
from collections import defaultdict

import numpy as np
from pycocotools import mask as masks


def run_lengths(outline, photo):
    """Converts an outline in any of COCO's forms to a compressed run-length encoding."""
    height, width = photo["height"], photo["width"]
    if isinstance(outline, list):
        return masks.merge(masks.frPyObjects(outline, height, width))
    return masks.frPyObjects(outline, height, width) if isinstance(outline["counts"], list) else outline


def judged(found, objects, photo):
    """Returns score and correctness of each mask of a photo, best first; each object is matched once."""
    found = sorted(found, key=lambda row: -row["score"])
    crowds = [int(o.get("iscrowd", 0)) for o in objects]
    overlap = np.zeros((len(found), len(objects)))
    if found and objects:
        truth = [run_lengths(o["segmentation"], photo) for o in objects]
        overlap = masks.iou([row["segmentation"] for row in found], truth, crowds)
    free = set(range(len(objects)))
    for row, shares in zip(found, overlap):
        best = max((o for o in free if shares[o] >= 0.5), key=lambda o: (not crowds[o], shares[o]), default=None)
        if best is None or not crowds[best]:
            free.discard(best)
            yield row["score"], best is not None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", action="store_true", help="print the photos that count, of val.json in a folder, instead")
    parser.add_argument("first", help="found.json; with --photos, val.json")
    parser.add_argument("second", help="val.json; with --photos, the folder of its photos")
    asked = parser.parse_args()
    coco = json.load(open(asked.first if asked.photos else asked.second))
    photos = [photo for photo in coco["images"] if photo.get("exhaustive", True)]
    if asked.photos:
        return print(*(os.path.join(asked.second, photo["file_name"]) for photo in photos))

    found, objects = defaultdict(list), defaultdict(list)
    for row in json.load(open(asked.first)):
        found[os.path.basename(row["file_name"])].append(row)
    for annotation in coco["annotations"]:
        objects[annotation["image_id"]].append(annotation)
    rows = [row for photo in photos for row in judged(found[os.path.basename(photo["file_name"])], objects[photo["id"]], photo)]
    count = sum(not o.get("iscrowd", 0) for photo in photos for o in objects[photo["id"]])
    scores, right = np.array(sorted(rows, reverse=True)).T
    shown = np.arange(1, len(rows) + 1)
    f1 = 2 * right.cumsum() / (shown + count)
    print(f"{len(photos)} photos, {count} objects: best F1 {f1.max():.3f} from {scores[f1.argmax()]:.3f} on")
    for threshold in (0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5):
        last = int((scores >= threshold).sum())
        if last:
            hits = right[:last].sum()
            print(f"{threshold:5.2f}  F1 {f1[last - 1]:.3f}  precision {hits / last:.2f}  recall {hits / count:.2f}  {last / len(photos):4.1f} a photo")


if __name__ == "__main__":
    main()
