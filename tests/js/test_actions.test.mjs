// Every test action of viem, in each mode whose methods devnet has.

import assert from "node:assert/strict";
import test from "node:test";
import { createPublicClient, createTestClient, http, numberToHex, parseEther, parseGwei } from "viem";
import { startDevnet } from "./devnet.mjs";

const [somebody, nobody] = [`0x${"dd".repeat(20)}`, `0x${"ee".repeat(20)}`];
const word = (number) => numberToHex(number, { size: 32 });

for (const mode of ["anvil", "hardhat"]) {
  test(`viem's test actions in ${mode} mode`, async (t) => {
    const { url, accounts } = await startDevnet(t);
    const transport = http(url);
    const client = createTestClient({ mode, transport });
    const reader = createPublicClient({ transport, pollingInterval: 20, cacheTime: 0 });
    const [, from] = accounts;
    // The node signs for its own accounts and for those it impersonates.
    const send = (transaction) => client.request({ method: "eth_sendTransaction", params: [transaction] });
    const latest = () => reader.getBlock();

    await t.test("accounts", async () => {
      await client.setBalance({ address: nobody, value: parseEther("3") });
      await client.setNonce({ address: nobody, nonce: 7 });
      await client.setCode({ address: nobody, bytecode: "0x6001" });
      await client.setStorageAt({ address: nobody, index: 2, value: word(9) });
      assert.equal(await reader.getBalance({ address: nobody }), parseEther("3"));
      assert.equal(await reader.getTransactionCount({ address: nobody }), 7);
      assert.equal(await reader.getCode({ address: nobody }), "0x6001");
      assert.equal(await reader.getStorageAt({ address: nobody, slot: word(2) }), word(9));
    });

    await t.test("impersonation and unsigned transactions", async () => {
      await client.setBalance({ address: somebody, value: parseEther("1") });
      await assert.rejects(send({ from: somebody, to: from }), /unknown account/);
      await client.impersonateAccount({ address: somebody });
      const receipt = await reader.getTransactionReceipt({ hash: await send({ from: somebody, to: from }) });
      assert.equal(receipt.from, somebody);
      await client.stopImpersonatingAccount({ address: somebody });
      await assert.rejects(send({ from: somebody, to: from }), /unknown account/);
      const hash = await client.sendUnsignedTransaction({ from: somebody, to: from, value: 5n });
      assert.equal((await reader.getTransaction({ hash })).value, 5n);
    });

    await t.test("blocks and the pool", async () => {
      assert.equal(await client.getAutomine(), true);
      await client.setAutomine(false);
      assert.equal(await client.getAutomine(), false);
      const [first, second] = [await send({ from, to: nobody }), await send({ from, to: nobody })];
      assert.deepEqual(await client.getTxpoolStatus(), { pending: 2, queued: 0 });
      const { pending } = await client.getTxpoolContent();
      assert.deepEqual(Object.values(Object.values(pending)[0]).map(({ hash }) => hash), [first, second]);
      const inspected = Object.values(Object.values((await client.inspectTxpool()).pending)[0]);
      assert.equal(inspected.length, 2);
      for (const line of inspected) assert.match(line, /^0x(ee){20}: 0 wei \+ \d+ gas × \d+ wei$/i);
      await client.dropTransaction({ hash: second });
      assert.equal((await client.getTxpoolStatus()).pending, 1);
      const head = (await latest()).number;
      await client.mine({ blocks: 3, interval: 10 });
      assert.equal((await latest()).number, head + 3n);
      assert.equal((await reader.getTransactionReceipt({ hash: first })).blockNumber, head + 1n);
      const [block, parent] = [await latest(), await reader.getBlock({ blockNumber: head + 2n })];
      assert.equal(block.timestamp, parent.timestamp + 10n);
      await client.setAutomine(true);
    });

    await t.test("time", async () => {
      const { timestamp } = await latest();
      await client.setNextBlockTimestamp({ timestamp: timestamp + 1_000n });
      await client.mine({ blocks: 1 });
      assert.equal((await latest()).timestamp, timestamp + 1_000n);
      await client.increaseTime({ seconds: 500 });
      await client.mine({ blocks: 1 });
      assert.ok((await latest()).timestamp >= timestamp + 1_500n);
      if (mode === "hardhat") return; // Hardhat has no such interval
      await client.setBlockTimestampInterval({ interval: 7 });
      await client.mine({ blocks: 1 });
      const between = await latest();
      await client.mine({ blocks: 1 });
      assert.equal((await latest()).timestamp, between.timestamp + 7n);
      await client.removeBlockTimestampInterval();
    });

    await t.test("snapshots", async () => {
      const { number } = await latest();
      const id = await client.snapshot();
      await client.mine({ blocks: 2 });
      await client.revert({ id });
      assert.equal((await latest()).number, number);
    });

    await t.test("rules of blocks", async () => {
      await client.setCoinbase({ address: nobody });
      await client.setBlockGasLimit({ gasLimit: 20_000_000n });
      await client.setNextBlockBaseFeePerGas({ baseFeePerGas: parseGwei("2") });
      await client.mine({ blocks: 1 });
      const { miner, gasLimit, baseFeePerGas } = await latest();
      assert.deepEqual([miner, gasLimit, baseFeePerGas], [nobody, 20_000_000n, parseGwei("2")]);
      await assert.rejects(client.setMinGasPrice({ gasPrice: 1n }), /no minimum gas price besides the base fee/);
    });

    await t.test("interval mining", async () => {
      await client.setIntervalMining({ interval: 3_600 });
      assert.equal(await client.getAutomine(), false);
      await client.setIntervalMining({ interval: 0 });
      await client.setAutomine(true);
    });

    await t.test("the node as a whole", async () => {
      await client.setLoggingEnabled(false);
      const state = await client.dumpState();
      await client.reset();
      assert.equal((await latest()).number, 0n);
      assert.equal(await reader.getCode({ address: nobody }), undefined);
      await client.loadState({ state });
      assert.equal(await reader.getCode({ address: nobody }), "0x6001");
      assert.equal(await reader.getStorageAt({ address: nobody, slot: word(2) }), word(9));
      await assert.rejects(client.setRpcUrl(url), /this chain is not a fork/);
    });
  });
}
