// What people do on the pages, each with their own wallet: sign in, post, answer, take off the board; and what goes wrong.

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { person, signIn, startBrowser } from "./browser.mjs";
import { startMarket } from "./market.mjs";
import { leaves, offers, posts, signs } from "./steps.mjs";

let market;
let browser;
before(async () => {
  market = await startMarket();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await market?.stop();
});

const ada = (options) => person(browser, market, market.people["ada-lindqvist"], options);
const victor = (options) => person(browser, market, market.people["victor-chen"], options);

test("a wallet signs in, sees its market, and signs out", async () => {
  const seen = await ada();
  await signIn(seen);
  assert.match(await seen.page.locator("h1").innerText(), /My market/);
  await seen.page.getByRole("link", { name: "HRBR" }).waitFor();
  await seen.page.getByRole("button", { name: "Sign out" }).click();
  await seen.page.getByText("You are signed out.").waitFor();
  await seen.page.goto("/market");
  assert.equal(new URL(seen.page.url()).pathname, "/");
  await leaves(seen);
});

test("a wallet that does not announce itself is found at window.ethereum", async () => {
  const seen = await ada({ announces: false });
  await signIn(seen);
  await leaves(seen);
});

test("without a wallet the text is signed elsewhere and the signature is pasted", async () => {
  const seen = await ada({ has: false });
  const { page, wallet } = seen;
  await page.goto("/");
  await page.getByText("No wallet was found in this browser.").waitFor();
  await page.getByLabel("Your wallet's address").fill(wallet.account.address);
  await page.getByRole("button", { name: "Get the text" }).click();
  await page.locator("#offline-message").waitFor();
  const message = await page.locator("#offline-message").inputValue();
  assert.match(message, /wants you to sign in with your Ethereum account/);
  await page.getByLabel("The signature").fill(await wallet.account.signMessage({ message }));
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await page.waitForURL("**/market");
  // The same for an order: the typed data is downloaded and its signature pasted.
  await offers(page, "Buy", "5", "24.20");
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("link", { name: "Download the typed data" }).click()]);
  const { types: { EIP712Domain: _, ...types }, primaryType, domain, message: order } = JSON.parse(readFileSync(await download.path(), "utf8"));
  await page.locator("#pasted").fill(await wallet.account.signTypedData({ types, primaryType, domain, message: order }));
  await page.getByRole("button", { name: "Post it" }).click();
  await page.waitForURL(/\/orders\/0x/);
  await leaves(seen);
});

test("an order is one sentence before it is signed, and on the board afterwards", async () => {
  const seen = await ada();
  await signIn(seen);
  const sentence = await offers(seen.page, "Buy", "1,000", "12.50");
  assert.match(sentence, /^You offer to buy 1,000 HRBR for at most \$12,500\.00 until the end of \d+ \w{3,4} \d{4}\.$/);
  await signs(seen.page);
  await seen.page.waitForURL(/\/orders\/0x/);
  assert.match(await seen.page.locator("h1").innerText(), /Buy 1,000 HRBR at 12\.50/);
  await seen.page.getByText("Posted", { exact: true }).waitFor();
  await seen.page.goto("/orders");
  await seen.page.locator("section", { hasText: "Open" }).getByText("12.50").waitFor();
  await leaves(seen);
});

test("a price with no exact total offers the two nearest", async () => {
  const seen = await ada();
  await signIn(seen);
  const { page } = seen;
  await page.goto("/securities/HRBR");
  await page.getByLabel("Quantity").fill("3");
  await page.getByLabel("Price", { exact: true }).fill("10.0000001");
  const nearest = page.locator('[data-part="nearest"] button');
  await nearest.first().waitFor();
  const prices = await nearest.allInnerTexts();
  assert.equal(prices.length, 2);
  assert.ok(prices[0] < "10.0000001" && prices[1] > "10.0000001", prices.join());
  await nearest.nth(1).click();
  assert.equal(await page.locator("output[name=total]").innerText(), "$30.000003");
  await leaves(seen);
});

test("a lot is answered with its quantity, and an order that is taken off the board is not void", async () => {
  const [buyer, seller] = [await ada(), await victor()];
  await signIn(buyer);
  await posts(buyer, "Buy", "77", "24.10");
  await signIn(seller);
  const { page } = seller;
  await page.goto("/securities/HRBR");
  await page.getByRole("button", { name: "Answer the bid of 77 at 24.10" }).click();
  assert.equal(await page.getByLabel("Quantity").inputValue(), "77");
  assert.ok(await page.getByRole("radio", { name: "Sell" }).isChecked());
  await page.getByRole("button", { name: "Review" }).click();
  await signs(page);
  await page.waitForURL(/\/orders\/0x/);
  await page.getByRole("button", { name: "Take it off the board" }).click();
  await page.getByRole("button", { name: "Press again" }).click();
  await page.getByText("off the board", { exact: true }).waitFor();
  await page.getByRole("heading", { name: "Make it void" }).waitFor();
  await page.getByRole("button", { name: "Make it void by transaction" }).waitFor();
  for (const seen of [buyer, seller]) await leaves(seen);
});

