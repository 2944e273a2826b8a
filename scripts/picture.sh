#!/usr/bin/env bash
# Draws the pictures of docs/ from real runs on a terminal: the demo, then the main commands on the market it leaves.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'kill "${node:-}" 2>/dev/null || true; rm -rf "$work"' EXIT
export TERM=xterm-256color PATH=$root/target/host:$PATH
unset NO_COLOR

# draw NAME TITLE: draws the terminal output of the script on standard input as docs/NAME.svg.
draw() {
  { echo 'run() { printf "\033[1;36m$\033[0m \033[1morderbook %s\033[0m\n" "$*"; eval "orderbook $*"; echo; }'; cat; } > "$work/session"
  (cd "${folder:-$root}" && script -qec "stty cols 110 rows 60; bash $work/session" "$work/log" >/dev/null)
  # Shows folders as they are for someone who follows the guide.
  sed -i "s#$work/##g; s#$root/##g" "$work/log"
  node scripts/steady.mjs "$work/names" < "$work/log" | node scripts/terminal-svg.mjs "$2" > "docs/$1.svg"
}

draw demo "make demo" <<< "orderbook demo --folder $work/demo"

folder=$work/demo
devnet --port 0 --json --state "$folder/chain.state" > "$work/node" &
node=$!
until [ -s "$work/node" ]; do kill -0 $node; done
export ORDERBOOK_RPC_URL
ORDERBOOK_RPC_URL=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8").split("\n")[0]).url' "$work/node")
# The id of the first entry of an answer.
ask() { (cd "$folder" && orderbook "$@" --json) | node -p 'const all = JSON.parse(require("fs").readFileSync(0)).data; (Array.isArray(all) ? all[0] : all).id'; }
# The start of the id of the last order posted on a side.
newest() { ask order list --state open --side "$1" --descending --limit 1 | cut -c 1-14; }

draw doctor "is everything in place?" <<'E2'
run doctor
E2
draw order "an order, signed by its owner and posted by the desk" <<'E2'
run "order sign bid HRBR 120 24.50 --wallet victor-chen --account A-1028 > bid.json"
run "order sign ask HRBR 120 24.40 --wallet ada-lindqvist --account A-1001 > ask.json"
run "order post bid.json"
run "order post ask.json"
run "order list --security HRBR --state open --descending --limit 6"
E2
draw book "the book" <<'E2'
run "book HRBR --levels 8"
E2
bid=$(newest bid) sell=$(newest ask)
(cd "$folder" && orderbook match propose "$bid" "$sell" > /dev/null)
match=$(ask match list --state proposed | tail -c 9)
draw match "one proposes, another approves" <<E2
run "match list --state proposed"
run "match approve $match --wallet dana"
run "match approve $match --wallet ruth --reason 'both at their limit or better'"
E2
(cd "$folder" && for order in "bid HRBR 20 24.00 --account A-1007 --wallet elena-rossi" "ask HRBR 20 24.50 --account A-1001 --wallet ada-lindqvist"; do
  # shellcheck disable=SC2086 # An order is several arguments.
  orderbook order sign $order | orderbook order post - > /dev/null
done)
draw preflight "every reason why it would fail now" <<E2
run "preflight $(newest bid) $(newest ask)"
run "preflight $bid $sell"
run "approve coin 3000 --wallet victor-chen"
run "approve HRBR 120 --wallet ada-lindqvist"
run "preflight $bid $sell"
E2
draw settle "securities against cash, or nothing" <<E2
run "settle $bid $sell --signed --dry-run"
run "settle $bid $sell --signed"
run "order show $bid"
E2
draw audit "what happened, provably" <<E2
run "audit log --from 93"
run "audit anchor"
run "audit prove $bid --out proof.json"
run "audit check proof.json"
run "audit verify"
E2
draw export "what an examiner asks for" <<'E2'
run "export exam --out exam"
run "export blotter | cut -d, -f 1-9 | tail -5"
E2
