#!/usr/bin/env bash
# Runs Python with the packages of tests/py/requirements.txt, in its own environment below target/.
#
# requirements.txt pins requirements.in and all its dependencies, for every platform; it is made by
#   uv pip compile --universal --python-version 3.11 --generate-hashes --no-header tests/py/requirements.in -o tests/py/requirements.txt
#
# Usage: scripts/python.sh ARGUMENTS...
#        scripts/python.sh --tool NAME ARGUMENTS...   a command from one of the packages
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
pinned=$root/tests/py/requirements.txt
folder=$root/target/python

if ! cmp -s "$pinned" "$folder/installed.txt"; then
  rm -rf "$folder"
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r "$pinned" >&2
  cp "$pinned" "$folder/installed.txt"
fi
program=python
if [ "${1:-}" = --tool ]; then
  program=$2
  shift 2
fi
PYTHONDONTWRITEBYTECODE=1 exec "$folder/bin/$program" "$@"
