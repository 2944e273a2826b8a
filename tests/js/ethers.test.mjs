// What ethers 6 needs from a chain, and the contracts that clients rely on.

import assert from "node:assert/strict";
import test from "node:test";
import {
  Contract, Interface, JsonRpcProvider, TypedDataEncoder, Wallet, WebSocketProvider, ZeroHash, concat, getCreate2Address,
  keccak256, parseEther, toBeHex,
} from "ethers";
import { startDevnet } from "./devnet.mjs";

const MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11";
const PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
const CREATE2_FACTORY = "0x4e59b44847b379578588920cA78FbF26c0B4956C";
const nobody = "0x00000000000000000000000000000000000000eE";

test("ethers reads, sends, watches and handles a revert", async (t) => {
  const { url, wsUrl, chainId, keys } = await startDevnet(t);
  const provider = new JsonRpcProvider(url, undefined, { pollingInterval: 20, cacheTimeout: -1 });
  t.after(() => provider.destroy());
  const wallet = new Wallet(keys[1], provider);

  await t.test("knows the chain", async () => {
    assert.equal((await provider.getNetwork()).chainId, BigInt(chainId));
    const { gasPrice, maxFeePerGas } = await provider.getFeeData();
    assert.equal(gasPrice, 100_000_000n);
    assert.ok(maxFeePerGas >= gasPrice);
    for (const tag of ["latest", "safe", "finalized", "pending", "earliest"]) assert.ok(await provider.getBlock(tag), tag);
  });

  await t.test("moves ether", async () => {
    const sent = await wallet.sendTransaction({ to: nobody, value: parseEther("2") });
    const receipt = await sent.wait();
    assert.equal(receipt.status, 1);
    assert.equal(await provider.getBalance(nobody), parseEther("2"));
    assert.equal(await provider.getBalance(nobody, receipt.blockNumber - 1), 0n);
    assert.equal((await receipt.getTransaction()).from, await wallet.getAddress());
  });

  await t.test("signs with the node's own account", async () => {
    const signer = await provider.getSigner(1);
    const receipt = await (await signer.sendTransaction({ to: nobody, value: 1n })).wait();
    assert.equal(receipt.from, signer.address);
  });

  await t.test("asks many things in one call", async () => {
    const multicall = new Contract(MULTICALL3, [
      "function aggregate3((address target, bool allowFailure, bytes callData)[]) payable returns ((bool success, bytes returnData)[])",
      "function getEthBalance(address) view returns (uint256)",
      "function getChainId() view returns (uint256)",
    ], provider);
    const call = (name, ...values) => ({ target: MULTICALL3, allowFailure: true, callData: multicall.interface.encodeFunctionData(name, values) });
    const nonsense = { target: MULTICALL3, allowFailure: true, callData: "0x12345678" };
    const answers = await multicall.aggregate3.staticCall([call("getEthBalance", nobody), call("getChainId"), nonsense]);
    assert.deepEqual(answers.map(([success]) => success), [true, true, false]);
    assert.equal(BigInt(answers[0][1]), await provider.getBalance(nobody));
    assert.equal(BigInt(answers[1][1]), BigInt(chainId));
  });

  await t.test("deploys to a known address and decodes a custom error", async () => {
    // Only reverts with the error Refused(uint256 code), with code 7.
    const refused = new Interface(["error Refused(uint256 code)", "function ask()"]);
    const revert = concat(["0x63", refused.getError("Refused").selector, "0x60e01b5f52600760045260245ffd"]);
    const initcode = concat(["0x6013600c60003960136000f3", revert]);
    await (await wallet.sendTransaction({ to: CREATE2_FACTORY, data: concat([ZeroHash, initcode]) })).wait();
    const address = getCreate2Address(CREATE2_FACTORY, ZeroHash, keccak256(initcode));
    assert.equal(await provider.getCode(address), revert);
    const contract = new Contract(address, refused, wallet);
    await assert.rejects(contract.ask.staticCall(), (error) => {
      assert.equal(error.code, "CALL_EXCEPTION");
      assert.deepEqual([error.revert.name, error.revert.args[0]], ["Refused", 7n]);
      return true;
    });
  });

  await t.test("finds Permit2 with this chain's domain", async () => {
    const permit2 = new Contract(PERMIT2, [
      "function DOMAIN_SEPARATOR() view returns (bytes32)",
      "function approve(address token, address spender, uint160 amount, uint48 expiration)",
      "function allowance(address owner, address token, address spender) view returns (uint160 amount, uint48 expiration, uint48 nonce)",
      "event Approval(address indexed owner, address indexed token, address indexed spender, uint160 amount, uint48 expiration)",
    ], wallet);
    const domain = { name: "Permit2", chainId, verifyingContract: PERMIT2 };
    assert.equal(await permit2.DOMAIN_SEPARATOR(), TypedDataEncoder.hashDomain(domain));
    const until = 2n ** 40n;
    const receipt = await (await permit2.approve(MULTICALL3, nobody, 5n, until)).wait();
    assert.deepEqual([...await permit2.allowance(await wallet.getAddress(), MULTICALL3, nobody)], [5n, until, 0n]);
    const [found] = await permit2.queryFilter(permit2.filters.Approval(), receipt.blockNumber);
    assert.equal(found.args.amount, 5n);
  });

  await t.test("is told of new blocks over a WebSocket", async () => {
    const socket = new WebSocketProvider(wsUrl);
    // ethers ends a subscription by itself, some time after its last listener was called.
    const send = socket.send.bind(socket);
    const unsubscribed = new Promise((resolve) => {
      socket.send = async (method, params) => {
        const answer = await send(method, params);
        if (method === "eth_unsubscribe") resolve(answer);
        return answer;
      };
    });
    const head = await socket.getBlockNumber();
    const heard = new Promise((resolve) => socket.once("block", resolve));
    await socket.send("eth_chainId", []); // the subscription is in place once this later request is answered
    await provider.send("evm_mine", []);
    assert.equal(await heard, head + 1);
    assert.equal(await unsubscribed, true);
    await socket.destroy();
  });

  await t.test("edits the chain by its own methods", async () => {
    await provider.send("anvil_setBalance", [nobody, toBeHex(7)]);
    assert.equal(await provider.getBalance(nobody), 7n);
    await assert.rejects(provider.send("eth_nonsense", []), /-32601|not found|does not exist/i);
  });
});
