#!/usr/bin/env bash
# Runs everything that CI runs, part by part, and prints how long each took.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages.sh
export STARTED=${STARTED:-$EPOCHSECONDS}

times=()
part() {
  local name=$1 began=$EPOCHSECONDS
  shift
  say "$name"
  "$@"
  times+=("$(printf '  %-52s %3d:%02d' "$name" $(((EPOCHSECONDS - began) / 60)) $(((EPOCHSECONDS - began) % 60)))")
}
summary() {
  local code=$?
  printf '%s\n' 'parts that passed, minutes and seconds:' "${times[@]}" >&2
  [ $code -eq 0 ] && say "all parts passed" || say "the next part failed"
}
trap summary EXIT
# An interrupted run has not passed.
trap 'exit 130' INT
trap 'exit 143' TERM

tools() { env=$(scripts/setup.sh --env); }
tests() { HISTORIES=${HISTORIES:-100} scripts/with-postgres.sh cargo test --locked --profile host --workspace; }
javascript() (cd tests/js && npm ci --silent && node --test)
pages() (cd tests/web && npm ci --silent && node --test --test-concurrency=1)
other_tools() (cd tests/tools && npm ci --silent && node --test)

part "tools" tools
eval "$env"
part "formatting, dependencies and lints" make --no-print-directory lint
part "contracts, compared with snapshots" node scripts/contracts.mjs --check
# The whole workspace at once: one set of features, so that no dependency is built twice.
part "building" cargo test --locked --profile host --workspace --no-run
part "tests" tests
part "clients in JavaScript" javascript
part "pages in a browser" pages
part "Hardhat and cast" other_tools
part "a client in Python" scripts/python.sh -m unittest discover -s tests/py
part "the served board against its document" scripts/python.sh tests/py/served.py