test("whoever declines loses nothing", async () => {
  const seen = await ada();
  await signIn(seen);
  const { page, wallet } = seen;
  await offers(page, "Sell", "12", "30");
  wallet.declines = true;
  await signs(page);
  await page.getByText("You declined in your wallet.").waitFor();
  assert.equal(await page.getByLabel("Quantity").inputValue(), "12");
  assert.ok(await page.locator(".sentence").isVisible());
  wallet.declines = false;
  await signs(page);
  await page.waitForURL(/\/orders\/0x/);
  await leaves(seen);
});

test("a wrong chain is one button, also for a wallet that does not know the right one", async () => {
  for (const knowsChain of [true, false]) {
    const seen = await ada();
    await signIn(seen);
    Object.assign(seen.wallet, { chainId: 1n, knowsChain });
    await offers(seen.page, "Buy", "9", knowsChain ? "20" : "21");
    await signs(seen.page);
    await seen.page.getByRole("button", { name: /^Switch it to/ }).click();
    await signs(seen.page);
    await seen.page.waitForURL(/\/orders\/0x/);
    assert.equal(seen.wallet.asked.includes("wallet_addEthereumChain"), !knowsChain);
    await leaves(seen);
  }
});

test("another account in the wallet ends the page's session", async () => {
  const seen = await ada();
  await signIn(seen);
  const { page } = seen;
  await page.waitForFunction(() => window.hears("accountsChanged"));
  await page.evaluate((address) => window.tell("accountsChanged", [address]), market.people["victor-chen"].address);
  await page.getByText("Your wallet now uses another account").waitFor();
  await page.goto("/market");
  assert.equal(new URL(page.url()).pathname, "/");
  await leaves(seen);
});

test("of two tabs one holds the stream, and both show what the other does", async () => {
  const [seen, other] = [await ada(), await victor()];
  await signIn(seen);
  const second = await seen.context.newPage();
  const streams = [];
  seen.context.on("request", (request) => request.url().endsWith("/v1/stream") && streams.push(request.url()));
  await seen.page.goto("/securities/HRBR");
  await second.goto("/securities/HRBR");
  await signIn(other);
  await posts(other, "Sell", "4", "99.25");
  for (const page of [seen.page, second]) await page.locator("#asks + table, #asks ~ table").getByText("99.25").first().waitFor();
  assert.ok(streams.length <= 2, streams.join());
  for (const one of [seen, other]) await leaves(one);
});

test("a proof is checked by the page alone, also when the connection is gone, and an altered one is refused", async () => {
  const owner = await ada();
  await signIn(owner);
  await posts(owner, "Buy", "6", "11.25");
  const [download] = await Promise.all([owner.page.waitForEvent("download"), owner.page.getByRole("link", { name: "Proof that it is in the log" }).click()]);
  const text = readFileSync(await download.path(), "utf8");
  await leaves(owner);
  // Somebody this board does not know, who therefore has no stream that would reconnect.
  const seen = await ada({ has: false });
  const { page, context } = seen;
  const file = join(market.folder, "..", "proof.json");
  await page.goto("/log");
  await page.waitForLoadState("networkidle");
  await context.setOffline(true);
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const drop = async (content) => {
    writeFileSync(file, content);
    await page.locator('[data-part="file"]').setInputFiles([]);
    await page.locator('[data-part="file"]').setInputFiles(file);
  };
  await drop(text);
  await page.getByText("The proof holds.").waitFor();
  await page.getByText(JSON.parse(text).root).first().waitFor();
  const altered = JSON.parse(text);
  altered.event.actor = "somebody";
  await drop(JSON.stringify(altered));
  await page.getByText("does not hold.").waitFor();
  const short = JSON.parse(text);
  short.path.pop();
  await drop(JSON.stringify(short));
  await page.getByText("at least one is missing").waitFor();
  await drop("{");
  await page.getByText("it is not JSON").waitFor();
  assert.deepEqual(asked, []);
  // The browser itself can request the page's icon again.
  await leaves({ context, troubles: seen.troubles.filter((trouble) => !trouble.includes("ERR_INTERNET_DISCONNECTED")) });
});

test("the connected wallet's node says whether a proof's root is anchored, and only without it the server", async () => {
  const seen = await ada();
  const { page, wallet } = seen;
  await page.goto("/log");
  const file = join(market.folder, "proof.json");
  const drop = async (words) => {
    await page.locator('[data-part="file"]').setInputFiles([]);
    await page.locator('[data-part="file"]').setInputFiles(file);
    await page.getByText(words).waitFor();
  };
  await drop(/^Your wallet's node has this root on chain: block [\d,]+, transaction 0x[0-9a-f]{64}\.$/);
  assert.deepEqual(wallet.asked.slice(-2), ["eth_chainId", "eth_getLogs"]);
  // A wallet on another chain knows nothing about it: the page then says that it relies on the server.
  wallet.chainId = 1n;
  await drop("This server says");
  await leaves(seen);
});
