#!/usr/bin/env bash
# Runs Python with the packages of tests/py/requirements.txt, in an environment of its own below target/.
#
# requirements.txt pins requirements.in with everything below it, for every platform; it is made by
#   uv pip compile --universal --python-version 3.10 --generate-hashes --no-header tests/py/requirements.in -o tests/py/requirements.txt
#
# Usage: scripts/python.sh ARGUMENTS...
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
PYTHONDONTWRITEBYTECODE=1 exec "$folder/bin/python" "$@"
