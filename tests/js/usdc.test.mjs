// A payment client written for USDC: it knows USDC's public ABI and nothing about TsUSDC. Only the address differs.

import assert from "node:assert/strict";
import test from "node:test";
import { getContract, keccak256, parseAbi, parseEventLogs, parseSignature, toHex } from "viem";
import { abi, deploy, send, startChain } from "./chain.mjs";

const usdcAbi = parseAbi([
  "event Transfer(address indexed from, address indexed to, uint256 value)",
  "event Approval(address indexed owner, address indexed spender, uint256 value)",
  "event AuthorizationUsed(address indexed authorizer, bytes32 indexed nonce)",
  "event AuthorizationCanceled(address indexed authorizer, bytes32 indexed nonce)",
  "function name() view returns (string)",
  "function symbol() view returns (string)",
  "function version() view returns (string)",
  "function currency() view returns (string)",
  "function decimals() view returns (uint8)",
  "function totalSupply() view returns (uint256)",
  "function balanceOf(address account) view returns (uint256)",
  "function allowance(address owner, address spender) view returns (uint256)",
  "function nonces(address owner) view returns (uint256)",
  "function paused() view returns (bool)",
  "function isBlacklisted(address account) view returns (bool)",
  "function DOMAIN_SEPARATOR() view returns (bytes32)",
  "function authorizationState(address authorizer, bytes32 nonce) view returns (bool)",
  "function transfer(address to, uint256 value) returns (bool)",
  "function approve(address spender, uint256 value) returns (bool)",
  "function increaseAllowance(address spender, uint256 increment) returns (bool)",
  "function transferFrom(address from, address to, uint256 value) returns (bool)",
  "function permit(address owner, address spender, uint256 value, uint256 deadline, uint8 v, bytes32 r, bytes32 s)",
  "function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
  "function receiveWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)",
  "function cancelAuthorization(address authorizer, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)",
]);

const authorization = [
  { name: "from", type: "address" }, { name: "to", type: "address" }, { name: "value", type: "uint256" },
  { name: "validAfter", type: "uint256" }, { name: "validBefore", type: "uint256" }, { name: "nonce", type: "bytes32" },
];
const USD = 1_000_000n;

// The coin's issuer deploys it and gives `holder` money; after that only USDC's ABI is used.
async function coinWith(net, holder, amount) {
  const admin = net.wallets[0].account.address;
  const address = await deploy(net, "tsusdc", ["string", "string", "string", "address"], ["TsUSDC", "TsUSDC", "USD", admin]);
  const coin = { address, abi: abi("ITsUSDC") };
  const issuer = (name, ...args) => send(net, net.wallets[0], coin, name, ...args);
  // The attester of reserves cannot mint, and the admin can do neither.
  const [minter, master, attestor] = net.wallets.slice(-3);
  const roles = [["MASTER_MINTER_ROLE", master], ["ATTESTOR_ROLE", attestor], ["BLACKLISTER_ROLE", net.wallets[0]]];
  for (const [role, { account }] of roles) await issuer("grantRole", keccak256(toHex(role)), account.address);
  const { timestamp } = await net.reader.getBlock();
  await issuer("setReserveMaxAge", 86_400n);
  await send(net, attestor, coin, "attestReserves", amount, timestamp, keccak256(toHex("bank statement")));
  await send(net, master, coin, "configureMinter", minter.account.address, amount);
  await send(net, minter, coin, "mint", holder, amount);
  return { address, abi: usdcAbi, issuer };
}

