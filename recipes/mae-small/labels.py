"""Joins sets of labelled photos, and finds by a detector where partly labelled ones show only background.

    pip install "numpy<2" pillow onnx onnxruntime pycocotools
    python recipes/mae-small/labels.py --detector nanodet.onnx --out labels/ DATA/objects DATA/objects-voc

Each folder holds train.json (COCO instances) and the photos it names. Writes labels/train.json, whose photos are found below
the links labels/NAME. In a photo marked `"exhaustive": false`, every box that NanoDet (see ../detected_masks.py) finds besides
the labelled objects is ignored as a crowd, and the rest becomes background: otherwise, only fully labelled photos would show
what is not an object. Boxes are kept in labels/boxes.jsonl, so that an interrupted run is continued.
"""
import argparse, json, os, sys
from collections import defaultdict

import numpy as np
from PIL import Image, ImageOps
from pycocotools import mask as masks

sys.path.insert(0, os.path.join(os.path.dirname(__file__), ".."))
from detected_masks import detect, session
from pseudo_labels import box_iou, likelihood

LEAST = 0.05  # minimum confidence of a box that is ignored and not background
SAME, OTHER = 0.5, 0.7  # IoU from which a box is a labelled object of its group, and of any group


def join(folders, out):
    """Joins the COCO files of all folders; the first folder's categories take precedence."""
    joined, categories = {"images": [], "annotations": []}, {}
    for folder in folders:
        name = os.path.basename(os.path.normpath(folder))
        link = os.path.join(out, name)
        if not os.path.lexists(link):
            os.symlink(os.path.realpath(folder), link)
        coco = json.load(open(os.path.join(folder, "train.json")))
        for photo in coco["images"]:
            photo["file_name"] = f"{name}/{photo['file_name']}"
        joined["images"] += coco["images"]
        joined["annotations"] += coco["annotations"]
        for category in coco["categories"]:
            categories.setdefault(category["id"], category)
    for kind in ("images", "annotations"):
        if len({entry["id"] for entry in joined[kind]}) < len(joined[kind]):
            raise SystemExit(f"two {kind} have one id; renumber a folder's train.json")
    return {**joined, "categories": list(categories.values())}


def boxes_of(photos, detector, out):
    """Returns the detector's rows of left, top, right, bottom, score and category, by file name."""
    path = os.path.join(out, "boxes.jsonl")
    # The last line may be incomplete.
    lines = [line for line in open(path) if line.endswith("\n")] if os.path.exists(path) else []
    known = dict(json.loads(line) for line in lines)
    with open(path, "w") as file:
        file.writelines(lines)
        for number, photo in enumerate(photos, 1):
            name = photo["file_name"]
            if name not in known:
                image = ImageOps.exif_transpose(Image.open(os.path.join(out, name))).convert("RGB")
                known[name] = [[round(float(n), 2) for n in row] for row in detect(detector, image)]
                file.write(json.dumps([name, known[name]]) + "\n")
            print(f"\r{number}/{len(photos)} photos", end="", flush=True)
    return known


def ignored(photo, rows, labelled, group):
    """Yields a rectangular crowd for each box that is not a labelled object."""
    for left, top, right, bottom, score, category in rows:
        sides = [max(0, left), max(0, top), min(photo["width"], right), min(photo["height"], bottom)]
        box = [sides[0], sides[1], sides[2] - sides[0], sides[3] - sides[1]]
        is_known = any(box_iou(box, other) >= (SAME if group[int(category)] == of else OTHER) for of, other in labelled)
        if likelihood(score) < LEAST or min(box[2:]) < 2 or is_known:
            continue
        inside = np.zeros((photo["height"], photo["width"]), np.uint8, order="F")
        inside[int(sides[1]):int(np.ceil(sides[3])), int(sides[0]):int(np.ceil(sides[2]))] = 1
        rle = masks.encode(inside)
        yield {
            "image_id": photo["id"], "category_id": int(category), "iscrowd": 1, "bbox": box, "area": float(inside.sum()),
            "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", required=True, help="NanoDet as ONNX")
    parser.add_argument("--out", required=True)
    parser.add_argument("folders", nargs="+")
    args = parser.parse_args()
    os.makedirs(args.out, exist_ok=True)
    coco = join(args.folders, args.out)
    group = {category["id"]: category["supercategory"] for category in coco["categories"]}
    labelled = defaultdict(list)
    for row in coco["annotations"]:
        labelled[row["image_id"]].append((group[row["category_id"]], row["bbox"]))
    partly = [photo for photo in coco["images"] if not photo.get("exhaustive", True)]
    found = boxes_of(partly, session(args.detector), args.out)
    next_row = max(row["id"] for row in coco["annotations"]) + 1
    regions = [region for photo in partly for region in ignored(photo, found[photo["file_name"]], labelled[photo["id"]], group)]
    coco["annotations"] += [{**region, "id": number} for number, region in enumerate(regions, next_row)]
    for photo in partly:
        photo["exhaustive"] = True
    path = os.path.join(args.out, "train.json")
    with open(path + ".part", "w") as file:
        json.dump(coco, file)
    os.replace(path + ".part", path)
    print(f"\n{len(coco['images'])} photos in {path}; {len(regions)} regions of {len(partly)} photos are ignored")


if __name__ == "__main__":
    main()
