// What any Ethereum client expects of the chain, tested with viem.

import assert from "node:assert/strict";
import test from "node:test";
import { BaseError, ContractFunctionRevertedError, concat, createPublicClient, keccak256, parseEther, toHex, webSocket } from "viem";
import { abi, deploy, send, startChain } from "./chain.mjs";

test("viem reads, sends, watches and handles a revert", async (t) => {
  const net = await startChain(t);
  const [issuer, stranger] = net.wallets;
  const admin = issuer.account.address;
  const address = await deploy(net, "erc1404-token",
    ["string", "string", "uint8", "string", "uint256", "address"], ["Example", "EXA", 18, "US0378331005", 0n, admin]);
  const token = { address, abi: abi("ISecurityToken") };

  await t.test("knows the chain", async () => {
    assert.equal(await net.reader.getChainId(), net.chain.id);
    assert.equal(await net.reader.readContract({ ...token, functionName: "symbol" }), "EXA");
    assert.match(await net.reader.getCode({ address }), /^0xeff00200/);
    const fees = await net.reader.getFeeHistory({ blockCount: 2, rewardPercentiles: [50] });
    assert.equal(fees.baseFeePerGas.length, 3);
  });

  await t.test("moves ether and finds the transaction again", async () => {
    const before = await net.reader.getBalance({ address: stranger.account.address });
    const hash = await issuer.sendTransaction({ to: stranger.account.address, value: parseEther("1") });
    const { blockNumber } = await net.reader.waitForTransactionReceipt({ hash });
    assert.equal(await net.reader.getBalance({ address: stranger.account.address }), before + parseEther("1"));
    assert.equal((await net.reader.getTransaction({ hash })).blockNumber, blockNumber);
    assert.equal(await net.reader.getBalance({ address: stranger.account.address, blockNumber: blockNumber - 1n }), before);
  });

  await t.test("decodes a custom error", async () => {
    const refused = send(net, stranger, token, "mint", stranger.account.address, 1n);
    await assert.rejects(refused, (error) => {
      assert.ok(error instanceof BaseError);
      const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
      assert.equal(reverted.data.errorName, "AccessControlUnauthorizedAccount");
      assert.equal(reverted.data.args[0], stranger.account.address);
      return true;
    });
  });

  await t.test("finds events by filter", async () => {
    await send(net, issuer, token, "grantRole", keccak256(toHex("COMPLIANCE_ROLE")), admin);
    await send(net, issuer, token, "setGroupRule", 2, 1, 1n);
    const receipt = await send(net, issuer, token, "setGroupRule", 1, 2, 1n);
    const logs = await net.reader.getContractEvents({ ...token, eventName: "GroupRuleSet", args: { fromGroup: 1 }, fromBlock: 0n });
    assert.deepEqual(logs.map((log) => log.transactionHash), [receipt.transactionHash]);
  });

  // Resolves with the first events that a watcher reports, and stops it.
  const firstEvents = (watcher, act) => new Promise((resolve, reject) => {
    const stop = watcher.watchContractEvent({
      ...token, eventName: "GroupRuleSet", args: { fromGroup: 3 },
      onLogs: (logs) => (stop(), resolve(logs)), onError: (error) => (stop(), reject(error)),
    });
    act().catch(reject);
  });
  // Changes the rule again and again until stopped: a watcher starts some time after it is requested.
  const keepChanging = async (done) => {
    for (let opensAt = 1n; !done(); opensAt++) {
      assert.ok(opensAt < 1_000n, "nothing was reported");
      await send(net, issuer, token, "setGroupRule", 3, 1, opensAt);
    }
  };
  const watched = async (watcher) => {
    let over = false;
    let changes;
    const logs = await firstEvents(watcher, () => (changes = keepChanging(() => over))).finally(() => (over = true));
    await changes;
    return logs;
  };

  await t.test("is told of events by polling a filter", async () => {
    const [event] = await watched(net.reader);
    assert.deepEqual([event.eventName, event.args.fromGroup, event.args.toGroup], ["GroupRuleSet", 3, 1]);
    assert.equal((await net.reader.getTransactionReceipt({ hash: event.transactionHash })).blockHash, event.blockHash);
  });

  await t.test("is told of events over a WebSocket", async () => {
    const socket = createPublicClient({ chain: net.chain, transport: webSocket(net.wsUrl) });
    const [event] = await watched(socket);
    assert.deepEqual([event.eventName, event.args.fromGroup, event.args.toGroup], ["GroupRuleSet", 3, 1]);
    await socket.transport.getRpcClient().then((client) => client.close());
  });

  await t.test("pays no more than the fees it offers", async () => {
    const { baseFeePerGas } = await net.reader.getBlock();
    const fees = { maxFeePerGas: baseFeePerGas * 2n + 7n, maxPriorityFeePerGas: 3n };
    const hash = await issuer.sendTransaction({ to: stranger.account.address, value: 1n, ...fees });
    const { effectiveGasPrice, type, status } = await net.reader.waitForTransactionReceipt({ hash });
    assert.deepEqual([type, status], ["eip1559", "success"]);
    assert.ok(effectiveGasPrice >= baseFeePerGas && effectiveGasPrice <= fees.maxFeePerGas);
    const { maxFeePerGas, maxPriorityFeePerGas } = await net.reader.getTransaction({ hash });
    assert.deepEqual({ maxFeePerGas, maxPriorityFeePerGas }, fees);
  });

  await t.test("calls with another state", async () => {
    const [account, to] = [stranger.account.address, `0x${"ab".repeat(20)}`];
    // Returns the caller's balance and the word in slot 0.
    const code = "0x333160005260005460205260406000f3";
    const slot = { slot: toHex(0, { size: 32 }), value: toHex(42, { size: 32 }) };
    const stateOverride = [{ address: to, code, stateDiff: [slot] }, { address: account, balance: 77n }];
    const { data } = await net.reader.call({ account, to, stateOverride });
    assert.equal(data, concat([toHex(77, { size: 32 }), slot.value]));
    assert.equal((await net.reader.call({ account, to })).data, undefined);
  });

  await t.test("says when there is no such thing", async () => {
    const hash = `0x${"11".repeat(32)}`;
    await assert.rejects(net.reader.getBlock({ blockNumber: 10n ** 9n }), { name: "BlockNotFoundError" });
    await assert.rejects(net.reader.getTransaction({ hash }), { name: "TransactionNotFoundError" });
    await assert.rejects(net.reader.getTransactionReceipt({ hash }), { name: "TransactionReceiptNotFoundError" });
    await assert.rejects(net.reader.request({ method: "eth_nonsense" }), { code: -32601 });
  });

  await t.test("is told of new blocks over a WebSocket", async () => {
    const transport = webSocket(net.wsUrl);
    const socket = createPublicClient({ chain: net.chain, transport });
    let heard;
    const block = new Promise((resolve) => (heard = resolve));
    const stop = await socket.watchBlocks({ onBlock: heard, onError: heard });
    const head = await socket.getBlockNumber(); // the subscription is in place once this later request is answered
    await issuer.sendTransaction({ to: admin, value: 1n });
    assert.equal((await block).number, head + 1n);
    stop();
    await socket.transport.getRpcClient().then((client) => client.close());
  });
});
