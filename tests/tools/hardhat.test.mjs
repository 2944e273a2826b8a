// Every helper of Hardhat 3's network helpers, and its viem plugin, on a chain that calls itself anvil.

import assert from "node:assert/strict";
import test from "node:test";
import helpersPlugin from "@nomicfoundation/hardhat-network-helpers";
import viemPlugin from "@nomicfoundation/hardhat-viem";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import { parseEther, toHex } from "viem";
import { startDevnet } from "../js/devnet.mjs";

const [somebody, nobody] = [`0x${"dd".repeat(20)}`, `0x${"ee".repeat(20)}`];
const word = (number) => toHex(number, { size: 32 });

async function connect(t, ...options) {
  const { url } = await startDevnet(t, ...options);
  const hre = await createHardhatRuntimeEnvironment({
    plugins: [helpersPlugin, viemPlugin], networks: { devnet: { type: "http", url } },
  });
  const connection = await hre.network.connect("devnet");
  t.after(() => connection.close());
  return connection;
}

test("Hardhat's helpers refuse a node that does not call itself anvil", async (t) => {
  const { networkHelpers } = await connect(t);
  await assert.rejects(networkHelpers.mine(), /can only be used/i);
});

test("Hardhat's helpers", async (t) => {
  const { networkHelpers, provider, viem } = await connect(t, "--client-version", "anvil/devnet");
  const { time } = networkHelpers;
  const reader = await viem.getPublicClient({ cacheTime: 0 });
  const [, wallet] = await viem.getWalletClients();
  const height = () => reader.getBlockNumber();
  const block = () => reader.getBlock();

  await t.test("setBalance, setNonce, setCode, setStorageAt, getStorageAt", async () => {
    await networkHelpers.setBalance(nobody, parseEther("3"));
    await networkHelpers.setNonce(nobody, 7);
    await networkHelpers.setCode(nobody, "0x6001");
    await networkHelpers.setStorageAt(nobody, 2, 9);
    assert.equal(await reader.getBalance({ address: nobody }), parseEther("3"));
    assert.equal(await reader.getTransactionCount({ address: nobody }), 7);
    assert.equal(await reader.getCode({ address: nobody }), "0x6001");
    assert.equal(await networkHelpers.getStorageAt(nobody, 2), word(9));
  });

  await t.test("impersonateAccount, stopImpersonatingAccount", async () => {
    const send = () => provider.request({ method: "eth_sendTransaction", params: [{ from: somebody, to: nobody }] });
    await networkHelpers.setBalance(somebody, parseEther("1"));
    await networkHelpers.impersonateAccount(somebody);
    const receipt = await reader.waitForTransactionReceipt({ hash: await send() });
    assert.equal(receipt.from, somebody);
    await networkHelpers.stopImpersonatingAccount(somebody);
    await assert.rejects(send(), /unknown account/);
  });

  await t.test("mine, mineUpTo", async () => {
    const before = await block();
    await networkHelpers.mine();
    assert.equal(await height(), before.number + 1n);
    await networkHelpers.mine(3, { interval: 10 });
    const [third, second] = [await block(), await reader.getBlock({ blockNumber: before.number + 3n })];
    assert.equal(third.number, before.number + 4n);
    assert.equal(third.timestamp, second.timestamp + 10n);
    await networkHelpers.mineUpTo(before.number + 9n);
    assert.equal(await height(), before.number + 9n);
  });

  await t.test("time.latest, latestBlock, increase, increaseTo, setNextBlockTimestamp", async () => {
    const now = await time.latest();
    assert.equal(BigInt(now), (await block()).timestamp);
    assert.equal(BigInt(await time.latestBlock()), await height());
    assert.equal(await time.increase(100), now + 100);
    await time.increaseTo(now + 1_000);
    assert.equal(await time.latest(), now + 1_000);
    await time.setNextBlockTimestamp(now + 2_000);
    await networkHelpers.mine();
    assert.equal(await time.latest(), now + 2_000);
  });

  await t.test("setCoinbase, setBlockGasLimit, setNextBlockBaseFeePerGas, setPrevRandao", async () => {
    await networkHelpers.setCoinbase(nobody);
    await networkHelpers.setBlockGasLimit(20_000_000);
    await networkHelpers.setNextBlockBaseFeePerGas(2_000_000_000);
    await networkHelpers.setPrevRandao(0xabcd);
    await networkHelpers.mine();
    const { miner, gasLimit, baseFeePerGas, mixHash } = await block();
    assert.deepEqual([miner, gasLimit, baseFeePerGas, mixHash], [nobody, 20_000_000n, 2_000_000_000n, word(0xabcd)]);
  });

  await t.test("takeSnapshot and restore", async () => {
    const before = await height();
    const snapshot = await networkHelpers.takeSnapshot();
    await networkHelpers.mine(5);
    await snapshot.restore();
    assert.equal(await height(), before);
  });

  await t.test("loadFixture, clearSnapshots", async () => {
    let runs = 0;
    async function fixture() {
      runs += 1;
      await networkHelpers.setBalance(somebody, 5n);
      return runs;
    }
    assert.equal(await networkHelpers.loadFixture(fixture), 1);
    await networkHelpers.setBalance(somebody, 6n);
    assert.equal(await networkHelpers.loadFixture(fixture), 1);
    assert.equal(await reader.getBalance({ address: somebody }), 5n);
    networkHelpers.clearSnapshots();
    assert.equal(await networkHelpers.loadFixture(fixture), 2);
  });

  await t.test("dropTransaction", async () => {
    await provider.request({ method: "evm_setAutomine", params: [false] });
    const hash = await wallet.sendTransaction({ to: nobody, value: 1n });
    assert.equal(await networkHelpers.dropTransaction(hash), true);
    assert.equal(await networkHelpers.dropTransaction(hash), false);
    await provider.request({ method: "evm_setAutomine", params: [true] });
  });

  await t.test("a wallet client of the viem plugin", async () => {
    const before = await reader.getBalance({ address: nobody });
    const hash = await wallet.sendTransaction({ to: nobody, value: 4n });
    assert.equal((await reader.waitForTransactionReceipt({ hash })).status, "success");
    assert.equal(await reader.getBalance({ address: nobody }), before + 4n);
  });
});
