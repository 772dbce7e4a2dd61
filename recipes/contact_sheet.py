"""Put the overlays that `predict` drew on one sheet.

    pip install pillow
    mae-seg predict --weights WEIGHTS --out found PHOTOS...
    python recipes/contact_sheet.py found sheet.jpg
"""
import argparse
from pathlib import Path

from PIL import Image

SIDE, GAP, COLUMNS, PAPER = 400, 8, 4, (246, 246, 244)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("found", type=Path, help="the folder that `predict` wrote")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    overlays = sorted(options.found.glob("*.overlay.png"))
    rows = -(-len(overlays) // COLUMNS)
    step = SIDE + GAP
    sheet = Image.new("RGB", (COLUMNS * step - GAP, rows * step - GAP), PAPER)
    for place, overlay in enumerate(overlays):
        with Image.open(overlay) as photo:
            photo = photo.convert("RGB")
        photo.thumbnail((SIDE, SIDE), Image.LANCZOS)
        row, column = divmod(place, COLUMNS)
        sheet.paste(photo, (column * step + (SIDE - photo.width) // 2, row * step + (SIDE - photo.height) // 2))
    sheet.save(options.out, quality=82)


if __name__ == "__main__":
    main()
