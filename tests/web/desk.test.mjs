// The desk's day in a browser: two investors, a trader, a principal and an operator, each with their own wallet and browser.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { person, rpc, startBrowser } from "./browser.mjs";
import { startMarket } from "./market.mjs";
import { WHY, allows, comes as arrives, crossed, leaves, openPair, posts, proposes, signs, standsAt } from "./steps.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = fileURLToPath(new URL("../../docs/pages/", import.meta.url));
// Pages of which a picture is kept.
const PICTURED = ["queue", "pair", "match", "confirmation", "blotter", "reports", "people"];

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

// A person who has signed in.
const comes = (name, options) => arrives(browser, market, name, options);

const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

// Evaluates a question on a page. If the page reloads because of a change, the question is asked again.
async function asked(page, question) {
  for (;;) {
    try {
      return await question();
    } catch (error) {
      if (!/Execution context was destroyed/.test(error.message)) throw error;
      await page.waitForLoadState("load");
    }
  }
}

async function looked(page) {
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(axe);
  return page.evaluate((runOnly) => window.axe.run(document, { runOnly }), RULES);
}

// What axe-core finds on a page, and whether it is wider than its window.
async function check(page, name) {
  const scheme = page.emulateMedia.bind(page);
  for (const [width, colorScheme] of [[320, "light"], [320, "dark"], [1280, "dark"], [1280, "light"]]) {
    await page.setViewportSize({ width, height: 800 });
    await scheme({ colorScheme, reducedMotion: "reduce" });
    const { violations } = await asked(page, () => looked(page));
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("; ")}`);
    assert.deepEqual(found, [], `${name} at ${width} px, ${colorScheme}`);
    const over = await asked(page, () =>
      page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth),
    );
    assert.ok(over <= 0, `${name} at ${width} px is ${over} px too wide`);
    if (process.env.PICTURES && PICTURED.includes(name) && !(width === 320 && colorScheme === "dark")) {
      mkdirSync(pictures, { recursive: true });
      // A list of a hundred rows is not the picture of a page.
      const most = { x: 0, y: 0, width, height: Math.min(2_000, await page.evaluate(() => document.documentElement.scrollHeight)) };
      await page.screenshot({ path: `${pictures}${name}-${width}-${colorScheme}.png`, fullPage: true, clip: most });
    }
  }
}

test("a trade goes from two investors over the desk to its settlement and its confirmations", async () => {
  const options = { bypassCSP: true, viewport: { width: 1280, height: 800 } };
  const [ada, victor, dana, ruth, otto] = await Promise.all(
    ["ada-lindqvist", "victor-chen", "dana", "ruth", "otto"].map((name) => comes(name, options)),
  );
  await posts(ada, "Sell", "61", "24.10");
  const ask = new URL(ada.page.url()).pathname;
  await allows(ada);
  // The lot is answered: the same quantity, at a price above.
  await victor.page.goto("/securities/HRBR");
  await victor.page.getByRole("button", { name: "Answer the ask of 61 at 24.10" }).click();
  await victor.page.getByLabel("Price", { exact: true }).fill("24.30");
  await victor.page.getByRole("button", { name: "Review" }).click();
  await signs(victor.page);
  await victor.page.waitForURL(/\/orders\/0x/);
  const bid = new URL(victor.page.url()).pathname;
  await allows(victor);

  await dana.page.goto("/desk");
  await dana.page.getByText("answers the lot").first().waitFor();
  await check(dana.page, "queue");
  await openPair(dana.page, "61");
  assert.match(await dana.page.locator(".midpoint .big").innerText(), /24\.20/);
  await check(dana.page, "pair");
  await dana.page.getByLabel("Rationale").fill("too short");
  await dana.page.getByRole("button", { name: "Sign the proposal" }).click();
  await dana.page.getByText("The rationale has 9 characters").waitFor();
  const path = await proposes(dana, "61");
  await standsAt(dana.page, "awaiting approval");
  // The proposer cannot approve.
  assert.ok(await dana.page.getByRole("button", { name: "Sign the approval" }).isDisabled());
  await check(dana.page, "match-own");

  await ruth.page.goto("/desk");
  const waits = ruth.page.locator("section", { hasText: "Waiting for you" });
  await waits.getByRole("link", { name: "Approve" }).first().click();
  await ruth.page.waitForURL(`**${path}#decision`);
  await ruth.page.locator("#decision .sentence", { hasText: "You approve this trade" }).waitFor();
  await check(ruth.page, "match");
  await ruth.page.getByRole("button", { name: "Sign the approval" }).click();
  await standsAt(ruth.page, "approved");
  await check(ruth.page, "match-approved");
  const commit = ruth.page.getByRole("button", { name: "Send the commitment" });
  if ((await commit.count()) === 1 && (await commit.isEnabled())) {
    await commit.click();
    await standsAt(ruth.page, "committed");
  }

  await otto.page.goto("/desk");
  await check(otto.page, "queue-operator");
  await otto.page.goto(path);
  assert.doesNotMatch(await otto.page.locator("main").innerText(), /HRBR|Ada|Victor/);
  await otto.page.getByRole("button", { name: "Request settlement" }).click();
  await standsAt(otto.page, "settled");
  await check(otto.page, "match-operator");
  await otto.page.goto("/desk");

  await ruth.page.goto(path);
  await standsAt(ruth.page, "settled");
  await check(ruth.page, "match-settled");
  await rpc(market.node, "evm_mine", []);
  for (const [seen, order, action] of [[ada, ask, "You sold 61 HRBR"], [victor, bid, "You bought 61 HRBR"]]) {
    await seen.page.goto(order);
    await seen.page.getByText("final", { exact: false }).first().waitFor();
    await seen.page.getByRole("link", { name: "Confirmation" }).click();
    await seen.page.getByText(action).waitFor();
    assert.match(await seen.page.locator("main").innerText(), /\$1,476\.20/);
  }
  await check(victor.page, "confirmation");
  await prints(victor.page);
  await ruth.page.goto("/desk/blotter");
  await ruth.page.getByText("1,476.20").first().waitFor();
  await check(ruth.page, "blotter");
  await ruth.page.goto("/desk/reports");
  await check(ruth.page, "reports");
  await leaves(ada, victor, dana, ruth, otto);
});

