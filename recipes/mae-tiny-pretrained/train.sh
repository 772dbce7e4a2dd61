#!/usr/bin/env bash
# From photos to www/weights/mae-tiny-pretrained: recipes/mae-tiny-pretrained/train.sh OUT PHOTOS...
#
# PHOTOS are folders, tars or zip files without labels; leave out photos that models are evaluated on. An interrupted run is resumed.
# MAE_SEG="cargo run --release --features libtorch --" and DEVICE=libtorch or libtorch-cuda train faster.
set -euo pipefail
out=$1
here=$(dirname "$0")
mae_seg=${MAE_SEG:-cargo run --release --}
$mae_seg pretrain --recipe "$here/recipe.toml" --data "${@:2}" --encoder "$here/../../www/weights/mae-tiny" --out "$out/mae" \
  --device "${DEVICE:-auto}"
$mae_seg export "$out/mae" --out "$out/mae-tiny-pretrained" --dtype f16