test("a client made for USDC pays with TsUSDC", async (t) => {
  const net = await startChain(t);
  const [, alice, bob, relayer] = net.wallets;
  const [from, to] = [alice.account.address, bob.account.address];
  const { issuer, ...usdc } = await coinWith(net, from, 1_000n * USD);
  const { read } = getContract({ ...usdc, client: net.reader });
  const domain = { name: await read.name(), version: await read.version(), chainId: net.chain.id, verifyingContract: usdc.address };
  const balances = async () => [await read.balanceOf([from]), await read.balanceOf([to])];
  const { timestamp: now } = await net.reader.getBlock();
  const authorize = (primaryType, nonce, value) => alice.signTypedData({
    domain, primaryType, types: { [primaryType]: authorization },
    message: { from, to, value, validAfter: 0n, validBefore: now + 3_600n, nonce: toHex(nonce, { size: 32 }) },
  });

  await t.test("reads what a wallet shows", async () => {
    assert.deepEqual(
      [await read.symbol(), await read.decimals(), await read.currency(), await read.totalSupply(), await read.paused(), await read.isBlacklisted([from])],
      ["TsUSDC", 6, "USD", 1_000n * USD, false, false]);
  });

  await t.test("transfers", async () => {
    const receipt = await send(net, alice, usdc, "transfer", to, 100n * USD);
    const [event] = parseEventLogs({ abi: usdcAbi, logs: receipt.logs });
    assert.deepEqual([event.eventName, event.args], ["Transfer", { from, to, value: 100n * USD }]);
    assert.deepEqual(await balances(), [900n * USD, 100n * USD]);
  });

  await t.test("approves, and a spender transfers", async () => {
    await send(net, alice, usdc, "approve", to, 50n * USD);
    await send(net, alice, usdc, "increaseAllowance", to, 10n * USD);
    await send(net, bob, usdc, "transferFrom", from, to, 60n * USD);
    assert.equal(await read.allowance([from, to]), 0n);
    assert.deepEqual(await balances(), [840n * USD, 160n * USD]);
  });

  await t.test("permits by signature", async () => {
    const message = { owner: from, spender: to, value: 40n * USD, nonce: await read.nonces([from]), deadline: now + 3_600n };
    const types = { Permit: [
      { name: "owner", type: "address" }, { name: "spender", type: "address" }, { name: "value", type: "uint256" },
      { name: "nonce", type: "uint256" }, { name: "deadline", type: "uint256" }] };
    const { v, r, s } = parseSignature(await alice.signTypedData({ domain, types, primaryType: "Permit", message }));
    await send(net, relayer, usdc, "permit", from, to, message.value, message.deadline, Number(v), r, s);
    assert.deepEqual([await read.allowance([from, to]), await read.nonces([from])], [40n * USD, 1n]);
  });

  await t.test("pays by authorization, once", async () => {
    const { v, r, s } = parseSignature(await authorize("TransferWithAuthorization", 1, 5n * USD));
    const args = [from, to, 5n * USD, 0n, now + 3_600n, toHex(1, { size: 32 }), Number(v), r, s];
    await send(net, relayer, usdc, "transferWithAuthorization", ...args);
    assert.deepEqual(await balances(), [835n * USD, 165n * USD]);
    assert.equal(await read.authorizationState([from, toHex(1, { size: 32 })]), true);
    await assert.rejects(send(net, relayer, usdc, "transferWithAuthorization", ...args), /revert/);
    assert.deepEqual(await balances(), [835n * USD, 165n * USD]);
  });

  await t.test("is paid by authorization, and only the payee may take it", async () => {
    const signature = await authorize("ReceiveWithAuthorization", 2, 7n * USD);
    const args = [from, to, 7n * USD, 0n, now + 3_600n, toHex(2, { size: 32 }), signature];
    await assert.rejects(send(net, relayer, usdc, "receiveWithAuthorization", ...args), /revert/);
    await send(net, bob, usdc, "receiveWithAuthorization", ...args);
    assert.deepEqual(await balances(), [828n * USD, 172n * USD]);
  });

  await t.test("cancels an authorization", async () => {
    const types = { CancelAuthorization: [{ name: "authorizer", type: "address" }, { name: "nonce", type: "bytes32" }] };
    const message = { authorizer: from, nonce: toHex(3, { size: 32 }) };
    const { v, r, s } = parseSignature(await alice.signTypedData({ domain, types, primaryType: "CancelAuthorization", message }));
    await send(net, relayer, usdc, "cancelAuthorization", from, message.nonce, Number(v), r, s);
    const paid = parseSignature(await authorize("TransferWithAuthorization", 3, USD));
    await assert.rejects(send(net, relayer, usdc, "transferWithAuthorization",
      from, to, USD, 0n, now + 3_600n, message.nonce, Number(paid.v), paid.r, paid.s), /revert/);
  });

  await t.test("sees that a blocked account cannot pay", async () => {
    await issuer("blacklist", from);
    assert.equal(await read.isBlacklisted([from]), true);
    await assert.rejects(send(net, alice, usdc, "transfer", to, USD), /revert/);
    assert.deepEqual(await balances(), [828n * USD, 172n * USD]);
  });
});
