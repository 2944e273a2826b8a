// Every answer described by Ethereum's execution-apis has the shape described there, on a chain where all of it occurs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import Ajv from "ajv";
import { startChain } from "./chain.mjs";

const document = JSON.parse(readFileSync(new URL("schemas/execution-apis.json", import.meta.url), "utf8"));
const ajv = new Ajv({ strict: false, allErrors: true });
ajv.addSchema(document, "apis");

// What Arbitrum adds to a receipt, as Nitro does; the schema allows nothing more.
const ARBITRUM = ["gasUsedForL1", "l1BlockNumber"];

function ethereum(answer) {
  if (Array.isArray(answer)) return answer.map(ethereum);
  if (answer === null || typeof answer !== "object" || !("cumulativeGasUsed" in answer)) return answer;
  return Object.fromEntries(Object.entries(answer).filter(([field]) => !ARBITRUM.includes(field)));
}

test("answers have the shapes of execution-apis", async (t) => {
  const { url } = await startChain(t);
  const checked = new Set();
  async function ask(method, ...params) {
    const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
    const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
    const { result, error } = await response.json();
    assert.equal(error, undefined, `${method}: ${JSON.stringify(error)}`);
    return result;
  }
  async function call(method, ...params) {
    const result = await ask(method, ...params);
    if (!(method in document.methods)) return result;
    const validate = ajv.getSchema(`apis#/methods/${method}`);
    assert.ok(validate(ethereum(result)), `${method}: ${JSON.stringify(validate.errors, null, 1)}\n${JSON.stringify(result)}`);
    checked.add(method);
    return result;
  }

  const [sender, other] = await call("eth_accounts");
  // LOG1 with topic 7, then SSTORE(1, 42), then returns 42 as 32 bytes.
  const contract = "0x00000000000000000000000000000000000000a1";
  await call("anvil_setCode", contract, "0x60075f5fa1602a6001556001545f5260205ff3");
  // From the first block on: otherwise the filter has only the head's logs, and an empty list fits two schemas.
  const filter = await call("eth_newFilter", { address: contract, fromBlock: "0x0" });
  const blocks = await call("eth_newBlockFilter");
  const accepted = await call("eth_newPendingTransactionFilter");

  // One transaction of each type, a creation, and one that reverts.
  const access = { accessList: [{ address: contract, storageKeys: [`0x${"0".repeat(63)}1`] }] };
  const requests = [
    { to: contract, gasPrice: "0x5f5e100" },
    { to: contract, gasPrice: "0x5f5e100", type: "0x1", ...access },
    { to: contract, value: "0x0", data: "0x010203", ...access },
    { data: "0x60015f5360015ff3" },
    { data: "0x5f5ffd", gas: "0x186a0" },
  ];
  const hashes = [];
  for (const request of requests) hashes.push(await call("eth_sendTransaction", { from: sender, ...request }));
  const { raw, tx } = await call("eth_signTransaction", { from: sender, to: other, value: "0x1" });
  hashes.push(await call("eth_sendRawTransaction", raw));
  assert.equal(hashes.at(-1), tx.hash);
  await call("eth_fillTransaction", { from: sender, to: other, value: "0x1" });

  for (const hash of hashes) {
    const receipt = await call("eth_getTransactionReceipt", hash);
    const transaction = await call("eth_getTransactionByHash", hash);
    const [block, index] = [receipt.blockNumber, receipt.transactionIndex];
    assert.deepEqual(await call("eth_getTransactionByBlockNumberAndIndex", block, index), transaction);
    assert.deepEqual(await call("eth_getTransactionByBlockHashAndIndex", receipt.blockHash, index), transaction);
    const header = await call("eth_getBlockByHash", receipt.blockHash, true);
    assert.equal(transaction.blockTimestamp, header.timestamp);
    await call("eth_getBlockByNumber", block, false);
    await call("eth_getBlockReceipts", block);
    await call("debug_traceTransaction", hash, { enableMemory: true, enableReturnData: true });
    await call("debug_traceBlockByNumber", block);
    await call("debug_traceBlockByHash", receipt.blockHash, { disableStack: true });
    await call("eth_getBlockTransactionCountByNumber", block);
    await call("eth_getBlockTransactionCountByHash", receipt.blockHash);
  }
  assert.equal((await call("eth_getLogs", { fromBlock: "0x0" }))[0].blockTimestamp !== undefined, true);
  for (const id of [filter, blocks, accepted]) await call("eth_getFilterChanges", id);
  await call("eth_getFilterLogs", filter);
  await call("eth_uninstallFilter", filter);

  const request = { from: sender, to: contract };
  await call("eth_call", request, "latest");
  await call("eth_estimateGas", request);
  await call("eth_createAccessList", request, "latest");
  await call("eth_simulateV1", {
    blockStateCalls: [
      { calls: [{ ...request, value: "0x1" }, { from: sender, data: "0x5f5ffd" }, { from: sender, data: "0xfe", gas: "0x186a0" }] },
      { blockOverrides: { number: "0x20" }, calls: [{ from: sender, to: other, value: "0x1" }] },
    ],
    traceTransfers: true,
    returnFullTransactions: true,
  }, "latest");
  await call("eth_feeHistory", "0x3", "latest", [10, 50]);
  await call("eth_getBalance", sender, "latest");
  await call("eth_getCode", contract, "latest");
  await call("eth_getStorageAt", contract, "0x1", "latest");
  await call("eth_getTransactionCount", sender, "latest");
  await call("eth_sign", sender, "0x0102");
  for (const method of ["eth_chainId", "eth_blockNumber", "eth_syncing", "eth_coinbase", "eth_gasPrice", "eth_baseFee",
    "eth_blobBaseFee", "eth_maxPriorityFeePerGas", "net_version", "txpool_status"]) await call(method);

  await call("evm_setAutomine", false);
  const waiting = await call("eth_sendTransaction", { from: sender, to: other, value: "0x1" });
  // The schema describes mined transactions only.
  assert.equal((await ask("eth_getTransactionByHash", waiting)).blockHash, null);
  await call("txpool_content");
  assert.deepEqual([...checked].sort(), Object.keys(document.methods).sort(), "a method was not called");
});
