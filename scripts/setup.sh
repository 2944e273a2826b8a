#!/usr/bin/env bash
# Makes the pinned tools available. Idempotent, and quick when nothing is to do.
#
# Usage: scripts/setup.sh --host   a compiler for this machine: all that the two commands need
#        scripts/setup.sh          everything that contracts and tests need
#        scripts/setup.sh --env    also print, for eval, the environment that the tools need (--host does so, too)
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
. scripts/rust.sh

STYLUS_VERSION=0.10.10
BINARYEN_VERSION=132.0.0
CACHE=${DVP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dvp-market}
TOOLS=$CACHE/tools

setup_binaryen() {
  local dir=$TOOLS/binaryen-$BINARYEN_VERSION
  if [ ! -x "$dir/bin/wasm-opt" ]; then
    say "installing Binaryen $BINARYEN_VERSION: makes the contracts smaller"
    rm -rf "$dir" && mkdir -p "$dir/bin"
    npm install --silent --no-fund --no-audit --prefix "$dir" "binaryen@$BINARYEN_VERSION" >&2
    ln -s ../node_modules/.bin/wasm-opt "$dir/bin/wasm-opt"
  fi
}

setup_stylus() {
  local dir=$TOOLS/cargo-stylus-$STYLUS_VERSION
  if [ ! -x "$dir/bin/cargo-stylus" ]; then
    say "building cargo stylus $STYLUS_VERSION: builds the contracts as they are deployed (some minutes, once)"
    cargo install --quiet --locked --root "$dir" --target-dir "$CACHE/build" "cargo-stylus@$STYLUS_VERSION" >&2
    rm -rf "$CACHE/build"
  fi
}

# The server that the store's tests run against; scripts/with-postgres.sh starts one of its own.
setup_postgres() {
  have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
  if [ ! -e /etc/postgresql-common/createcluster.conf ] && [ "$(id -u)" -eq 0 ]; then
    # Debian would start a server of its own otherwise.
    mkdir -p /etc/postgresql-common
    printf 'create_main_cluster = false\n' > /etc/postgresql-common/createcluster.conf
  fi
  debian "the store's tests run against it, too" postgresql
}

# `cargo stylus replay` runs a contract in it; its test says so where there is none.
setup_gdb() {
  have gdb || ! have apt-get || debian "the test of cargo stylus replay runs a contract in it" gdb
}

# The pages' tests run in it; Inter stands in for the fonts that other systems have.
setup_chromium() {
  have chromium || have google-chrome || ! have apt-get || debian "the tests of the pages run in it" chromium fonts-inter
}

if [ "${1:-}" = --host ]; then
  rust_for_host
  have cc || debian "SQLite and the signatures' library are written in C" gcc libc6-dev
  [ -z "$RUST" ] || printf 'export %s=%q\n' "${RUST%%=*}" "${RUST#*=}"
  exit
fi

# One at a time: two would build the same tool into the same folder.
mkdir -p "$CACHE"
exec 9>"$CACHE/lock"
flock 9

have cc && have pkg-config && have git && have curl ||
  debian "to build cargo stylus and the C libraries" build-essential pkg-config git curl ca-certificates
have node && have npm || debian "builds the contracts, and a client of the tests" nodejs npm
python3 -c 'import ensurepip, venv' 2>/dev/null || debian "another client of the tests" python3 python3-venv
setup_postgres
rust_for_contracts
setup_binaryen
setup_stylus
setup_gdb
setup_chromium

if [ "${1:-}" = --env ]; then
  printf 'export PATH=%q:%q:"$PATH"\n' "$TOOLS/binaryen-$BINARYEN_VERSION/bin" "$TOOLS/cargo-stylus-$STYLUS_VERSION/bin"
fi
