// What ends while a page is open: the session, and the viewer's registration.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startMarket } from "./market.mjs";
import { opens } from "./stage.mjs";
import { leaves, offers, signs, until } from "./steps.mjs";

const ENDED = "Your session has ended. Sign in again to continue.";

const stage = opens(startMarket);
const { comes } = stage;

// Checks that the start page is shown, and what it says.
async function isOut(page, words) {
  await page.waitForURL(`${stage.market.url}/`);
  await page.locator('sign-in [data-part="problem"]', { hasText: words }).waitFor();
}

test("a session that is ended elsewhere takes every tab to the start page, which says so", async () => {
  const ada = await comes("ada-lindqvist");
  const tabs = [ada.page, await ada.context.newPage()];
  await tabs[0].goto("/securities/HRBR");
  await tabs[1].goto("/orders");
  // Another program with the same cookie; this browser keeps its own.
  const cookies = await ada.context.cookies();
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const headers = { cookie, origin: stage.market.url, "sec-fetch-site": "same-origin" };
  const ended = await fetch(`${stage.market.url}/v1/session`, { method: "DELETE", headers });
  assert.equal(ended.status, 204);
  for (const page of tabs) await isOut(page, ENDED);
  // And back in.
  await tabs[0].getByRole("button", { name: /^Sign in with/ }).click();
  await tabs[0].waitForURL("**/market");
  await leaves(ada);
});

test("signing out in one tab is confirmed there, and the other says that the session has ended", async () => {
  for (const last of [0, 1]) {
    const ada = await comes("ada-lindqvist");
    const tabs = [ada.page, await ada.context.newPage()];
    await tabs[0].goto("/securities/HRBR");
    await tabs[1].goto("/orders");
    await tabs[last].getByRole("button", { name: "Sign out" }).click();
    await isOut(tabs[last], "You are signed out.");
    await isOut(tabs[1 - last], ENDED);
    await leaves(ada);
  }
});

test("a registration that ends between the review and the signature: the ticket says why, and nothing is posted", async () => {
  const victor = await comes("victor-chen");
  const { page } = victor;
  const orders = async () => (await (await page.request.get("/v1/orders")).json()).orders.map(({ id }) => id);
  const before = await orders();
  const status = async () => (await page.request.get("/v1/securities/HRBR/book")).status();
  const lasts = async (day, seen) => {
    await stage.market.run(`token investor HRBR HSS-INV-1028 --group 1 --country 840 --kyc-expiry ${day}`);
    // Once the watcher has looked, the security can be seen, or not.
    await until(async () => (await status()) === seen);
  };
  await offers(page, "Buy", "46", "12.30");
  await lasts("2026-01-31", 404);
  await signs(page);
  const why = /restriction \d+.*KYC record that expired on 2026-01-31/i;
  await page.locator('order-ticket [data-part="problem"]', { hasText: why }).waitFor();
  assert.deepEqual(await orders(), before);
  assert.equal(await page.getByLabel("Quantity").inputValue(), "46");
  // Renewed: the same order goes through.
  await lasts("2035-08-31", 200);
  await signs(page);
  await page.waitForURL(/\/orders\/0x/);
  // The page that was not available in between is a line in the browser's console.
  assert.ok(victor.troubles.splice(0).every((trouble) => trouble.includes("404")));
  await leaves(victor);
});
