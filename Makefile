# make serve   build the page and serve it on http://127.0.0.1:8080
# make test    run everything: lints, docs, native tests, and the built page in a headless browser
# make check   only run the lints and write the docs, except for what only browsers compile: make page lints that
# make quick   check formatting, lints, unit and command-line tests, reusing what `make test` has built
# make parity-full   compare the published architectures at full size with Python's transformers, and read the exported
#              files in Python; needs a Python (PYTHON=…) with torch, transformers >= 5, timm, safetensors,
#              huggingface_hub, pycocotools, labelme, datumaro, resvg-py
# make browser-full   test the page with a model of 96 MB over a slow, unreliable connection
# make bench   measure the command line, the page and training beside onnxruntime and PyTorch, and write docs/benchmarks.md, in
#              about twelve minutes after the builds; needs a Python (PYTHON=…) with torch, onnx, onnxruntime, safetensors,
#              Pillow, matplotlib and, for training, transformers >= 5 and scipy; ROUNDS=3 is quicker, WEBGPU=1 adds the page on
#              WebGPU, CARGO_FLAGS="--features libtorch" training with libtorch
# make soak    segment 300 photos and switch models 100 times in one tab, then 120 photos on WebGPU, and watch the memory
# make fuzz    give changed files to each parser, for FUZZ_SECONDS=1200 each, with cargo-fuzz
# make mutants change the code of masks, post-processing, weights and COCO files in small ways, one at a time, and see whether the
#              tests of the library notice; SHARD=0/10 takes every tenth change
# make audit   check the licences and sources of all dependencies, and whether anything is known against them
# make sbom    list all dependencies of the page and of the command line as CycloneDX, in target/sbom/
# make dist    build the page as static files for any host, in dist/, with the list of its dependencies
#
# Each installs the tools that are missing (see tests/install.sh).

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
export PATH := $(CURDIR)/.tools/bin:$(PATH)

.PHONY: serve test tested-page patient-native check quick native page browser browser-full parity-full bench soak fuzz mutants \
	audit sbom release-page dist

PYTHON ?= python3

serve:
	tests/install.sh build
	@echo "Building the page: eight to nine minutes on two cores the first time, a minute or two after changes"
	trunk serve --no-autoreload

# The native tests are compiled and run in the time that the page and its tests leave, which wait for the browser a lot. Cargo
# uses all cores: make's two jobs are not for it to share.
test: export CARGO_MAKEFLAGS :=
test:
	$(MAKE) --jobs=2 tested-page patient-native

tested-page: page
	$(MAKE) browser

patient-native:
	nice -n 19 $(MAKE) native

check:
	tests/install.sh mpi
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --features web,tui,mpi,avif -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --features web,tui,mpi,avif

# `native`, `quick` and `page` lint what they compile while they compile it, and `native` writes the docs with it: to check
# all dependencies apart, as `check` does, takes minutes more.
native quick: export RUSTC_WORKSPACE_WRAPPER := clippy-driver
native quick: export CLIPPY_ARGS := -Dwarnings

native:
	tests/install.sh mpi
	cargo fmt --all --check
	cargo test --workspace --features avif,mpi,tui --bench forward --no-run
	FUZZ_SECONDS=20 RUSTDOC=$(CURDIR)/tests/rustdoc.sh cargo test --workspace --features avif,mpi,tui

quick:
	cargo fmt --all --check
	cargo test --features avif,mpi,tui --lib --test architecture --test cli

page:
	tests/install.sh build
	RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings trunk build

browser:
	tests/install.sh browser
	cd tests/e2e && node --test --test-concurrency=1

