#!/usr/bin/env bash
# Draws docs/demo.svg from a real run of the demo on a terminal.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
TERM=xterm-256color script -qec "stty cols 110 rows 60; target/host/orderbook demo --folder $work/demo" "$work/log" >/dev/null
# The picture shows folders as `make demo` names them.
sed -i "s#$work/##g; s#$PWD/##g" "$work/log"
node scripts/terminal-svg.mjs "make demo" < "$work/log" > docs/demo.svg
