#!/usr/bin/env bash
# Distils mae-small into mae-tiny: recipes/mae-tiny/distill.sh DATA OUT
#
# DATA holds folders of labelled photos (each with a train.json and its photos), objects/val.json for evaluation, and cutouts/.
# mae-small labels what their annotations leave out, and mae-tiny, starting from its bundled weights, learns from both. OUT receives
# the labels, the run and the exported weights. Finished stages are skipped, and interrupted ones are resumed.
#
# Needs Python (PYTHON=...) with "numpy<2", pillow, onnx, onnxruntime and pycocotools. MAE_SEG="cargo run --release --features libtorch --"
# and DEVICE=libtorch or libtorch-cuda train faster.
set -euo pipefail
data=$1 out=$2
here=$(dirname "$0")
weights=$here/../../www/weights
python=${PYTHON:-python3}
mae_seg=${MAE_SEG:-cargo run --release --}
device=${DEVICE:-auto}
mkdir -p "$out/labels"

folders=()
for folder in "$data"/*/; do [[ ! -f $folder/train.json ]] || folders+=("$folder"); done
[[ -f $out/labels/relabelled.json ]] ||
  "$python" "$here/../mae-small/relabel.py" --out "$out/labels" \
    --student "$mae_seg predict --weights $weights/mae-small --image-size 280 --device $device" "${folders[@]}"

$mae_seg finetune --recipe "$here/recipe.toml" --encoder "$weights/mae-tiny" --whole --out "$out/seg" \
  --train "$out/labels/relabelled.json" --images "$out/labels" --cutouts "$data/cutouts" --device "$device" \
  --image-size 320 --batch-size 16 --steps "${STEPS:-1000}" --optimizer muon --lr 5e-4 --warmup-steps 20 --ema-decay 0.99 \
  --min-scale 0.7 --max-scale 1.5 --copy-paste 1 --color-jitter 0.3 --seed 61

$mae_seg export "$out/seg" --out "$out/mae-tiny" --score-thresh 0.03
$mae_seg eval --weights "$out/mae-tiny" --annotations "$data/objects/val.json" --images "$data/objects" --class-agnostic \
  --device "$device"