parity-full: export PARITY_FULL := $(CURDIR)/target/parity-full
parity-full: export PYTHON := $(PYTHON)
parity-full:
	@$(PYTHON) -c "import torch, transformers, timm, safetensors, huggingface_hub, pycocotools, labelme, datumaro, resvg_py" || \
		{ echo "parity-full needs Python with torch, transformers >= 5, timm, safetensors, huggingface_hub, pycocotools, labelme, datumaro, resvg-py: make parity-full PYTHON=..."; exit 1; }
	mkdir -p $(PARITY_FULL)
	$(PYTHON) tests/fixtures/generate_full.py write $(PARITY_FULL)
	cargo test --test library parity::full -- --ignored --nocapture --test-threads=1
	cargo run -- import $(PARITY_FULL)/mae_base --out $(PARITY_FULL)/mae_base_imported --dtype f32
	cargo run -- import $(PARITY_FULL)/mae_original/mae_pretrain_vit_base_full.pth --out $(PARITY_FULL)/mae_original_imported --dtype f32
	cargo run -- import $(PARITY_FULL)/eomt_small --out $(PARITY_FULL)/eomt_small_imported --dtype f32
	cargo run -- import $(PARITY_FULL)/mae_base --out $(PARITY_FULL)/mae_base_i8 --dtype i8
	$(PYTHON) tests/fixtures/generate_full.py check $(PARITY_FULL)
	cargo test --test library hub::python -- --ignored
	mkdir -p $(PARITY_FULL)/ap
	$(PYTHON) tests/fixtures/generate_ap.py 200 $(PARITY_FULL)/ap
	AP_CASES=$(PARITY_FULL)/ap cargo test --lib pycocotools -- --ignored
	$(PYTHON) tests/fixtures/check_exports.py $(PARITY_FULL)/exports target/debug/mae-seg www/samples/*.jpg

browser-full:
	tests/install.sh browser
	cd tests/e2e && FULL=1 node --test streaming.test.mjs

bench: ROUNDS ?= 9
bench: release-page
	@$(PYTHON) -c "import matplotlib, numpy, onnx, onnxruntime, PIL, safetensors, torch" || \
		{ echo "bench needs Python with torch, onnx, onnxruntime, safetensors, Pillow, matplotlib: make bench PYTHON=..."; exit 1; }
	tests/install.sh browser
	npm ci --prefix tests/bench --ignore-scripts --silent --no-audit --no-fund
	$(PYTHON) tests/bench/run.py --rounds $(ROUNDS) $(if $(WEBGPU),--webgpu)

soak:
	tests/install.sh browser
	cd tests/e2e && node soak.mjs && node soak.mjs 120 0 webgpu

fuzz: FUZZ_SECONDS ?= 1200
fuzz:
	tests/install.sh fuzz
	for check in tests/fuzz/targets/*.rs; do \
		name=$$(basename $$check .rs); \
		mkdir -p target/fuzz/$$name; \
		cargo fuzz run --fuzz-dir tests/fuzz --sanitizer none $$name target/fuzz/$$name tests/fuzz/corpus/$$name -- \
			-max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048 -timeout=20 -max_len=65536; \
	done

mutants: export CARGO_TARGET_DIR := $(CURDIR)/target/mutants
mutants: SHARD ?= 0/1
mutants:
	tests/install.sh mutants
	mkdir -p target
	cargo mutants --shard $(SHARD) --sharding round-robin --timeout 600 --output target --no-times -C=--lib -C=--test=library \
		--file 'src/mask.rs' --file 'src/mask/*.rs' --file 'src/engine/postprocess.rs' --file 'src/engine/postprocess/*.rs' \
		--file 'src/data/coco.rs' --file 'src/data/coco/*.rs' --file 'src/weights/**/*.rs' \
		-- -- --skip fuzz

audit:
	tests/install.sh audit
	cargo deny check

# The same bytes wherever and whenever a commit is built: its own date, and no name of the folder it is in.
sbom: export SOURCE_DATE_EPOCH ?= $(or $(shell git log -1 --format=%ct 2>/dev/null),0)
sbom:
	tests/install.sh sbom
	mkdir -p target/sbom
	cargo cyclonedx --format json --target wasm32-unknown-unknown --no-default-features --features web --override-filename page
	cargo cyclonedx --format json --override-filename command-line
	for list in page command-line; do sed 's|file://$(CURDIR)|file://.|g' $$list.json > target/sbom/$$list.json; done
	rm page.json command-line.json src/kernels/page.json src/kernels/command-line.json

release-page:
	tests/install.sh build
	trunk build --release

dist: sbom release-page
	cp target/sbom/page.json dist/sbom.cdx.json
