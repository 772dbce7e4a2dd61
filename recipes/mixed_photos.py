"""Mixes photos without labels with labelled ones, so that fine-tuning can learn a teacher's features from both.

    python recipes/mixed_photos.py --train train.json --images photos/ --unlabelled shard-0000.tar --out mixed/

Writes mixed/train.json, in which everything in unlabelled photos is ignored, mixed/unlabelled with these photos, and a link
mixed/labelled to the others. Needs Pillow.
"""
import argparse, json, os, tarfile

from PIL import Image

TYPES = (".jpg", ".jpeg", ".png", ".webp")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--train", required=True, help="COCO instances file")
    arguments.add_argument("--images", required=True, help="the folder its file names start from")
    arguments.add_argument("--unlabelled", nargs="+", required=True, help="tar files of photos")
    arguments.add_argument("--out", required=True)
    args = arguments.parse_args()
    coco = json.load(open(args.train))
    folder, link = (os.path.join(args.out, name) for name in ("unlabelled", "labelled"))
    os.makedirs(folder, exist_ok=True)
    if not os.path.lexists(link):
        os.symlink(os.path.realpath(args.images), link)
    for photo in coco["images"]:
        photo["file_name"] = "labelled/" + photo["file_name"]
    number = max(photo["id"] for photo in coco["images"])
    for shard in args.unlabelled:
        with tarfile.open(shard) as tar:
            for member in tar:
                if not member.name.lower().endswith(TYPES):
                    continue
                name = os.path.basename(member.name)
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(tar.extractfile(member).read())
                width, height = Image.open(os.path.join(folder, name)).size
                number += 1
                coco["images"].append({
                    "id": number, "file_name": f"unlabelled/{name}", "width": width, "height": height,
                    "exhaustive": False, "labelled_category_ids": []})
    with open(os.path.join(args.out, "train.json.part"), "w") as file:
        json.dump(coco, file)
    os.replace(os.path.join(args.out, "train.json.part"), os.path.join(args.out, "train.json"))
    print(f"{len(coco['images'])} photos in {args.out}/train.json")


if __name__ == "__main__":
    main()