// A confirmation is one sheet of paper.
async function prints(page) {
  const pdf = await page.pdf({ format: "A4" });
  assert.equal(pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)?.length, 1);
}

test("the slower of two principals reads who was faster", async () => {
  const [ada, victor, dana, ruth, late] = await Promise.all(
    ["ada-lindqvist", "victor-chen", "dana", "ruth", "ruth"].map((name) => comes(name)),
  );
  await crossed(ada, victor, "33", "24.50");
  const path = await proposes(dana, "33");
  // Her second browser gets no events.
  await late.context.route("**/v1/stream", () => {});
  await late.page.goto(path);
  await ruth.page.goto(path);
  await ruth.page.getByRole("button", { name: "Sign the approval" }).click();
  await standsAt(ruth.page, "approved");
  await late.page.getByLabel("Reason").fill("looked at it, too");
  await late.page.getByRole("button", { name: "Sign the approval" }).click();
  await late.page.locator("#lost", { hasText: /Too late: .*approved it .* Nothing was recorded\./ }).waitFor();
  await leaves(ada, victor, dana, ruth, late);
});

test("a wallet that declines, and one on another account, record nothing", async () => {
  const [ada, victor, dana] = await Promise.all(["ada-lindqvist", "victor-chen", "dana"].map((name) => comes(name)));
  await crossed(ada, victor, "34", "24.50");
  await openPair(dana.page, "34");
  await dana.page.getByLabel("Rationale").fill(WHY);
  dana.wallet.declines = true;
  await dana.page.getByRole("button", { name: "Sign the proposal" }).click();
  await dana.page.getByText("You declined in your wallet.").waitFor();
  assert.equal(await dana.page.getByLabel("Rationale").inputValue(), WHY);
  // The server drafts another act than the page shows: the wallet is not asked to sign.
  dana.wallet.declines = false;
  dana.wallet.asked.length = 0;
  await dana.page.route("**/v1/acts/draft*", async (route) => {
    const response = await route.fetch();
    const draft = await response.json();
    await route.fulfill({ response, json: { ...draft, time: "2027-01-01T00:00:00Z" } });
  });
  await dana.page.getByRole("button", { name: "Sign the proposal" }).click();
  await dana.page.getByText("your wallet was not asked to sign").waitFor();
  assert.ok(!dana.wallet.asked.includes("eth_signTypedData_v4"));
  await dana.page.unroute("**/v1/acts/draft*");
  // Signed elsewhere and pasted.
  await dana.page.getByRole("button", { name: "Sign elsewhere" }).click();
  const [download] = await Promise.all([
    dana.page.waitForEvent("download"),
    dana.page.getByRole("link", { name: "Download the typed data" }).click(),
  ]);
  const { types: { EIP712Domain: _, ...types }, primaryType, domain, message } = JSON.parse(readFileSync(await download.path(), "utf8"));
  await dana.page.locator("#pasted").fill(await dana.wallet.account.signTypedData({ types, primaryType, domain, message }));
  await dana.page.getByRole("button", { name: "Send it" }).click();
  await dana.page.waitForURL(/\/desk\/matches\//);
  // And refused, which needs a reason.
  await dana.page.getByRole("button", { name: "Sign a refusal" }).click();
  await dana.page.getByText("Say why you refuse it.").waitFor();
  await dana.page.getByLabel("Reason").fill("the buyer called back");
  await dana.page.getByRole("button", { name: "Sign a refusal" }).click();
  await standsAt(dana.page, "refused");
  await leaves(ada, victor, dana);
});

// Goes to an element by keyboard.
async function reach(page, locator) {
  await locator.first().waitFor();
  for (let press = 0; press < 200; press += 1) {
    if (await locator.first().evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`no Tab leads to ${locator}`);
}

async function press(page, locator) {
  await reach(page, locator);
  await page.keyboard.press("Enter");
}

async function types(page, locator, text) {
  await reach(page, locator);
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type(text);
}

test("a whole trade by keyboard alone", async () => {
  const people = ["ada-lindqvist", "victor-chen", "dana", "ruth", "otto"];
  const [ada, victor, dana, ruth, otto] = await Promise.all(people.map((name) => person(browser, market, market.people[name])));
  for (const { page } of [ada, victor, dana, ruth, otto]) {
    await page.goto("/");
    await press(page, page.getByRole("button", { name: /^Sign in with/ }));
    await page.waitForURL(/\/(market|desk)/);
  }
  for (const [{ page }, side] of [[ada, "ask"], [victor, "bid"]]) {
    await press(page, page.getByRole("link", { name: "HRBR" }));
    await page.waitForURL(/\/securities\//);
    await reach(page, page.locator("input[name=side]:checked"));
    const isBid = await page.locator("input[name=side]:checked").evaluate((radio) => radio.value === "bid");
    if (isBid !== (side === "bid")) await page.keyboard.press("ArrowRight");
    await types(page, page.getByLabel("Quantity"), "35");
    await types(page, page.getByLabel("Price", { exact: true }), "24.60");
    await press(page, page.getByRole("button", { name: "Review" }));
    await press(page, page.getByRole("button", { name: "Sign it in your wallet" }));
    await page.waitForURL(/\/orders\/0x/);
    const allow = page.getByRole("button", { name: /^Allow / });
    if ((await allow.count()) > 0) {
      await press(page, allow);
      await allow.first().waitFor({ state: "detached" });
    }
  }
  // j moves from row to row, p proposes the one in focus; elsewhere these keys do nothing.
  await dana.page.goto("/desk");
  await dana.page.locator("[data-row]", { hasText: "24.60" }).first().waitFor();
  await dana.page.keyboard.press("p");
  assert.equal(new URL(dana.page.url()).pathname, "/desk");
  await reach(dana.page, dana.page.locator("[data-open]"));
  const wanted = dana.page.locator("[data-row]", { hasText: "24.60" }).first().locator("[data-open]");
  for (let row = 0; row < 50 && !(await wanted.evaluate((link) => link === document.activeElement)); row += 1) {
    await dana.page.keyboard.press("j");
  }
  await dana.page.keyboard.press("k");
  await dana.page.keyboard.press("j");
  if (!(await wanted.evaluate((link) => link === document.activeElement))) await wanted.focus();
  await dana.page.keyboard.press("p");
  await dana.page.waitForURL(/\/desk\/pair/);
  await types(dana.page, dana.page.getByLabel("Rationale"), WHY);
  await press(dana.page, dana.page.getByRole("button", { name: "Sign the proposal" }));
  await dana.page.waitForURL(/\/desk\/matches\//);
  const path = new URL(dana.page.url()).pathname;

  await ruth.page.goto("/desk");
  const mine = ruth.page.locator(`[data-open][href="${path}"]`);
  await reach(ruth.page, mine);
  await ruth.page.keyboard.press("a");
  await ruth.page.waitForURL(`**${path}#decision`);
  await press(ruth.page, ruth.page.getByRole("button", { name: "Sign the approval" }));
  await standsAt(ruth.page, "approved");

  await otto.page.goto("/desk");
  await reach(otto.page, otto.page.locator(`[data-open][href="${path}"]`));
  await otto.page.keyboard.press("s");
  await otto.page.waitForURL(`**${path}#settle`);
  await press(otto.page, otto.page.getByRole("button", { name: "Request settlement" }));
  await standsAt(otto.page, "settled");
  await leaves(ada, victor, dana, ruth, otto);
});

test("the staff, and who looked at whose orders", async () => {
  const options = { bypassCSP: true, viewport: { width: 1280, height: 800 } };
  const [rita, alma, dana] = await Promise.all(["rita", "alma", "dana"].map((name) => comes(name, options)));
  await rita.page.goto("/desk/people");
  await rita.page.getByRole("heading", { name: "Who looked at whose orders" }).waitFor();
  await check(rita.page, "people");
  await alma.page.goto("/");
  assert.equal(new URL(alma.page.url()).pathname, "/desk/people");
  assert.equal(await alma.page.getByText("Who looked at whose orders").count(), 0);
  // Days can also be entered by hand.
  await rita.page.goto("/desk/blotter");
  await rita.page.getByLabel("From").fill("2020-01-01");
  await rita.page.getByLabel("to", { exact: true }).fill("2020-01-02");
  await rita.page.getByRole("button", { name: "Show" }).click();
  await rita.page.getByText("Nothing settled on these days.").waitFor();
  assert.equal((await dana.page.goto("/desk/people")).status(), 403);
  dana.troubles.length = 0; // a refused page is a line in the browser's console
  await leaves(rita, alma, dana);
});
