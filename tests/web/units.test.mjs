// What the pages' script computes by itself, compared with independent code: order ids, totals, proofs.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createRequire } from "node:module";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { hashTypedData } from "viem";

const web = fileURLToPath(new URL("../../web/", import.meta.url));
const { build } = createRequire(`${web}package.json`)("esbuild");

// One module of the script, bundled.
async function module(name) {
  const { outputFiles } = await build({ absWorkingDir: web, entryPoints: [`src/${name}.ts`], bundle: true, format: "esm", write: false });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);
}

const address = (byte) => `0x${byte.repeat(20)}`;
const order = (change = {}) => ({
  chain_id: 42_161, contract: address("d1"), owner: address("a1"), side: "bid", security: address("5e"), payment: address("c1"),
  quantity: "1000000000000000000000", limit_total: "12500000000", expiry: "2030-01-31T09:00:00Z", epoch: 3,
  counterparty: address("00"), board_ref: `0x0190f3c2000070008000000000000000${"0".repeat(32)}`, ...change,
});

test("an order's id is what a wallet signs", async () => {
  const { idOf, typedData } = await module("order");
  for (const one of [order(), order({ side: "ask" }), order({ epoch: 0, quantity: "1" }), order({ chain_id: 1, counterparty: address("b2") })]) {
    const { types: { EIP712Domain: _, ...types }, primaryType, domain, message } = typedData(one);
    assert.equal(idOf(one), hashTypedData({ types, primaryType, domain, message }));
  }
  const [first, ...others] = [order(), order({ limit_total: "12500000001" }), order({ expiry: "2030-01-31T09:00:01Z" }), order({ board_ref: `0x${"1".repeat(64)}` })].map(idOf);
  for (const other of others) assert.notEqual(other, first);
});

test("amounts are read and written without loss", async () => {
  const { parse, plain, shown, dollars } = await module("amount");
  const largest = (2n ** 128n - 1n).toString();
  for (const [text, decimals, value] of [["1", 18, 10n ** 18n], ["1,234.5", 1, 12_345n], ["$0.000001", 6, 1n], ["12.500", 1, 125n], [largest, 0, 2n ** 128n - 1n], ["7.", 0, 7n]]) {
    assert.equal(parse(text, decimals), value, text);
  }
  for (const text of ["", ".", "-1", "1e3", "1,23", "0x10", "1.23", "1 000", "12,3456", "1.2.3"]) assert.equal(parse(text, 1), null, text);
  assert.equal(plain(1_230_000n, 6, 2), "1.23");
  assert.equal(shown(12_500_000_000n, 6, 2), "12,500.00");
  assert.equal(dollars(1_000_000_000_001n), "$1,000,000.000001");
  assert.equal(parse(plain(2n ** 127n + 1n, 18), 18), 2n ** 127n + 1n);
});

test("a price that gives no whole total has two neighbours that do", async () => {
  const { total, parsePrice, parse } = await module("amount");
  assert.deepEqual(total(parsePrice("12.50"), parse("1,000", 18), 18), { total: 12_500_000_000n });
  const [price, quantity] = [parsePrice("10.0000001"), parse("3", 18)];
  const { below, above } = total(price, quantity, 18);
  assert.deepEqual([below, above], ["10.00", "10.000001"]);
  for (const text of [below, above]) assert.ok("total" in total(parsePrice(text), quantity, 18), text);
  assert.equal(total(1n, 1n, 0).below, null);
});

const sha256 = (...parts) => createHash("sha256").update(Buffer.concat(parts)).digest();
const hex = (bytes) => `0x${bytes.toString("hex")}`;

// The tree of RFC 6962, written as the RFC defines it.
function root(leaves) {
  if (leaves.length === 1) return leaves[0];
  let half = 1;
  while (2 * half < leaves.length) half *= 2;
  return sha256(Buffer.of(1), root(leaves.slice(0, half)), root(leaves.slice(half)));
}
function path(leaves, index) {
  if (leaves.length === 1) return [];
  let half = 1;
  while (2 * half < leaves.length) half *= 2;
  const [left, right] = [leaves.slice(0, half), leaves.slice(half)];
  return index < half ? [...path(left, index), root(right)] : [...path(right, index - half), root(left)];
}

test("proofs lead to the root of every tree, and to no other place", async () => {
  const { read, check, canonical } = await module("proof");
  for (let size = 1; size <= 20; size += 1) {
    const events = Array.from({ length: size }, (_, at) => ({ seq: at + 1, type: "note", é: "ü\u2028\"", a: [1, null, true], B: { z: "1", y: "2" } }));
    const leaves = events.map((event) => sha256(Buffer.of(0), sha256(Buffer.from(canonical(event)))));
    for (let index = 0; index < size; index += 1) {
      const file = {
        format: "orderbook-inclusion-proof/1", chain_id: 1, contract: address("d1"), event: events[index], leaf_index: index, tree_size: size,
        root: hex(root(leaves)), path: path(leaves, index).map(hex),
      };
      const wrong = async (change) => (await check(read(JSON.stringify({ ...file, ...change })))).wrong;
      assert.equal(await wrong({}), "", `${index} of ${size}`);
      assert.notEqual(await wrong({ event: { ...events[index], type: "other" } }), "");
      assert.notEqual(await wrong({ leaf_index: index + 1 }), "");
      assert.notEqual(await wrong({ root: hex(sha256(Buffer.from("other"))) }), "");
      assert.match(await wrong({ path: [...file.path, file.root] }), /too many/);
      if (size > 1) assert.match(await wrong({ path: file.path.slice(1) }), /missing/);
    }
  }
  assert.equal(canonical({ b: [3, "x"], a: { d: null, c: true } }), '{"a":{"c":true,"d":null},"b":[3,"x"]}');
  for (const text of ["", "{}", "[]", "null", '{"format":"other"}', '{"format":"orderbook-inclusion-proof/1"}']) assert.throws(() => read(text), /not a proof/, text);
});
