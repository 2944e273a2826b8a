// What goes away while people use the pages, and comes back: the node, the server, the answer to a transaction.

import assert from "node:assert/strict";
import { test } from "node:test";
import { rpc } from "./browser.mjs";
import { startParts } from "./market.mjs";
import { opens } from "./stage.mjs";
import { approves, crossed, forgives, leaves, offers, posts, proposes, signs, standsAt, until } from "./steps.mjs";

// Long enough for what counts for a minute, and for the lease of a killed watcher or settler, 5 s.
const OUTLASTS = { timeout: 120_000 };

const stage = opens(() => startParts({ patience: 5 }));
const { comes } = stage;

// Whether the board's last look at the chain is a minute old: answers of the registries count no longer than that.
async function isOld() {
  const text = await (await fetch(`${stage.market.url}/status`)).text();
  return / min ago/.test(/data-live="chain">.*?<\/p>/s.exec(text)[0]);
}

test("while the node is away, pages show what is known and as of which block; then everything resumes", async () => {
  const ada = await comes("ada-lindqvist");
  const [list, one] = [ada.page, await ada.context.newPage()];
  await list.goto("/market");
  await one.goto("/securities/HRBR");
  const figures = ["td.bid", "td.ask", '[data-label="Free holding"]'].map((cell) => list.locator(cell).first());
  const before = await Promise.all(figures.map((cell) => cell.innerText()));
  await stage.market.parts.node.kill();
  await until(isOld);
  for (const page of [list, one]) {
    assert.equal((await page.reload()).status(), 200);
    await page.locator(".chain", { hasText: /block [\d,]+ · \d+ min ago/ }).waitFor();
    await page.locator(".stale + small", { hasText: /^block [\d,]+$/ }).first().waitFor();
  }
  await list.getByText("The node does not answer").waitFor();
  const now = await Promise.all(figures.map((cell) => cell.innerText()));
  assert.ok(before.every((text, at) => now[at].includes(text.split("\n")[0])), `${before} ${now}`);
  // What needs the chain is refused with a reason, and what was typed stays.
  await one.getByRole("radio", { name: "Buy" }).check();
  await one.getByLabel("Quantity").fill("41");
  await one.getByLabel("Price", { exact: true }).fill("12.25");
  await one.getByRole("button", { name: "Review" }).click();
  await one.locator('order-ticket [data-part="problem"]').waitFor();
  await stage.market.parts.node.start();
  for (const page of [list, one]) await page.locator(".stale + small").first().waitFor({ state: "detached", ...OUTLASTS });
  await list.getByText("The node does not answer").waitFor({ state: "detached" });
  assert.equal(await one.getByLabel("Quantity").inputValue(), "41");
  await one.getByRole("button", { name: "Review" }).click();
  await signs(one);
  await one.waitForURL(/\/orders\/0x/);
  await leaves(ada);
});

test("a page that could not be fetched once is drawn again", async () => {
  const [ada, victor] = await Promise.all(["ada-lindqvist", "victor-chen"].map(comes));
  const { page } = ada;
  await page.goto("/securities/HRBR");
  let lost = 0;
  await page.route(
    "**/securities/HRBR",
    (route) => {
      lost += 1;
      return route.abort("connectionrefused");
    },
    { times: 1 },
  );
  await posts(victor, "Sell", "45", "98.60");
  const warning = page.locator("#live", { hasText: "this page may be out of date" });
  await page.locator("#asks ~ table").getByText("98.60").waitFor();
  await warning.waitFor({ state: "detached" });
  assert.equal(lost, 1);
  forgives(ada);
  await leaves(ada, victor);
});

test("a server that is killed and restarted: the stream is back, the session valid, nothing lost", async () => {
  const [ada, victor] = await Promise.all(["ada-lindqvist", "victor-chen"].map(comes));
  const kept = await posts(victor, "Buy", "42", "12.10");
  const { page } = ada;
  await offers(page, "Sell", "43", "99.10");
  await stage.market.parts.server.kill();
  await signs(page);
  await page.getByText("The board could not be reached. Nothing was lost").waitFor();
  await stage.market.parts.server.start();
  // What somebody else posts now arrives on the page without a reload.
  await page.evaluate(() => (window.isStillThere = true));
  await posts(victor, "Sell", "44", "98.75");
  await page.locator("#asks ~ table").getByText("98.75").waitFor();
  assert.ok(await page.evaluate(() => window.isStillThere));
  assert.equal(await page.getByLabel("Quantity").inputValue(), "43");
  await signs(page);
  await page.waitForURL(/\/orders\/0x/);
  await victor.page.goto(`/orders/${kept}`);
  await victor.page.getByText("Posted", { exact: true }).waitFor();
  forgives(ada);
  forgives(victor);
  await leaves(ada, victor);
});

test("an unknown outcome is at the top of the queue with what to do, until the chain has the answer", async () => {
  const [ada, victor, dana, ruth, otto] = await Promise.all(
    ["ada-lindqvist", "victor-chen", "dana", "ruth", "otto"].map(comes),
  );
  await crossed(ada, victor, "45", "24.40");
  const path = await proposes(dana, "45");
  await approves(ruth, path);
  // From here on the node accepts transactions but makes no blocks.
  await rpc(stage.market.node, "evm_setAutomine", [false]);
  await otto.page.goto(path);
  await otto.page.getByRole("button", { name: "Request settlement" }).click();
  await standsAt(otto.page, "outcome unknown");
  await otto.page.getByText("the transaction may or may not be mined").waitFor();
  await ruth.page.goto("/desk");
  const first = ruth.page.locator("desk-queue section").first();
  await first.getByRole("heading", { name: "Outcome unknown" }).waitFor();
  await first.getByText("orderbook sync").waitFor();
  await first.locator("[data-row]", { hasText: "45" }).waitFor();
  await rpc(stage.market.node, "evm_mine", []);
  await rpc(stage.market.node, "evm_setAutomine", [true]);
  // The queue updates by itself.
  await ruth.page.getByRole("heading", { name: "Outcome unknown" }).waitFor({ state: "detached" });
  for (const { page } of [ruth, otto]) {
    await page.goto(path);
    await standsAt(page, "settled");
  }
  await leaves(ada, victor, dana, ruth, otto);
});
