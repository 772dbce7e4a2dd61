"""Let what a model found stand in for the labels that photos lack (self-training).

    mae-seg predict --weights runs/teacher --score-thresh 0.03 --json photos/*.jpg > found.json
    python recipes/pseudo_labels.py --train mixed/train.json --found found.json --out mixed/pseudo.json

Photos marked `"exhaustive": false` get the objects found there beside their own and become exhaustive: what was found with
a score of at least --least is an object, the surer the more it counts (its `score` is that of the finding divided by
--certain, at most 1); what is less sure is ignored (as a crowd), and the rest is background. An object found where a
labelled one is, is that one; others of a group that was labelled there are ignored too. Photos that were exhaustive before
are listed --repeats times, for they alone are certain. Needs pycocotools.

A model that names supercategories says no more than these: the category written is the first of its group.
"""
import argparse, json, os
from collections import defaultdict

from pycocotools import mask as masks

SAME, INSIDE = 0.4, 0.7  # overlap (intersection over union, and over the found one) from which two are one


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="COCO instances file; its photos are known by file name alone")
    parser.add_argument("--found", required=True, nargs="+", help="what `mae-seg predict --json` printed")
    parser.add_argument("--out", required=True)
    parser.add_argument("--least", type=float, default=0.08)
    parser.add_argument("--certain", type=float, default=0.5, help="score from which nearly all that was found is there")
    parser.add_argument("--repeats", type=int, default=2)
    return parser.parse_args()


def outline(annotation, photo):
    size, segmentation = (photo["height"], photo["width"]), annotation["segmentation"]
    if isinstance(segmentation, list):
        return masks.merge(masks.frPyObjects(segmentation, *size))
    return masks.frPyObjects(segmentation, *size) if isinstance(segmentation["counts"], list) else segmentation


def new_ones(found, known):
    """Of the objects found in a photo, those that no known outline shows."""
    if not known:
        return found
    crowd = [False] * len(known)
    same = masks.iou([row["segmentation"] for row in found], known, crowd).max(1)
    inside = masks.iou([row["segmentation"] for row in found], known, [True] * len(known)).max(1)
    return [row for row, iou, part in zip(found, same, inside) if iou < SAME and part < INSIDE]


def main():
    args = arguments()
    coco = json.load(open(args.train))
    category, group = {}, {}
    for entry in sorted(coco["categories"], key=lambda entry: -entry["id"]):
        category[entry["supercategory"]] = category[entry["name"]] = entry["id"]
        group[entry["id"]] = entry["supercategory"]
    rows, known = defaultdict(list), defaultdict(list)
    for path in args.found:
        for row in json.load(open(path)):
            rows[os.path.basename(row["file_name"])].append(row)
    photos = {photo["id"]: photo for photo in coco["images"]}
    for annotation in coco["annotations"]:
        known[annotation["image_id"]].append(annotation)
    number = max(annotation["id"] for annotation in coco["annotations"])
    added, certain = [], []
    for photo in coco["images"]:
        if photo.get("exhaustive", True):
            certain.append(photo)
            continue
        photo["exhaustive"] = True
        labelled = {group[known_id] for known_id in photo.pop("labelled_category_ids", [])}
        found = rows[os.path.basename(photo["file_name"])]
        if not found:
            continue
        for row in new_ones(found, [outline(a, photo) for a in known[photo["id"]]]):
            number += 1
            known_id = category[row["label"]]
            unsure = row["score"] < args.least or group[known_id] in labelled
            likely = {} if unsure else {"score": round(min(row["score"] / args.certain, 1.0), 3)}
            added.append({
                "id": number, "image_id": photo["id"], "category_id": known_id,
                "segmentation": row["segmentation"], "bbox": [float(side) for side in row["bbox"]],
                "area": float(masks.area(row["segmentation"])), "iscrowd": int(unsure), **likely})
    sure = sum(not annotation["iscrowd"] for annotation in added)
    coco["annotations"] += added
    next_photo = max(photos) + 1
    for photo in certain * (args.repeats - 1):
        coco["images"].append({**photo, "id": next_photo})
        for annotation in known[photo["id"]]:
            number += 1
            coco["annotations"].append({**annotation, "id": number, "image_id": next_photo})
        next_photo += 1
    with open(args.out + ".part", "w") as file:
        json.dump(coco, file)
    os.replace(args.out + ".part", args.out)
    print(f"{sure} objects and {len(added) - sure} regions to ignore in {len(photos) - len(certain)} photos; "
          f"{len(coco['images'])} photos in {args.out}")


if __name__ == "__main__":
    main()
