#!/usr/bin/env bash
# Stands in for rustdoc in `make native`: runs the examples of the docs, as Cargo asks, and then writes the docs with the
# crates that are compiled already. `cargo doc` would first check all dependencies, for some minutes.
set -euo pipefail

rustdoc "$@"
[[ " $* " == *" --test "* ]] || exit 0

docs=()
while (($#)); do
  case $1 in
    --test) ;;
    --test-run-directory) shift ;;
    *) docs+=("$1") ;;
  esac
  shift
done
rustdoc "${docs[@]}" -Dwarnings --document-private-items --out-dir "$(dirname "$0")/../target/doc"
