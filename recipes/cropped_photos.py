"""Adds random crops of labelled photos to them as additional photos.

    python recipes/cropped_photos.py --train mixed/pseudo.json --images mixed/ --out mixed/cropped.json

A teacher finds more in a crop than in the whole photo, and fine-tuning sees the same objects in other surroundings. Large
photos (a side of at least 300 pixels) give four crops of 35 to 80 % of their sides, smaller ones one of 60 to 90 %; seven of
ten crops show a random point of an object. The visible part of an object is kept if it has at least 35 % of the object's pixels, and
24 pixels; a smaller part is ignored. Photos listed twice are cropped once. The crops are written to crops/ in IMAGES. Needs
Pillow and pycocotools.
"""
import argparse, json, os, random
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from PIL import Image
from pycocotools import mask as masks

from pseudo_labels import outline

LARGE, MANY = 300, 4  # minimum longer side of a photo that gives MANY crops
SHARES, LARGE_SHARES, STRETCH = (0.6, 0.9), (0.35, 0.8), (0.8, 1.25)
AT_OBJECTS, SURE = 0.7, 0.5  # share of crops around an object, and its minimum score
KEPT, LEAST = 0.35, 24  # minimum share of an object's pixels, and minimum number


def window(photo, rows, rng):
    """Returns left, top, width and height of a random crop."""
    sides = photo["width"], photo["height"]
    share, stretch = rng.uniform(*(LARGE_SHARES if max(sides) >= LARGE else SHARES)), rng.uniform(*STRETCH)
    size = [min(side, round(side * share * by)) for side, by in zip(sides, (stretch, 1 / stretch))]
    room = [side - length for side, length in zip(sides, size)]
    objects = [row["bbox"] for row in rows if not row["iscrowd"] and row.get("score", 1) >= SURE]
    if not objects or rng.random() >= AT_OBJECTS:
        return [rng.randint(0, most) for most in room] + size
    box = rng.choice(objects)
    point = [box[axis] + box[axis + 2] * rng.random() for axis in (0, 1)]
    return [min(max(0, round(at - length * rng.random())), most) for at, length, most in zip(point, size, room)] + size


def cut(row, photo, left, top, width, height):
    """Returns the visible part of an object, if there is one."""
    mask = masks.decode(outline(row, photo))
    seen = masks.encode(mask[top:top + height, left:left + width].copy(order="F"))
    area = int(masks.area(seen))
    if not area:
        return None
    shown = area >= max(KEPT * mask.sum(), LEAST)
    return {**row, "segmentation": {"size": seen["size"], "counts": seen["counts"].decode()}, "area": float(area),
            "bbox": [float(side) for side in masks.toBbox(seen)], "iscrowd": int(row["iscrowd"] or not shown)}


def crop(images, job):
    photo, rows, number = job
    rng = random.Random(f"{photo['file_name']} {number}")
    left, top, width, height = place = window(photo, rows, rng)
    base = os.path.splitext(os.path.basename(photo["file_name"]))[0]
    name = f"crops/{base}_crop{number}.jpg"
    image = Image.open(os.path.join(images, photo["file_name"])).convert("RGB")
    image.crop((left, top, left + width, top + height)).save(os.path.join(images, name), quality=92)
    seen = [cut(row, photo, *place) for row in rows]
    return {**photo, "file_name": name, "width": width, "height": height}, [row for row in seen if row]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True, help="COCO instances file")
    parser.add_argument("--images", required=True, help="the folder its file names start from")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    coco = json.load(open(args.train))
    known = defaultdict(list)
    for row in coco["annotations"]:
        known[row["image_id"]].append(row)
    photos = list({photo["file_name"]: photo for photo in reversed(coco["images"])}.values())[::-1]
    count = lambda photo: MANY if max(photo["width"], photo["height"]) >= LARGE else 1
    jobs = [(photo, known[photo["id"]], number) for photo in photos for number in range(count(photo))]
    os.makedirs(os.path.join(args.images, "crops"), exist_ok=True)
    images, rows = photos, [row for photo in photos for row in known[photo["id"]]]
    next_photo = max(photo["id"] for photo in coco["images"]) + 1
    with ProcessPoolExecutor() as pool:
        for number, (photo, seen) in enumerate(pool.map(partial(crop, args.images), jobs, chunksize=64), next_photo):
            images.append({**photo, "id": number})
            rows += [{**row, "image_id": number} for row in seen]
    coco["images"], coco["annotations"] = images, [{**row, "id": number} for number, row in enumerate(rows, 1)]
    with open(args.out + ".part", "w") as file:
        json.dump(coco, file)
    os.replace(args.out + ".part", args.out)
    print(f"{len(jobs)} crops of {len(images) - len(jobs)} photos, with {len(rows)} rows in {args.out}")


if __name__ == "__main__":
    main()
