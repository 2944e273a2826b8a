#!/usr/bin/env bash
# Makes the pinned toolchain available: Rust with the wasm32 target, Binaryen, cargo stylus; Node, Python and PostgreSQL for tests.
#
# Idempotent, and quick when nothing is to do. Where rustup can download, it does the ordinary thing; a machine that
# reaches only package registries gets the same compiler version from Debian and builds the wasm32 standard library
# from Debian's copy of its source.
#
# Usage: scripts/setup.sh          set everything up
#        scripts/setup.sh --env    also print, for eval, the environment that the tools need
set -euo pipefail
cd "$(dirname "$0")/.."

RUST_VERSION=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
STYLUS_VERSION=0.10.10
BINARYEN_VERSION=132.0.0
TARGET=wasm32-unknown-unknown
CACHE=${DVP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dvp-market}
TOOLS=$CACHE/tools

say() { printf 'setup: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

# Installs the Debian packages that are missing; elsewhere says what to install by hand.
debian() {
  local missing=()
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" = "install ok installed" ] || missing+=("$package")
  done
  [ ${#missing[@]} -eq 0 ] && return
  have apt-get || die "please install: ${missing[*]}"
  local sudo=()
  [ "$(id -u)" -eq 0 ] || sudo=(sudo)
  say "installing ${missing[*]}"
  local log
  log=$(mktemp)
  if ! { "${sudo[@]}" apt-get update -qq && DEBIAN_FRONTEND=noninteractive "${sudo[@]}" apt-get install -y -qq \
    --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -n 20 "$log" >&2
    die "apt-get could not install ${missing[*]}; the compiler's packages come from Debian's security repository, is it enabled?"
  fi
  rm -f "$log"
}

# True when `rustc` is the pinned version and can build for wasm32.
rust_ready() {
  local sysroot
  have cargo && have rustc || return 1
  [ "$(rustc --version 2>/dev/null | cut -d' ' -f2)" = "$RUST_VERSION" ] || return 1
  sysroot=$(rustc --print sysroot 2>/dev/null) || return 1
  compgen -G "$sysroot/lib/rustlib/$TARGET/lib/libcore-*.rlib" >/dev/null || return 1
  cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1
}

# The ordinary way; fails at once where rustup is missing or its server is out of reach.
rust_by_rustup() {
  have rustup || return 1
  say "installing Rust $RUST_VERSION with rustup"
  RUST_BACKTRACE=0 RUSTUP_MAX_RETRIES=0 timeout 600 rustup toolchain install "$RUST_VERSION" --profile minimal \
    --component clippy --component rustfmt --component rust-src --target "$TARGET" >&2 && return
  say "rustup could not download it"
  return 1
}

# Debian's own build of the same version, plus a wasm32 standard library built once from its source.
rust_by_debian() {
  have apt-get || die "Rust $RUST_VERSION is needed, and neither rustup nor apt-get can install it here"
  debian rustc-web cargo-web rust-web-src rust-web-llvm lld-22 rust-web-clippy rustfmt-web
  local found
  found=$(/usr/bin/rustc --version | cut -d' ' -f2)
  [ "$found" = "$RUST_VERSION" ] || die "Debian has Rust $found, wanted $RUST_VERSION: install it with rustup"

  local lib=/usr/lib/rustlib/$TARGET/lib
  if ! compgen -G "$lib/libcore-*.rlib" >/dev/null; then
    say "building the $TARGET standard library from source (about a minute)"
    local work
    work=$(mktemp -d)
    mkdir "$work/src"
    printf '#![no_std]\n' > "$work/src/lib.rs"
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n' > "$work/Cargo.toml"
    # Without embedded bitcode the contracts could not be linked with LTO.
    (cd "$work" && env -u CARGO_TARGET_DIR RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
      /usr/bin/cargo build -q --release --target "$TARGET" -Zbuild-std=core,alloc,std,panic_abort,proc_macro,test >&2)
    mkdir -p "$lib"
    cp "$work/target/$TARGET/release/deps/"*.rlib "$lib/"
    rm -rf "$work"
  fi

  if have rustup; then
    local toolchain
    toolchain=${RUSTUP_HOME:-$HOME/.rustup}/toolchains/$RUST_VERSION-x86_64-unknown-linux-gnu
    say "showing Debian's Rust $RUST_VERSION to rustup"
    mkdir -p "$toolchain/bin"
    for tool in cargo rustc rustdoc cargo-clippy clippy-driver rustfmt cargo-fmt; do
      ln -sfn "/usr/bin/$tool" "$toolchain/bin/$tool"
    done
    ln -sfn /usr/lib "$toolchain/lib"
  fi
}

setup_rust() {
  rust_ready && return
  rust_by_rustup && rust_ready && return
  rust_by_debian
  hash -r
  rust_ready || die "Rust $RUST_VERSION with $TARGET is still not usable; 'rustc --version' says: $(rustc --version 2>&1)"
}

setup_binaryen() {
  local dir=$TOOLS/binaryen-$BINARYEN_VERSION
  if [ ! -x "$dir/bin/wasm-opt" ]; then
    say "installing Binaryen $BINARYEN_VERSION"
    rm -rf "$dir" && mkdir -p "$dir/bin"
    npm install --silent --no-fund --no-audit --prefix "$dir" "binaryen@$BINARYEN_VERSION" >&2
    ln -s ../node_modules/.bin/wasm-opt "$dir/bin/wasm-opt"
  fi
}

setup_stylus() {
  local dir=$TOOLS/cargo-stylus-$STYLUS_VERSION
  if [ ! -x "$dir/bin/cargo-stylus" ]; then
    say "building cargo stylus $STYLUS_VERSION (some minutes, once)"
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
  debian postgresql
}

have cc && have pkg-config && have git && have curl || debian build-essential pkg-config git curl ca-certificates
have node && have npm || debian nodejs npm
python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3 python3-venv
setup_postgres
setup_rust
setup_binaryen
setup_stylus

if [ "${1:-}" = --env ]; then
  printf 'export PATH=%q:%q:"$PATH"\n' "$TOOLS/binaryen-$BINARYEN_VERSION/bin" "$TOOLS/cargo-stylus-$STYLUS_VERSION/bin"
fi
