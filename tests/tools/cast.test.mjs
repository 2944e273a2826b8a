// Foundry's cast, as one types it.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import test from "node:test";
import { promisify } from "node:util";
import { startDevnet } from "../js/devnet.mjs";

const run = promisify(execFile);
const MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11";
const nobody = "0x00000000000000000000000000000000000000eE";

test("cast asks, sends, deploys and edits", async (t) => {
  const { url, chainId, accounts, keys } = await startDevnet(t, "--state-root");
  const cast = async (...words) => {
    const environment = { cwd: import.meta.dirname, env: { ...process.env, ETH_RPC_URL: url } };
    const { stdout, stderr } = await run("node_modules/.bin/cast", words, environment);
    if (stderr.startsWith("Error")) throw new Error(stderr); // the package's wrapper loses the exit code
    return stdout.trim();
  };
  const receipt = async (...words) => JSON.parse(await cast("send", "--json", "--private-key", keys[1], ...words));

  await t.test("the chain", async () => {
    assert.equal(await cast("chain-id"), String(chainId));
    assert.equal(await cast("block-number"), "0");
    assert.equal(await cast("gas-price"), "100000000");
    assert.match(await cast("client"), /^devnet\/v/);
    assert.equal(await cast("balance", "--ether", accounts[0]), "1000000.000000000000000000");
    assert.match(await cast("code", MULTICALL3), /^0x6080/);
  });

  await t.test("transactions", async () => {
    const { status, transactionHash } = await receipt(nobody, "--value", "2ether");
    assert.equal(status, "0x1");
    assert.equal(await cast("balance", "--ether", nobody), "2.000000000000000000");
    assert.equal(await cast("tx", transactionHash, "to"), nobody);
    assert.equal(await cast("receipt", transactionHash, "gasUsed"), "21000");
    assert.equal(await cast("nonce", accounts[1]), "1");
    const { number } = JSON.parse(await cast("block", "latest", "--json"));
    assert.equal(BigInt(number), 1n);
  });

  await t.test("contracts", async () => {
    // Returns the caller's balance.
    const { contractAddress } = await receipt("--create", "0x6008600c60003960086000f333315f5260205ff3");
    const answer = await cast("call", contractAddress, "ask()(uint256)", "--from", nobody);
    assert.match(answer, /^2000000000000000000\b/);
    assert.equal((await cast("call", MULTICALL3, "getChainId()(uint256)")).split(" ")[0], `${chainId}`);
    assert.equal(await cast("estimate", nobody, "--from", accounts[1], "--value", "1"), "21000");
    await assert.rejects(cast("call", MULTICALL3, "nonsense()"), /execution reverted/);
  });

  await t.test("storage, its proof, and the methods of a development chain", async () => {
    await cast("rpc", "anvil_setStorageAt", nobody, "0x3", `0x${"07".padStart(64, "0")}`);
    await cast("rpc", "evm_mine");
    assert.equal(await cast("storage", nobody, "3"), `0x${"07".padStart(64, "0")}`);
    const proof = JSON.parse(await cast("proof", nobody, "3"));
    assert.equal(proof.storageProof[0].value, "0x7");
    assert.equal(await cast("rpc", "anvil_getAutomine"), "true");
    const logs = JSON.parse(await cast("logs", "--json", "--from-block", "0"));
    assert.deepEqual(logs, []);
  });
});
