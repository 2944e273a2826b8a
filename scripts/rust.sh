# Finds or installs Rust. Source it after packages.sh.
#
# If rustup can download, it is used. A machine that reaches only package registries gets the same version from Debian, and
# for the contracts builds the wasm32 standard library from Debian's copy of its source.

RUST_VERSION=$(sed -n 's/^channel = "\(.*\)"/\1/p' rust-toolchain.toml)
WASM=wasm32-unknown-unknown

# True if $1 is a release, the pinned one or later.
recent() {
  [[ $1 =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] && [ "$(printf '%s\n' "$RUST_VERSION" "$1" | sort -V | head -n 1)" = "$RUST_VERSION" ]
}

# The version that a command prints after its name, such as 1.96.0.
version() { "$@" --version 2>/dev/null | cut -d' ' -f2; }

# Installs the pinned version with rustup and these arguments; fails at once if rustup or its server is out of reach.
rustup_install() {
  have rustup || return 1
  say "installing Rust $RUST_VERSION with rustup"
  RUST_BACKTRACE=0 RUSTUP_MAX_RETRIES=0 timeout 600 rustup toolchain install "$RUST_VERSION" --no-self-update --profile minimal "$@" >&2 && return
  say "rustup could not download Rust $RUST_VERSION"
  return 1
}

# Installs Debian's build of the same version. The arguments are packages needed beside compiler and cargo.
debian_install() {
  have apt-get || die "neither rustup nor apt-get can install Rust $RUST_VERSION here: install it by hand"
  debian "Rust, which rustup could not provide" rustc-web cargo-web "$@"
  local found
  found=$(version /usr/bin/rustc)
  recent "$found" || die "Debian has Rust $found, expected $RUST_VERSION or newer: install it with rustup"
}

# Sets RUST to the variable that the environment needs to build for this machine: any recent enough release will do.
rust_for_host() {
  local toolchain found best='' newest=''
  RUST=
  if have rustup; then
    # Bypasses rust-toolchain.toml, for which rustup would also fetch clippy, rustfmt, sources and the wasm32 target.
    while read -r toolchain _; do
      found=$(RUSTUP_TOOLCHAIN=$toolchain version rustc) && recent "$found" || continue
      if [ "$found" = "$RUST_VERSION" ]; then best=$toolchain; break; fi
      if [ -z "$newest" ] || [ "$(printf '%s\n' "$newest" "$found" | sort -V | tail -n 1)" = "$found" ]; then
        newest=$found best=$toolchain
      fi
    done < <(rustup toolchain list 2>/dev/null)
    if [ -z "$best" ] && ! recent "$(version /usr/bin/rustc)" && rustup_install; then best=$RUST_VERSION; fi
    if [ -n "$best" ]; then RUST="RUSTUP_TOOLCHAIN=$best"; return; fi
  elif have cargo && recent "$(version rustc)"; then
    return
  fi
  # cargo needs the certificates to reach crates.io; Debian's Rust brings a C compiler.
  debian_install ca-certificates
  # Ahead of rustup's proxies, which do not know about it.
  RUST="PATH=/usr/bin:$PATH"
}

# True if `rustc` is the pinned version, can build for wasm32, and comes with clippy and rustfmt.
rust_complete() {
  local sysroot
  have cargo && have rustc && [ "$(version rustc)" = "$RUST_VERSION" ] || return 1
  sysroot=$(rustc --print sysroot 2>/dev/null) || return 1
  compgen -G "$sysroot/lib/rustlib/$WASM/lib/libcore-*.rlib" >/dev/null || return 1
  cargo clippy --version >/dev/null 2>&1 && cargo fmt --version >/dev/null 2>&1
}

# Installs exactly the pinned version, with everything that contracts and tests need.
rust_for_contracts() {
  rust_complete && return
  rustup_install --component clippy --component rustfmt --component rust-src --target "$WASM" && rust_complete && return
  debian_install rust-web-src rust-web-llvm lld-22 rust-web-clippy rustfmt-web
  standard_library
  hash -r
  rust_complete || die "Rust $RUST_VERSION with $WASM is still not usable; 'rustc --version' prints: $(rustc --version 2>&1)"
}

# Builds the wasm32 standard library, for which Debian has no package.
standard_library() {
  local lib=/usr/lib/rustlib/$WASM/lib work toolchain
  if ! compgen -G "$lib/libcore-*.rlib" >/dev/null; then
    say "building the $WASM standard library from source (about a minute)"
    work=$(mktemp -d)
    mkdir "$work/src"
    printf '#![no_std]\n' > "$work/src/lib.rs"
    printf '[package]\nname = "empty"\nversion = "0.0.0"\nedition = "2021"\n' > "$work/Cargo.toml"
    # Without embedded bitcode the contracts could not be linked with LTO.
    (cd "$work" && env -u CARGO_TARGET_DIR RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Cembed-bitcode=yes \
      /usr/bin/cargo build -q --release --target "$WASM" -Zbuild-std=core,alloc,std,panic_abort,proc_macro,test >&2)
    mkdir -p "$lib"
    cp "$work/target/$WASM/release/deps/"*.rlib "$lib/"
    rm -rf "$work"
  fi
  if have rustup; then
    toolchain=${RUSTUP_HOME:-$HOME/.rustup}/toolchains/$RUST_VERSION-x86_64-unknown-linux-gnu
    say "linking Debian's Rust $RUST_VERSION into rustup"
    mkdir -p "$toolchain/bin"
    for tool in cargo rustc rustdoc cargo-clippy clippy-driver rustfmt cargo-fmt; do
      ln -sfn "/usr/bin/$tool" "$toolchain/bin/$tool"
    done
    ln -sfn /usr/lib "$toolchain/lib"
  fi
}
