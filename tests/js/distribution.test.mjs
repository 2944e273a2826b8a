// The tree of a distribution is a StandardMerkleTree of OpenZeppelin's package: it has the same leaves, root and proofs as
// the command line makes, and the contract accepts them.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import { fileURLToPath } from "node:url";
import { StandardMerkleTree } from "@openzeppelin/merkle-tree";
import { keccak256, toHex, zeroHash } from "viem";
import { abi, deploy, send, startChain } from "./chain.mjs";

const types = ["uint256", "address", "address", "uint64", "uint256", "address", "uint256"];

// The tree of shares, and the values at its leaves.
function treeOf({ chainId, distribution, security, recordBlock }, shares) {
  const values = shares.map(({ wallet, amount }, index) =>
    [BigInt(chainId), distribution, security, BigInt(recordBlock), BigInt(index), wallet, BigInt(amount)]);
  return { tree: StandardMerkleTree.of(values, types), values };
}

const vectorPath = fileURLToPath(new URL("../vectors/distribution.json", import.meta.url));

// Numbers of shares that give every shape of tree: complete, and with leaves on two levels.
function makeVectors() {
  const place = {
    chainId: 412346, distribution: `0x${"d1".repeat(20)}`, security: `0x${"5e".repeat(20)}`, recordBlock: 4711,
  };
  const trees = [1, 2, 3, 4, 5, 8, 33].map((count) => {
    const shares = Array.from({ length: count }, (_, index) => ({
      wallet: `0x${keccak256(toHex(`holder ${index} of ${count}`)).slice(26)}`,
      amount: `${(BigInt(index) * 7_919n + 1n) * 10n ** BigInt(index % 7)}`,
    }));
    const { tree, values } = treeOf(place, shares);
    return {
      root: tree.root,
      shares: shares.map((share, index) => ({ ...share, leaf: tree.leafHash(values[index]), proof: tree.getProof(values[index]) })),
    };
  });
  return `${JSON.stringify({ ...place, trees }, null, 1)}\n`;
}

test("the vectors are what the package makes", () => {
  if (process.env.UPDATE_SNAPSHOTS) writeFileSync(vectorPath, makeVectors());
  assert.equal(readFileSync(vectorPath, "utf8"), makeVectors());
});

test("a tree of the package is paid by the contract", async (t) => {
  const net = await startChain(t);
  const [issuer, holder, other, attestor] = net.wallets;
  const admin = issuer.account.address;
  const coin = {
    address: await deploy(net, "tsusdc", ["string", "string", "string", "address"], ["TsUSDC", "TsUSDC", "USD", other.account.address]),
    abi: abi("ITsUSDC"),
  };
  const security = await deploy(net, "erc1404-token",
    ["string", "string", "uint8", "string", "uint256", "address"], ["Example", "EXA", 6, "US0378331005", 0n, admin]);
  const distribution = { address: await deploy(net, "distribution", ["address", "address"], [coin.address, admin]), abi: abi("IDistribution") };
  const role = (name) => keccak256(toHex(name));
  await send(net, other, coin, "grantRole", role("MASTER_MINTER_ROLE"), admin);
  await send(net, other, coin, "grantRole", role("ATTESTOR_ROLE"), attestor.account.address);
  const { timestamp, number, hash } = await net.reader.getBlock();
  await send(net, attestor, coin, "attestReserves", 10n ** 9n, timestamp, zeroHash.replace(/0$/, "1"));
  await send(net, other, coin, "setReserveMaxAge", 86_400n);
  await send(net, issuer, coin, "configureMinter", admin, 10n ** 9n);
  await send(net, issuer, coin, "mint", admin, 10n ** 6n);
  await send(net, issuer, distribution, "grantRole", role("DISTRIBUTOR_ROLE"), admin);

  const place = { chainId: net.chain.id, distribution: distribution.address, security, recordBlock: number };
  const shares = net.wallets.slice(1, 6).map(({ account }, index) => ({ wallet: account.address, amount: 100 + index }));
  const { tree, values } = treeOf(place, shares);
  const total = 510n;
  await send(net, issuer, coin, "approve", distribution.address, total);
  const terms = [tree.root, security, number, hash, total, zeroHash, timestamp + 200n * 86_400n];
  const { result: id } = await net.reader.simulateContract({ account: issuer.account, ...distribution, functionName: "open", args: terms });
  await send(net, issuer, distribution, "open", ...terms);

  const claims = values.map((value, index) => ({ index: BigInt(index), wallet: shares[index].wallet, amount: BigInt(shares[index].amount), proof: tree.getProof(index) }));
  for (const { index, wallet, amount } of claims) {
    assert.equal(await net.reader.readContract({ ...distribution, functionName: "leafOf", args: [id, index, wallet, amount] }), tree.leafHash(values[index]));
  }
  const [first, ...rest] = claims;
  await send(net, holder, distribution, "claim", id, first.index, first.wallet, first.amount, first.proof);
  await send(net, holder, distribution, "payBatch", id, rest);
  for (const { wallet, amount } of shares) {
    const paid = await net.reader.readContract({ ...coin, functionName: "balanceOf", args: [wallet] });
    assert.equal(paid, BigInt(amount));
  }
  assert.equal(await net.reader.readContract({ ...coin, functionName: "balanceOf", args: [distribution.address] }), 0n);
});
