#!/usr/bin/env bash
# Installs what is missing: `install.sh build` for building the page, `install.sh browser` for testing it, `install.sh mpi`
# for building and testing what several processes do together.
# Rust tools go to .tools/ of this repository; only the browser, Node and MPI come from the system's package manager.
set -euo pipefail
cd "$(dirname "$0")/.."

trunk=0.21.14
bindgen=0.2.129
tools="$PWD/.tools"
export PATH="$tools/bin:$PATH"

say() { printf '\033[1m%s\033[0m\n' "$*"; }

has() { [[ "$("$1" --version 2>/dev/null)" == *" $2"* ]]; }

cargo_tool() { # crate version [cargo install options]
  local crate=$1 version=$2
  shift 2
  if cargo binstall -V >/dev/null 2>&1 &&
    cargo binstall --no-confirm --disable-telemetry --root "$tools" "$crate@$version"; then
    return
  fi
  say "Building $crate $version into .tools/ (once, some minutes)"
  # A quick build rather than a fast tool: their time is spent in cargo and in reading files.
  CARGO_TARGET_DIR="$tools/build" CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install --locked --root "$tools" "$crate@$version" "$@"
}

build() {
  rustc --print target-libdir --target wasm32-unknown-unknown | xargs test -d || {
    say "Adding Rust's WebAssembly target"
    rustup target add wasm32-unknown-unknown
  }
  has trunk $trunk || cargo_tool trunk $trunk --no-default-features --features rustls
  has wasm-bindgen $bindgen || cargo_tool wasm-bindgen-cli $bindgen --bin wasm-bindgen
  rm -rf "$tools/build"
}

system_package() { # package names differ between systems: one per package manager
  local apt=$1 dnf=$2 pacman=$3 brew=$4 sudo=
  [[ $(id -u) == 0 ]] || sudo=sudo
  if command -v apt-get >/dev/null; then
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $apt >/dev/null
  elif command -v dnf >/dev/null; then
    $sudo dnf install -y -q $dnf
  elif command -v pacman >/dev/null; then
    $sudo pacman -S --noconfirm --needed $pacman
  elif command -v brew >/dev/null; then
    brew install $brew
  else
    say "No package manager found: install $apt by hand, then run this again."
    exit 1
  fi
}

browser() {
  [[ -n "${CHROMIUM:-}" ]] || command -v chromium chromium-browser google-chrome >/dev/null || {
    say "Installing Chromium with the system's package manager"
    system_package chromium chromium chromium chromium
  }
  command -v npm >/dev/null && node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)' || {
    say "Installing Node.js with the system's package manager"
    system_package "nodejs npm" "nodejs npm" "nodejs npm" node
  }
  # playwright-core only drives the browser above; it downloads none of its own.
  npm ci --prefix tests/e2e --silent --no-audit --no-fund
}

mpi() {
  command -v mpicc >/dev/null && command -v mpirun >/dev/null && has_libclang || {
    say "Installing Open MPI and libclang with the system's package manager"
    system_package "libopenmpi-dev openmpi-bin libclang-dev" "openmpi-devel clang-devel" "openmpi clang" "open-mpi llvm"
  }
}

has_libclang() { [[ $(uname) == Darwin ]] || ldconfig -p | grep libclang >/dev/null; }

"$1"
