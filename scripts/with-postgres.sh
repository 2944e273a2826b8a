#!/usr/bin/env bash
# Runs a command with its own PostgreSQL server: a fresh data folder, a free loopback port.
# The tests find it through ORDERBOOK_TEST_POSTGRES.
set -euo pipefail

bin=$(compgen -G '/usr/lib/postgresql/*/bin' | sort -V | tail -n 1 || true)
if [ -z "$bin" ]; then
  command -v initdb >/dev/null && bin=$(dirname "$(command -v initdb)")
fi
[ -n "$bin" ] || { echo "with-postgres: no PostgreSQL server found; run scripts/setup.sh" >&2; exit 1; }

work=$(mktemp -d "${TMPDIR:-/tmp}/postgres.XXXXXX")
as_owner() { "$@"; }
if [ "$(id -u)" -eq 0 ]; then # the server refuses to run as root
  chown postgres "$work"
  as_owner() { runuser -u postgres -- "$@"; }
fi
stop() {
  as_owner "$bin/pg_ctl" -D "$work/data" -m immediate -s stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap stop EXIT

port=$(node -e 'const server = require("net").createServer().listen(0, "127.0.0.1", () => {
  console.log(server.address().port);
  server.close();
})')
as_owner "$bin/initdb" -D "$work/data" -U orderbook -A trust -E UTF8 --locale=C >/dev/null
# No test's database outlives the machine, so nothing waits for the disk; for a benchmark, FSYNC=on.
as_owner "$bin/pg_ctl" -D "$work/data" -l "$work/log" -s -w \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='$work' -c fsync=${FSYNC:-off}" start || { cat "$work/log" >&2; exit 1; }
ORDERBOOK_TEST_POSTGRES="postgres://orderbook@127.0.0.1:$port/postgres" "$@"
