# clipwright: everything a contributor runs. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

export CLIPWRIGHT_HOME := $(CURDIR)/.cache/clipwright
export PATH := $(CLIPWRIGHT_HOME)/bin:$(PATH)

# a home folder without Rust's settings still finds the toolchain beside the cargo that PATH names
RUST_SETTINGS := $(wildcard $(dir $(shell command -v cargo))../../.rustup)
ifneq ($(RUST_SETTINGS),)
export RUSTUP_HOME ?= $(realpath $(RUST_SETTINGS))
endif

SETUP := python3 infra/setup/setup.py
VENVS := python3 infra/setup/venvs.py
PACKAGES := python3 infra/setup/packages.py
STACK := .cache/venvs/stack/bin
DEPLOY := .cache/venvs/deploy/bin
DEV_FUNCTIONS := target/debug/lambda
DEMO_SOURCE := .cache/demo/talk.mp4
DEMO_OUT := out/demo

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: ## install what the tool needs into .cache (no root, nothing asked, a second run downloads nothing)
	@$(SETUP) runtime

.PHONY: build
build: setup ## build the worker and the functions as they are deployed
	@$(VENVS) stack
	cargo build --release --locked --package worker
	PATH="$(CURDIR)/$(STACK):$$PATH" cargo lambda build --release --locked --package functions --output-format zip

.PHONY: local
local: build ## the whole service on this machine, on loopback, until Ctrl-C
	@$(STACK)/python infra/local/stack.py up

.PHONY: demo
demo: build ## assemble a talk and take it through the whole service on this machine, clips into out/demo
	@$(SETUP) demo
	@python3 infra/demo/make_talk.py $(DEMO_SOURCE)
	@$(STACK)/python infra/demo/run.py $(DEMO_SOURCE) $(DEMO_OUT)

# the functions as the tests deploy them, without what only a debugger needs. All targets at once, with one set of features: built by
# themselves, half of their dependencies would be built again for the tests
.PHONY: dev-functions
dev-functions:
	cargo build --workspace --all-targets --locked
	@for name in $(notdir $(basename $(wildcard functions/src/bin/*.rs))); do \
		install -D --strip target/debug/$$name $(DEV_FUNCTIONS)/$$name/bootstrap; \
	done

# first of all, so that a machine without Node hears of it before anything is built
.PHONY: packages
packages:
	@$(PACKAGES)

.PHONY: test
test: export CLIPWRIGHT_FUNCTIONS := $(CURDIR)/$(DEV_FUNCTIONS)
test: export CLIPWRIGHT_WORKER := $(CURDIR)/target/debug/clipwright
test: packages setup dev-functions ## every test
	@$(VENVS) stack deploy checkov
	python3 -m unittest discover --start-directory infra/setup --pattern '*_test.py'
	python3 -m unittest discover --start-directory tests/benches --pattern '*_test.py'
	$(DEPLOY)/python -m unittest discover --start-directory tests/template --pattern '*_test.py'
	cargo test --workspace --locked
	$(STACK)/python -m unittest discover --start-directory infra/local --pattern '*_test.py'
	$(STACK)/python -m unittest discover --start-directory tests/stack --pattern '*_test.py'

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

.PHONY: audit
audit: ## known vulnerabilities (asks the network for the advisory database)
	@$(SETUP) checks
	cargo-deny --locked check advisories

FUZZ_SECONDS ?= 60
CARGO_FUZZ_VERSION := 0.13.2

# new inputs go to target/fuzz, so that the kept corpora stay small
.PHONY: fuzz
fuzz: export RUSTC_BOOTSTRAP := 1
fuzz: export LD_LIBRARY_PATH := $(CLIPWRIGHT_HOME)/lib
fuzz: ## feed each parser of outside input with made-up bytes for a minute (FUZZ_SECONDS)
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

.PHONY: clean
clean: ## remove what was built and rendered (downloads in .cache stay)
	rm -rf target out
