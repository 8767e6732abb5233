# clipwright: what a contributor runs. `make` alone lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export CLIPWRIGHT_HOME := $(CURDIR)/.cache/clipwright
export PATH := $(CLIPWRIGHT_HOME)/bin:$(PATH)

# with another HOME (a fresh one, a container's), rustup still finds the toolchain next to the cargo on PATH
RUST_SETTINGS := $(wildcard $(dir $(shell command -v cargo))../../.rustup)
ifneq ($(RUST_SETTINGS),)
export RUSTUP_HOME ?= $(realpath $(RUST_SETTINGS))
endif

# where the pinned toolchain is not installed and cannot be fetched, the default one is used
ifeq ($(shell rustc --version 2>/dev/null),)
export RUSTUP_TOOLCHAIN ?= stable
endif

SETUP := python3 infra/setup/setup.py
VENVS := python3 infra/setup/venvs.py
PACKAGES := python3 infra/setup/packages.py
STACK := .cache/venvs/stack/bin
DEPLOY := .cache/venvs/deploy/bin
LAMBDA := .cache/venvs/lambda/bin
FUNCTIONS := $(notdir $(basename $(wildcard functions/src/bin/*.rs)))
DEMO_SOURCE := .cache/demo/talk.mp4
DEMO_OUT := out/demo
OUT ?= out/clips

# Downloads and the demo's video are made while cargo compiles. Cargo keeps all cores (make would hold it to two jobs)
# and draws no progress bar, whose line the other outputs would break.
BESIDE := $(MAKE) --no-print-directory --jobs 2
CARGO_BESIDE := env -u MAKEFLAGS CARGO_TERM_PROGRESS_WHEN=never cargo

# $(call lambda-folders,target/debug): the functions as Lambda has them, NAME/bootstrap, without debug symbols
lambda-folders = for name in $(FUNCTIONS); do install -D --strip $(1)/$$name $(1)/lambda/$$name/bootstrap; done

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- Run it on this machine: profile `local`, one build for the worker and the functions

.PHONY: demo
demo: ## run a five-minute talk through the whole service on this machine; clips in out/demo
	@$(BESIDE) local-programs demo-video
	@$(STACK)/python infra/demo/run.py $(DEMO_SOURCE) $(DEMO_OUT)

.PHONY: local
local: ## run the whole service on loopback until Ctrl-C
	@$(BESIDE) local-programs local-setup
	@$(STACK)/python infra/local/stack.py up

.PHONY: clip
clip: ## clip a video of your own, without the service: make clip FILE=talk.mp4 [OUT=out/clips]
	@if [[ -z "$(FILE)" ]]; then echo "clip: no video given; run: make clip FILE=talk.mp4 [OUT=out/clips]" >&2; exit 2; fi
	@if [[ "$(FILE)" != http*://* && ! -r "$(FILE)" ]]; then echo "clip: $(FILE) cannot be read; check the path" >&2; exit 2; fi
	@$(BESIDE) local-worker worker-setup
	@target/local/clipwright clip "$(FILE)" --out "$(OUT)"

.PHONY: local-programs local-worker
local-programs: speech-library
	@$(CARGO_BESIDE) build --profile local --locked --workspace --bins
	@$(call lambda-folders,target/local)
# the whole workspace's features, so that `make demo` does not compile the dependencies again
local-worker: speech-library
	@$(CARGO_BESIDE) build --profile local --locked --workspace --bin clipwright

.PHONY: speech-library worker-setup local-setup demo-video
# what the compiler needs of the downloads, before all others
speech-library:
	@$(SETUP) ctranslate2
worker-setup: speech-library
	@$(SETUP) runtime
local-setup: worker-setup
	@$(VENVS) stack
demo-video: local-setup
	@$(SETUP) demo
	@python3 infra/demo/make_talk.py $(DEMO_SOURCE)

# --- Each day

.PHONY: check
check: setup ## formatting, lints, documentation, licences, unused dependencies, the template
	@$(SETUP) checks
	@$(VENVS) deploy checkov
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	RUSTDOCFLAGS='--deny warnings' cargo doc --workspace --no-deps --locked --quiet
	cargo-deny --locked check bans licenses sources
	cargo-shear
	$(DEPLOY)/python tests/template/checks.py

.PHONY: fix
fix: setup ## format, and apply what clippy can mend by itself
	cargo fmt --all
	cargo clippy --workspace --all-targets --locked --fix --allow-dirty --allow-staged

.PHONY: docs
docs: setup ## the crates' documentation
	cargo doc --workspace --no-deps --locked
	@echo "docs: open target/doc/clipwright/index.html"

# --- Tests

# Times of single tests, which libtest prints only when told that it may use an unstable option. The variable is set for
# the test programs, not for cargo, which would compile everything again.
TIMED := CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER='env RUSTC_BOOTSTRAP=1'
TIMES := target/test-times
RUN_PYTHON_TESTS := tests/python_tests.py --times $(TIMES)

.PHONY: test
test: export CLIPWRIGHT_FUNCTIONS := $(CURDIR)/target/debug/lambda
test: export CLIPWRIGHT_WORKER := $(CURDIR)/target/debug/clipwright
test: packages setup dev-functions ## every test; prints the slowest twenty
	@$(VENVS) stack deploy checkov
	@rm -f $(TIMES) $(TIMES).rust
	python3 $(RUN_PYTHON_TESTS) infra/setup tests/benches
	$(DEPLOY)/python $(RUN_PYTHON_TESTS) tests/template
	$(TIMED) cargo test --workspace --locked --lib --bins --tests -- -Z unstable-options --report-time | tee $(TIMES).rust
	cargo test --workspace --locked --doc
	$(STACK)/python $(RUN_PYTHON_TESTS) infra/local
	$(STACK)/python $(RUN_PYTHON_TESTS) tests/stack
	@python3 tests/python_tests.py --slowest $(TIMES) $(TIMES).rust

.PHONY: test-fast
test-fast: setup ## unit tests and the functions' tests, without programs, stack or network
	python3 tests/python_tests.py infra/setup tests/benches
	cargo test --workspace --locked --lib --test it

# Everything at once, with one set of features: built alone, the functions' dependencies would be compiled again for the tests.
.PHONY: dev-functions
dev-functions:
	cargo build --workspace --all-targets --locked
	@$(call lambda-folders,target/debug)

# first, so that a machine without Node says so before anything is compiled
.PHONY: packages
packages:
	@$(PACKAGES)

FUZZ_SECONDS ?= 60
CARGO_FUZZ_VERSION := 0.13.2

# new inputs go to target/fuzz, so that the corpora in the repository stay small
.PHONY: fuzz
fuzz: export RUSTC_BOOTSTRAP := 1
fuzz: export LD_LIBRARY_PATH := $(CLIPWRIGHT_HOME)/lib
fuzz: setup ## fuzz each parser of untrusted input for a minute (FUZZ_SECONDS)
	@test -x .cache/fuzz/bin/cargo-fuzz || cargo install cargo-fuzz --version $(CARGO_FUZZ_VERSION) --locked --root .cache/fuzz
	@for target in $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs))); do \
		mkdir -p target/fuzz/$$target; \
		.cache/fuzz/bin/cargo-fuzz run --sanitizer none $$target target/fuzz/$$target fuzz/corpus/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024; \
	done

.PHONY: bench
bench: build ## measure against the alternatives; prints a table (BENCH='--only speech' for a part, see tests/benches)
	cargo build --locked --package functions --example harness
	@$(SETUP) bench demo
	@python3 infra/demo/make_talk.py $(DEMO_SOURCE)
	@python3 tests/benches/bench.py $(BENCH)

# --- Deploy and maintain

.PHONY: setup
setup: ## download what the worker needs into .cache (no root, no questions; a second run downloads nothing)
	@$(SETUP) runtime

.PHONY: build
build: setup ## build the worker and the functions as they are deployed
	@$(VENVS) lambda
	cargo build --release --locked --package worker
	PATH="$(CURDIR)/$(LAMBDA):$$PATH" cargo lambda build --release --locked --package functions --output-format zip

.PHONY: audit
audit: ## known vulnerabilities of dependencies (downloads the advisory database)
	@$(SETUP) checks
	cargo-deny --locked check advisories

.PHONY: clean
clean: ## remove build results and clips (downloads in .cache stay)
	rm -rf target out
