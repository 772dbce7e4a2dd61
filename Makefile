# make serve   build the page and serve it on http://127.0.0.1:8080
# make test    everything: lints, docs, native tests, the built page in a headless browser
# make check   lints only
# make dist    the page as static files for any host, in dist/
#
# Each installs what it misses (see tests/install.sh).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/.tools/bin:$(PATH)

.PHONY: serve test check native page browser dist

serve:
	tests/install.sh build
	trunk serve

test: check native page browser

check:
	tests/install.sh build
	cargo fmt --check
	cargo clippy --all-targets --features web -- -D warnings
	cargo web-check -- -D warnings
	cargo page-check -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items --features web

native:
	cargo test

page:
	tests/install.sh build
	trunk build

browser:
	tests/install.sh browser
	cd tests/e2e && node --test --test-concurrency=1

dist:
	tests/install.sh build
	trunk build --release
