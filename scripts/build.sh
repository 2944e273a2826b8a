#!/usr/bin/env bash
# Runs `cargo ARGUMENTS...` and shows its progress and how long `make` has been running: on one line in a terminal,
# otherwise every 20 seconds. cargo's other output is shown only if it fails. If no file has changed since the last build,
# cargo is not started at all: it would take half a second to find that out.
#
# Usage: scripts/build.sh build -p devnet ...
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh

built=target/host/.built
with="$* $(rustc --version) $(env | sed -n '/^CARGO\|^RUST/p' | sort)"
# Folders too: they change when a file is removed.
changed() {
  find . -mindepth 1 \( -path ./target -o -path ./demo -o -path ./.git -o -name node_modules \) -prune -o \
    -newer "$built" -print -quit
}
if [ -x target/host/orderbook ] && [ -x target/host/devnet ] && [ "$(cat "$built" 2>/dev/null)" = "$with" ] &&
  [ -z "$(changed)" ]; then exit; fi
mkdir -p "${built%/*}"
echo "$with" > "$built.next"

log=$(mktemp)
trap 'rm -f "$log" "$built.next"' EXIT

# cargo's own progress bar, read from its text: "Building [=====>   ] 312/560: alloy-provider, ..."
show() {
  local line shown=0 width
  width=$(tput cols 2>/dev/null || echo 80)
  while IFS= read -r line; do
    if [[ $line =~ (Building|Downloading)\ \[[^]]*\]\ (.*) ]]; then
      if [ -t 2 ]; then
        printf '\r\033[K%s' "$(say "${BASH_REMATCH[1],,} ${BASH_REMATCH[2]}" 2>&1 | cut -c "1-$((width - 1))")" >&2
      elif [ $((EPOCHSECONDS - shown)) -ge 20 ]; then
        shown=$EPOCHSECONDS
        say "${BASH_REMATCH[1],,} ${BASH_REMATCH[2]}"
      fi
    else
      printf '%s\n' "$line" >> "$log"
    fi
  done
  if [ -t 2 ]; then printf '\r\033[K' >&2; fi
}

if ! CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=always CARGO_TERM_PROGRESS_WIDTH=100 cargo "$@" 2>&1 |
  stdbuf -oL tr '\r' '\n' | show; then
  cat "$log" >&2
  die "cargo $1 failed"
fi
if grep -q '^ *Compiling' "$log"; then say "built"; fi
mv "$built.next" "$built"
