#!/usr/bin/env bash
# Draws docs/demo.svg from a real run of the demo on a terminal.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
COLUMNS=110 LINES=60 TERM=xterm-256color script -qec "stty cols 110 rows 60; target/host/orderbook demo --folder $work/demo" "$work/log" >/dev/null
node scripts/terminal-svg.mjs "make demo" < "$work/log" > docs/demo.svg
