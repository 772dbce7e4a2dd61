"""Adds detections of models to photos that lack labels.

    mae-seg predict --weights runs/teacher --score-thresh 0.03 --json photos/*.jpg > found.json
    python recipes/detected_masks.py --out detected.json mixed/labelled/images mixed/unlabelled
    python recipes/pseudo_labels.py --train mixed/train.json --detected detected.json --found found.json --out mixed/pseudo.json

Photos marked `"exhaustive": false` get the objects found in them in addition to their own, and become exhaustive. An object's
weight is its confidence (`score`): for the detector's, the precision of detections with that score on fully labelled photos;
for those of a teacher trained here (used only where the detector found nothing, since it knows classes that the detector does
not), their own score. Uncertain objects are ignored (as crowds), and everything else is background. An object that overlaps a
labelled one is that one; other objects of a group that was labelled in the photo are ignored too, unless they are very
certain. Photos that were exhaustive before, and those with several objects, are listed twice. Needs pycocotools.

For a model that predicts supercategories, the category written is the first of its group.
"""
import argparse, json, os
from collections import defaultdict

from pycocotools import mask as masks

SAME, INSIDE = 0.5, 0.75  # IoU, and intersection over the smaller, from which two of a group are one
OTHER = 0.7  # IoU from which two of any groups are one
# Scores of NanoDet, and the precision of boxes with such a score (an overlap of at least 0.5 with an object not matched yet)
# on the 414 fully labelled photos of train.json, rounded; counted by a script that was not kept.
SCORES = [0.22, 0.275, 0.325, 0.375, 0.425, 0.475, 0.525, 0.575, 0.625, 0.75]
RIGHT = [0.06, 0.13, 0.23, 0.39, 0.53, 0.68, 0.80, 0.88, 0.95, 1.0]
DETECTED, DOUBTFUL = 0.12, 0.07  # minimum confidences of a detection: object, ignored
FOUND, FAINT, TRUST = 0.3, 0.15, 0.5  # minimum scores of a teacher: object, ignored; its weight
DOUBTLESS, SEVERAL = 0.6, 3


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="COCO instances file; its photos are known by file name alone")
    parser.add_argument("--detected", nargs="*", default=[], help="what detected_masks.py wrote")
    parser.add_argument("--found", nargs="*", default=[], help="what `mae-seg predict --json` printed")
    parser.add_argument("--out", required=True)
    return parser.parse_args()


def outline(annotation, photo):
    size, segmentation = (photo["height"], photo["width"]), annotation["segmentation"]
    if isinstance(segmentation, list):
        return masks.merge(masks.frPyObjects(segmentation, *size))
    return masks.frPyObjects(segmentation, *size) if isinstance(segmentation["counts"], list) else segmentation


def likelihood(score):
    """Returns the precision at a score by linear interpolation."""
    if score <= SCORES[0]:
        return 0.0
    for low, high, right_low, right_high in zip(SCORES, SCORES[1:], RIGHT, RIGHT[1:]):
        if score < high:
            return right_low + (right_high - right_low) * (score - low) / (high - low)
    return 1.0


def is_known(row, group, known):
    """Returns whether one of `known`, (group, outline), is the same object; a row without a group matches any."""
    if not known:
        return False
    outlines = [outline for _, outline in known]
    one = [row["segmentation"]]
    same = masks.iou(one, outlines, [0] * len(known))[0]
    inside = masks.iou(one, outlines, [1] * len(known))[0]
    around = masks.iou(outlines, one, [1])[:, 0]
    of_group = [group in (None, other) for other, _ in known]
    return any(s >= OTHER or g and (s >= SAME or max(i, a) >= INSIDE) for s, i, a, g in zip(same, inside, around, of_group))


def box_iou(a, b):
    width = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    height = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    both = max(width, 0) * max(height, 0)
    return both / (a[2] * a[3] + b[2] * b[3] - both + 1e-9)


def read(paths):
    """Returns the rows of files, grouped by photo."""
    rows = defaultdict(list)
    for path in paths:
        for row in json.load(open(path)):
            rows[os.path.basename(row["file_name"])].append(row)
    return rows


class Labels:
    """The objects of one photo: those that a person labelled, followed by those found."""

    def __init__(self, photo, known, group):
        self.labelled = {group[known_id] for known_id in photo.pop("labelled_category_ids", [])}
        self.known = [(group[a["category_id"]], outline(a, photo)) for a in known]
        self.added = []

    def add(self, row, category, group, likely):
        """Adds an object with a confidence; one with confidence 0 is to be ignored."""
        if group in self.labelled and likely < DOUBTLESS:
            likely = 0.0
        self.known.append((group, row["segmentation"]))
        self.added.append({
            "category_id": category, "segmentation": row["segmentation"], "bbox": [float(side) for side in row["bbox"]],
            "area": float(masks.area(row["segmentation"])), "iscrowd": int(likely == 0.0),
            **({"score": round(likely, 3)} if likely else {})})

    def detect(self, rows, group):
        for row in sorted(rows, key=lambda row: -row["score"]):
            likely, of = likelihood(row["score"]), group[row["category_id"]]
            if likely < DOUBTFUL or not row["area"] or is_known(row, of, self.known):
                continue
            is_object = likely >= DETECTED and box_iou(row["bbox"], row["box"]) >= 0.5
            self.add(row, row["category_id"], of, likely if is_object else 0.0)

    def find(self, rows, category, group):
        for row in sorted(rows, key=lambda row: -row["score"]):
            if row["score"] < FAINT or is_known(row, None, self.known):
                continue
            known_id = category[row["label"]]
            likely = TRUST * min(2 * row["score"], 1.0) if row["score"] >= FOUND else 0.0
            self.add(row, known_id, group[known_id], likely)


def main():
    args = arguments()
    coco = json.load(open(args.train))
    category, group = {}, {}
    for entry in sorted(coco["categories"], key=lambda entry: -entry["id"]):
        category[entry["supercategory"]] = category[entry["name"]] = entry["id"]
        group[entry["id"]] = entry["supercategory"]
    detected, found = read(args.detected), read(args.found)
    known = defaultdict(list)
    for annotation in coco["annotations"]:
        known[annotation["image_id"]].append(annotation)
    twice, added = [], 0
    for photo in coco["images"]:
        if photo.get("exhaustive", True):
            twice.append(photo)
            continue
        name = os.path.basename(photo["file_name"])
        labels = Labels(photo, known[photo["id"]], group)
        labels.detect(detected[name], group)
        labels.find(found[name], category, group)
        photo["exhaustive"] = True
        known[photo["id"]] += [{"image_id": photo["id"], **row} for row in labels.added]
        added += sum(not row["iscrowd"] for row in labels.added)
        if sum(row.get("score", 1.0) >= DOUBTLESS and not row["iscrowd"] for row in known[photo["id"]]) >= SEVERAL:
            twice.append(photo)
    next_photo = max(photo["id"] for photo in coco["images"]) + 1
    for photo, new in zip(twice, range(next_photo, next_photo + len(twice))):
        coco["images"].append({**photo, "id": new})
        known[new] = [{**row, "image_id": new} for row in known[photo["id"]]]
    rows = [row for photo in coco["images"] for row in known[photo["id"]]]
    coco["annotations"] = [{**row, "id": number} for number, row in enumerate(rows, 1)]
    with open(args.out + ".part", "w") as file:
        json.dump(coco, file)
    os.replace(args.out + ".part", args.out)
    print(f"{added} objects found; {len(coco['images'])} photos, {len(twice)} of them twice, with {len(rows)} rows in {args.out}")


if __name__ == "__main__":
    main()
