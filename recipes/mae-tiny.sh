#!/usr/bin/env bash
# From photos to the bundled weights: recipes/mae-tiny.sh DATA OUT
#
# DATA holds photos/*.tar (no labels), objects/{train,val}.json with their photos, and cutouts/. OUT gets the teacher's
# features, the runs and the exported weights; what is done already is not done again.
set -euo pipefail
data=$1 out=$2
recipe=$(dirname "$0")/mae-tiny.toml
mae_seg=${MAE_SEG:-cargo run --release --}
shards=("$data"/photos/*.tar "$out/train-photos")

mkdir -p "$out/train-photos"
# Photos the model is judged on are not pretrained on either.
python3 -c 'import json, sys; print(*{i["file_name"] for i in json.load(open(sys.argv[1]))["images"]}, sep="\n")' \
  "$data/objects/train.json" |
  while read -r photo; do ln -sf "$(realpath "$data/objects/$photo")" "$out/train-photos/"; done
[[ -f $out/features.safetensors ]] ||
  python3 "$(dirname "$0")/teacher_features.py" --data "${shards[@]}" --out "$out/features.safetensors"
$mae_seg pretrain --recipe "$recipe" --data "${shards[@]}" --teacher-features "$out/features.safetensors" \
  --out "$out/mae"
finetune() {
  $mae_seg finetune --recipe "$recipe" --train "$data/objects/train.json" --images "$data/objects" \
    --cutouts "$data/cutouts" "$@"
}
finetune --encoder "$out/mae" --out "$out/seg-224"
finetune --encoder "$out/seg-224" --whole --image-size 288 --steps 3600 --out "$out/seg-288"
finetune --encoder "$out/seg-288" --whole --image-size 288 --steps 2650 --optimizer muon --lr 1e-3 \
  --min-zoom 0.8 --max-zoom 1.3 --transplants 0 --colour 0.2 --out "$out/seg"
$mae_seg eval --weights "$out/seg" --annotations "$data/objects/val.json" --images "$data/objects" \
  --class-agnostic --report "$out/report"
$mae_seg export "$out/seg" --out "$out/mae-tiny" --score-thresh 0.07
