#!/usr/bin/env bash
# What cargo starts each program with. The tests of a crate that uses motsu run one after another: threads share
# motsu's storage, and one that waits for it gives up ("storage is locked") after 10 ms, which a busy machine takes.
set -euo pipefail
if grep -q '^motsu' "${CARGO_MANIFEST_DIR:-}/Cargo.toml" 2>/dev/null; then
  export RUST_TEST_THREADS=${RUST_TEST_THREADS:-1}
fi
exec "$@"
