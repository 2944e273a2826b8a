// What any Ethereum client expects of the chain, asked with viem.

import assert from "node:assert/strict";
import test from "node:test";
import { BaseError, ContractFunctionRevertedError, createPublicClient, keccak256, parseEther, toHex, webSocket } from "viem";
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
    assert.match(await net.reader.getCode({ address }), /^0xeff00000/);
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
