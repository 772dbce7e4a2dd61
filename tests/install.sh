#!/usr/bin/env bash
# Installs what is missing: `install.sh build` for building the page, `install.sh browser` for testing it, `install.sh mpi`
# for building and testing what several processes do together, and `fuzz`, `mutants`, `audit` and `sbom` for `make` of that name.
# Rust tools go to .tools/ of this repository; only the browser, Node and MPI come from the system's package manager.
set -euo pipefail
cd "$(dirname "$0")/.."

trunk=0.21.14
bindgen=0.2.129
tools="$PWD/.tools"
export PATH="$tools/bin:$PATH"

say() { printf '\033[1m%s\033[0m\n' "$*"; }

has() { [[ "$("$1" --version 2>/dev/null)" == *" $2"* ]]; }

# Release archives and their SHA-256, as published beside them, by platform.
release_of() {
  case "$1 $(uname -s) $(uname -m)" in
    "trunk Linux x86_64") echo x86_64-unknown-linux-gnu f2b4680cd239693a646a2795e4633c625328d7b2a044fbe749fa3a2fe9e7036b ;;
    "trunk Linux aarch64") echo aarch64-unknown-linux-gnu b1d8e60e454f7fc182d9a4d95d1506ffbae947d8ba90f8f6f02da93b60f980f9 ;;
    "trunk Darwin x86_64") echo x86_64-apple-darwin f1ba0e3bbe24e0ae219c6d22c33e24e2825c1608dd27c2556e323495110f1a95 ;;
    "trunk Darwin arm64") echo aarch64-apple-darwin 764e299dd50d89442a4e96a236349f57961984b701e74d3dbdb39cd1c9f5101e ;;
    "wasm-bindgen Linux x86_64") echo x86_64-unknown-linux-musl 82d12bb940e2d4e72e0d5605387fc1b8ca179044e012b620f0ce4e7440e8320e ;;
    "wasm-bindgen Linux aarch64") echo aarch64-unknown-linux-musl 2ed4351c35dd9440308bbb02767d47ea278efe851a52465300f3c94f5b6c2a87 ;;
    "wasm-bindgen Darwin x86_64") echo x86_64-apple-darwin 7e028879a68ec53dae14048b55cc5215f6df75b17a9c1426fac8fa086d3202fd ;;
    "wasm-bindgen Darwin arm64") echo aarch64-apple-darwin 81d4a23d56b3c3eb8187658329116d50e0b228a93b343825fb71f70179051cd1 ;;
    *) return 1 ;;
  esac
}

sha256() { { sha256sum "$1" 2>/dev/null || shasum -a 256 "$1"; } | cut -d ' ' -f 1; }

# Installs a release archive; fails if there is none, or it cannot be had, or what is in it does not run here.
downloaded() { # program version url-without-platform
  local program=$1 version=$2 url=$3 platform digest folder found
  read -r platform digest < <(release_of "$program") || return 1
  folder=$(mktemp -d "$tools/download.XXXXXX")
  say "Downloading $program $version"
  if curl --fail --silent --show-error --location --connect-timeout 10 --max-time 300 --proto =https \
    --output "$folder/archive" "$url-$platform.tar.gz"; then
    found=$(sha256 "$folder/archive")
    if [[ $found == "$digest" ]]; then
      tar -xzf "$folder/archive" -C "$folder"
      mv "$(find "$folder" -type f -name "$program" | head -n 1)" "$tools/bin/$program"
    else
      say "The archive of $program is not the published one: its SHA-256 is $found, and not $digest"
    fi
  fi
  rm -rf "$folder"
  has "$program" "$version"
}

built() { # crate version [cargo install options]
  local crate=$1 version=$2
  shift 2
  say "Building $crate $version into .tools/ (once, some minutes)"
  # A quick build rather than a fast tool: their time is spent in cargo and in reading files.
  CARGO_TARGET_DIR="$tools/build" CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=0 \
    CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
    cargo install --locked --force --root "$tools" "$crate@$version" "$@"
}

# Options of Cargo for crates in which a tool does spend its time.
optimised() { printf -- '--config profile.release.package.%s.opt-level=1 ' "$@"; }

build() {
  local github=https://github.com
  mkdir -p "$tools/bin"
  rustc --print target-libdir --target wasm32-unknown-unknown | xargs test -d || {
    say "Adding Rust's WebAssembly target"
    rustup target add wasm32-unknown-unknown
  }
  has trunk $trunk || downloaded trunk $trunk $github/trunk-rs/trunk/releases/download/v$trunk/trunk ||
    built trunk $trunk --no-default-features
  has wasm-bindgen $bindgen ||
    downloaded wasm-bindgen $bindgen $github/wasm-bindgen/wasm-bindgen/releases/download/$bindgen/wasm-bindgen-$bindgen ||
    built wasm-bindgen-cli $bindgen --bin wasm-bindgen $(optimised wasm-bindgen-cli-support walrus wasmparser wasm-encoder)
  rm -rf "$tools/build"
}

tool() { # crate version
  mkdir -p "$tools/bin"
  [[ -x "$tools/bin/$1" ]] && cargo install --list --root "$tools" | grep "^$1 v$2:" >/dev/null || built "$1" "$2"
  rm -rf "$tools/build"
}

fuzz() { tool cargo-fuzz 0.13.2; }

mutants() { tool cargo-mutants 27.1.0; }

audit() { tool cargo-deny 0.20.2; }

sbom() { tool cargo-cyclonedx 0.5.9; }

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
