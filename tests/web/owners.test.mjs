// What an owner does with its own wallet for an order: allow what it gives, make it void, post it as a contract.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeFunctionResult, encodeFunctionData, erc20Abi, hashMessage, hashTypedData } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { person, rpc } from "./browser.mjs";
import { startMarket } from "./market.mjs";
import { opens } from "./stage.mjs";
import { approves, leaves, offers, posts, proposes, standsAt, until } from "./steps.mjs";

const stage = opens(startMarket);
const { comes } = stage;

// What the settlement contract may take of a token, in base units.
async function allowance(token, owner, spender) {
  const data = encodeFunctionData({ abi: erc20Abi, functionName: "allowance", args: [owner, spender] });
  const answer = await rpc(stage.market.node, "eth_call", [{ to: token, data }, "latest"]);
  return decodeFunctionResult({ abi: erc20Abi, functionName: "allowance", data: answer });
}

test("a seller allows by a transaction, a buyer by a signature that the desk sends, and their match settles", async () => {
  const [ada, victor, dana, ruth, otto] = await Promise.all(
    ["ada-lindqvist", "victor-chen", "dana", "ruth", "otto"].map(comes),
  );
  await posts(ada, "Sell", "1,051", "24.40");
  const contract = await ada.page.locator("body").getAttribute("data-contract");
  const sells = ada.page.locator("order-acts", { hasText: "so that this can settle" });
  const token = await sells.locator("button[data-act=permit]").getAttribute("data-token");
  const gives = BigInt(await sells.locator("button[data-act=permit]").getAttribute("data-value"));
  await sells.getByRole("button", { name: /^Allow [\d,.]+ HRBR$/ }).click();
  await sells.waitFor({ state: "detached" });
  assert.equal(await allowance(token, ada.wallet.account.address, contract), gives);

  await posts(victor, "Buy", "1,051", "24.40");
  const buys = victor.page.locator("order-acts", { hasText: "so that this can settle" });
  const coin = await buys.locator("button[data-act=permit]").getAttribute("data-token");
  const pays = BigInt(await buys.locator("button[data-act=permit]").getAttribute("data-value"));
  const before = await allowance(coin, victor.wallet.account.address, contract);
  victor.wallet.declines = true;
  await buys.getByRole("button", { name: "Sign it for the desk to send" }).click();
  await buys.getByText("You declined in your wallet.").waitFor();
  victor.wallet.declines = false;
  victor.wallet.asked.length = 0;
  await buys.getByRole("button", { name: "Sign it for the desk to send" }).click();
  await buys.getByText("Your signed allowance is with the desk").waitFor();
  assert.ok(!victor.wallet.asked.includes("eth_sendTransaction"));
  // It stays a signature until a match needs more than is allowed.
  assert.equal(await allowance(coin, victor.wallet.account.address, contract), before);
  const path = await proposes(dana, "1,051");
  await approves(ruth, path);
  await until(async () => (await allowance(coin, victor.wallet.account.address, contract)) !== before);
  assert.equal(await allowance(coin, victor.wallet.account.address, contract), pays);
  // A tab of its own: the page may be drawing itself again just now.
  const later = await victor.context.newPage();
  await later.goto(victor.page.url());
  assert.equal(await later.locator("order-acts", { hasText: "so that this can settle" }).count(), 0);
  await otto.page.goto(path);
  await otto.page.getByRole("button", { name: "Request settlement" }).click();
  await standsAt(otto.page, "settled");
  await leaves(ada, victor, dana, ruth, otto);
});

// Takes the page's order off the board.
async function takesOff(page) {
  await page.getByRole("button", { name: "Take it off the board" }).click();
  await page.getByRole("button", { name: "Press again" }).click();
  await page.getByRole("heading", { name: "Make it void" }).waitFor();
}

test("an order is made void by its owner's transaction, or by a signature that the desk sends", async () => {
  const ada = await comes("ada-lindqvist");
  const { page, wallet } = ada;
  const ways = { eth_sendTransaction: "Make it void by transaction", eth_signTypedData_v4: "Sign a cancel for the desk" };
  for (const [asks, way] of Object.entries(ways)) {
    await posts(ada, "Buy", "52", "11.75");
    await takesOff(page);
    wallet.asked.length = 0;
    await page.getByRole("button", { name: way }).click();
    await page.getByRole("heading", { name: "It is void" }).waitFor();
    await page.locator('[data-live="state"]', { hasText: /^\s*void\s*$/ }).waitFor();
    assert.deepEqual(wallet.asked.filter((method) => method in ways), [asks]);
  }
  await leaves(ada);
});

// EVM code of a wallet that accepts a signature as its own (ERC-1271) if both of its owners have signed the hash, 65 bytes each.
function vault(owners) {
  const byte = (value) => value.toString(16).padStart(2, "0");
  // Whether the signature at a place of the call's data is an owner's: ECRECOVER of hash, v, r, s.
  const signed = (owner, at) =>
    `600435600052 60${byte(at + 64)}3560f81c602052 60${byte(at)}35604052 60${byte(at + 32)}35606052` +
    `602060806080600060015afa50 608051 73${owner.slice(2)} 14`;
  // Returns 0x1626ba7e and zeros if both are, else zero.
  const code = `${signed(owners[0], 100)} ${signed(owners[1], 165)} 16 631626ba7e60e01b 02 60005260206000f3`;
  return `0x${code.replaceAll(" ", "").toLowerCase()}`;
}

test("a contract with two owners signs in, and posts an order whose signatures are pasted", async () => {
  const owners = [1, 2].map(() => privateKeyToAccount(generatePrivateKey()));
  const address = "0x5afe000000000000000000000000000000005afe";
  await rpc(stage.market.node, "anvil_setCode", [address, vault(owners.map((owner) => owner.address))]);
  const table = join(stage.market.folder, "vault.csv");
  const row = `A-1999,HSS-INV-1999,Vault Holdings LLC,${address},1,840,2035-06-30`;
  writeFileSync(table, `account,investor,name,wallet,group,country,kyc_expiry\n${row}\n`);
  await stage.market.run(`token register HRBR ${table}`);
  await stage.market.run(`investor import ${table}`);
  const both = async (hash, [one, other] = owners) => `${await one.sign({ hash })}${(await other.sign({ hash })).slice(2)}`;

  const seen = await person(stage.browser, stage.market, undefined, { has: false });
  const { page } = seen;
  await page.goto("/");
  await page.getByLabel("Your wallet's address").fill(address);
  await page.getByRole("button", { name: "Get the text" }).click();
  await page.locator("#offline-message").waitFor();
  const message = await page.locator("#offline-message").inputValue();
  await page.getByLabel("The signature").fill(await both(hashMessage(message)));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL("**/market");

  await offers(page, "Buy", "53", "11.50");
  const link = page.getByRole("link", { name: "Download the typed data" });
  const [download] = await Promise.all([page.waitForEvent("download"), link.click()]);
  const hash = hashTypedData(JSON.parse(readFileSync(await download.path(), "utf8")));
  await page.getByText(hash).waitFor();
  // One owner twice does not count as both.
  await page.locator("#pasted").fill(await both(hash, [owners[0], owners[0]]));
  await page.getByRole("button", { name: "Post it" }).click();
  await page.getByText("does not accept the signature (ERC-1271)").waitFor();
  await page.locator("#pasted").fill(await both(hash));
  await page.getByRole("button", { name: "Post it" }).click();
  await page.waitForURL(/\/orders\/0x/);
  assert.equal(new URL(page.url()).pathname, `/orders/${hash}`);
  await page.getByText("A-1999").waitFor();
  await leaves(seen);
});
