#!/usr/bin/env bash
# Makes the pinned tools available. Idempotent, and quick when there is nothing to do.
#
# Usage: scripts/setup.sh --host   a compiler for this machine: all the two commands need
#        scripts/setup.sh          everything the contracts and tests need
#        scripts/setup.sh --env    also print the tools' environment, for eval (--host does so too)
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
    say "installing Binaryen $BINARYEN_VERSION, which makes the contracts smaller"
    rm -rf "$dir" && mkdir -p "$dir/bin"
    npm install --silent --no-fund --no-audit --prefix "$dir" "binaryen@$BINARYEN_VERSION" >&2
    ln -s ../node_modules/.bin/wasm-opt "$dir/bin/wasm-opt"
  fi
}

setup_stylus() {
  local dir=$TOOLS/cargo-stylus-$STYLUS_VERSION
  if [ ! -x "$dir/bin/cargo-stylus" ]; then
    say "building cargo stylus $STYLUS_VERSION, which builds the contracts as deployed (a few minutes, once)"
    cargo install --quiet --locked --root "$dir" --target-dir "$CACHE/build" "cargo-stylus@$STYLUS_VERSION" >&2
    rm -rf "$CACHE/build"
  fi
}

# PostgreSQL for the store's tests; scripts/with-postgres.sh starts a server of its own.
setup_postgres() {
  have initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return
  if [ ! -e /etc/postgresql-common/createcluster.conf ] && [ "$(id -u)" -eq 0 ]; then
    # Otherwise Debian would start a server.
    mkdir -p /etc/postgresql-common
    printf 'create_main_cluster = false\n' > /etc/postgresql-common/createcluster.conf
  fi
  debian "for the store's tests" postgresql
}

# For the test of `cargo stylus replay`, which runs a contract in gdb; without gdb the test says so.
setup_gdb() {
  have gdb || ! have apt-get || debian "for the test of cargo stylus replay" gdb
}

# For the pages' tests; Inter stands in for the fonts of other systems.
setup_chromium() {
  have chromium || have google-chrome || ! have apt-get || debian "for the tests of the pages" chromium fonts-inter
}

if [ "${1:-}" = --host ]; then
  rust_for_host
  have cc || debian "to compile SQLite and the signature library" gcc libc6-dev
  [ -z "$RUST" ] || printf 'export %s=%q\n' "${RUST%%=*}" "${RUST#*=}"
  exit
fi

# One at a time: two would build the same tool into the same folder.
mkdir -p "$CACHE"
exec 9>"$CACHE/lock"
flock 9

have cc && have pkg-config && have git && have curl ||
  debian "to build cargo stylus and the C libraries" build-essential pkg-config git curl ca-certificates
have node && have npm || debian "to build the contracts, and for tests" nodejs npm
python3 -c 'import ensurepip, venv' 2>/dev/null || debian "for tests" python3 python3-venv
setup_postgres
rust_for_contracts
setup_binaryen
setup_stylus
setup_gdb
setup_chromium

if [ "${1:-}" = --env ]; then
  printf 'export PATH=%q:%q:"$PATH"\n' "$TOOLS/binaryen-$BINARYEN_VERSION/bin" "$TOOLS/cargo-stylus-$STYLUS_VERSION/bin"
fi
