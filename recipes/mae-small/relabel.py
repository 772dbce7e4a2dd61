"""Labels partly labelled photos with the objects on which a student and a detector agree, or with a model's alone.

    pip install "numpy<2" pillow onnx onnxruntime pycocotools
    python recipes/mae-small/relabel.py --detector nanodet.onnx --student "mae-seg predict --weights runs/seg" --out labels/ \\
        DATA/objects DATA/objects-voc

The folders are those of labels.py, and --out is its folder, whose boxes are used again; the student's detections in partly
labelled photos are kept in labels/found/. Writes labels/relabelled.json. A box of NanoDet that is not a labelled object
becomes an object if a mask of the student has that box, with the precision of its score, raised by the student's score, as
confidence; otherwise its region is ignored. Objects of which the student alone is certain are added, too; uncertain ones are
ignored. Objects outlined by ../detected_masks.py (--detected, for any of the photos) take precedence over the student's.
Without --detector, the labels are those of the student alone, who is then the teacher of a smaller model.
"""
import argparse, json, os, shlex, subprocess, sys
from collections import Counter, defaultdict

import numpy as np
from pycocotools import mask as masks

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)), os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")]
from detected_masks import session
from labels import LEAST, OTHER, SAME, boxes_of, join
from pseudo_labels import DETECTED, DOUBTFUL, Labels, box_iou, is_known, likelihood

FITS = 0.6  # IoU of a mask's box and the detector's from which both are one object
BATCH = 100  # number of photos per call of the student
AGREED = 0.3  # factor of the student's score that is added to the confidence of a box


def found_by(student, photos, out):
    """Returns the rows of `mae-seg predict --json` by file name, computed for a hundred photos at a time."""
    os.makedirs(os.path.join(out, "found"), exist_ok=True)
    found = defaultdict(list)
    for start in range(0, len(photos), BATCH):
        paths = [os.path.join(out, photo["file_name"]) for photo in photos[start:start + BATCH]]
        answer = os.path.join(out, "found", f"{start}.json")
        if not os.path.exists(answer):
            with open(answer + ".part", "w") as file:
                subprocess.run([*shlex.split(student), "--score-thresh", "0.02", "--json", *paths], stdout=file, check=True)
            os.replace(answer + ".part", answer)
        for row in json.load(open(answer)):
            found[os.path.relpath(row["file_name"], out)].append(row)
    return found


def rectangle(photo, left, top, right, bottom):
    inside = np.zeros((photo["height"], photo["width"]), np.uint8, order="F")
    inside[int(top):int(np.ceil(bottom)), int(left):int(np.ceil(right))] = 1
    rle = masks.encode(inside)
    return {"size": rle["size"], "counts": rle["counts"].decode()}


def add_boxes(labels, photo, boxes, found, labelled, group, outlined):
    """Adds an object for each box that a mask fits, and ignores the others; returns the counts of both."""
    counts = Counter()
    for left, top, right, bottom, score, category in sorted(boxes, key=lambda row: -row[4]):
        likely, category = likelihood(score), int(category)
        sides = [max(0, left), max(0, top), min(photo["width"], right), min(photo["height"], bottom)]
        box = [sides[0], sides[1], sides[2] - sides[0], sides[3] - sides[1]]
        known = any(box_iou(box, other) >= (SAME if group[category] == of else OTHER) for of, other in labelled)
        if likely < LEAST or min(box[2:]) < 2 or known or outlined and likely >= DOUBTFUL:
            continue
        best = max(found, key=lambda row: box_iou(row["bbox"], box), default=None)
        if best and likely >= DETECTED and box_iou(best["bbox"], box) >= FITS:
            if not is_known(best, group[category], labels.known):
                labels.add(best, category, group[category], min(1.0, likely + AGREED * best["score"]))
                counts["agreed"] += 1
            continue
        region = rectangle(photo, *sides)
        labels.added.append({"category_id": category, "segmentation": region, "bbox": box, "iscrowd": 1,
                             "area": float(masks.area(region))})
        counts["ignored"] += 1
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", help="NanoDet as ONNX")
    parser.add_argument("--student", required=True, help="the command that finds objects, such as `mae-seg predict`")
    parser.add_argument("--detected", help="what ../detected_masks.py wrote")
    parser.add_argument("--out", required=True)
    parser.add_argument("folders", nargs="+")
    args = parser.parse_args()
    coco = join(args.folders, args.out)
    group = {category["id"]: category["supercategory"] for category in coco["categories"]}
    named = {name: entry["id"] for entry in reversed(coco["categories"]) for name in (entry["supercategory"], entry["name"])}
    known, detected = defaultdict(list), defaultdict(list)
    for row in coco["annotations"]:
        known[row["image_id"]].append(row)
    for row in json.load(open(args.detected)) if args.detected else []:
        detected[row["file_name"]].append(row)
    partly = [photo for photo in coco["images"] if not photo.get("exhaustive", True)]
    found = found_by(args.student, partly, args.out)
    boxes = boxes_of(partly, session(args.detector), args.out) if args.detector else defaultdict(list)
    counts = Counter()
    for photo in partly:
        name, rows = photo["file_name"], known[photo["id"]]
        labels = Labels(photo, rows, group)
        labelled = [(group[row["category_id"]], row["bbox"]) for row in rows if not row.get("iscrowd")]
        labels.detect(detected[name], group)
        counts["outlined"] += sum(not row["iscrowd"] for row in labels.added)
        counts += add_boxes(labels, photo, boxes[name], found[name], labelled, group, bool(detected[name]))
        before = len(labels.added)
        labels.find(found[name], named, group)
        counts["found"] += sum(not row["iscrowd"] for row in labels.added[before:])
        photo["exhaustive"] = True
        known[photo["id"]] = rows + [{"image_id": photo["id"], **row} for row in labels.added]
    rows = [row for photo in coco["images"] for row in known[photo["id"]]]
    coco["annotations"] = [{**row, "id": number} for number, row in enumerate(rows, 1)]
    path = os.path.join(args.out, "relabelled.json")
    with open(path + ".part", "w") as file:
        json.dump(coco, file)
    os.replace(path + ".part", path)
    print(f"{len(coco['images'])} photos and {len(rows)} rows in {path}: {dict(counts)}")


if __name__ == "__main__":
    main()
