// An order's digest, which is its id, matches that of an independent EIP-712 library.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { hashTypedData, recoverTypedDataAddress } from "viem";

const { orderType, vectors } = JSON.parse(readFileSync(fileURLToPath(new URL("../../settlement/vectors/order.json", import.meta.url)), "utf8"));

const fields = orderType.slice("Order(".length, -1).split(",").map((field) => {
  const [type, name] = field.split(" ");
  return { name, type };
});

test("viem computes the ids of the golden orders, and recovers their owners", async () => {
  assert.ok(vectors.length > 0);
  for (const { chainId, verifyingContract, order, id, signature } of vectors) {
    const typed = {
      domain: { name: "DvP Settlement", version: "1", chainId: BigInt(chainId), verifyingContract },
      types: { Order: fields }, primaryType: "Order", message: order,
    };
    assert.equal(hashTypedData(typed), id);
    assert.equal(await recoverTypedDataAddress({ ...typed, signature }), order.owner);
  }
});
