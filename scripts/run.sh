#!/usr/bin/env bash
# cargo's runner for every program. The tests of a crate that uses motsu run one after another: threads share motsu's
# storage, and one that waits for it gives up ("storage is locked") after 10 ms, which happens on a busy machine.
set -euo pipefail
if grep -q '^motsu' "${CARGO_MANIFEST_DIR:-}/Cargo.toml" 2>/dev/null; then
  export RUST_TEST_THREADS=${RUST_TEST_THREADS:-1}
fi
exec "$@"
