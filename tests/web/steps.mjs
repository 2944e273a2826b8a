// What people do in several tests.

import assert from "node:assert/strict";
import { person, signIn } from "./browser.mjs";

export const WHY = "The only two orders of this size; both customers were told.";

// A person who has signed in.
export async function comes(browser, market, name, options) {
  const seen = await person(browser, market, market.people[name], options);
  await signIn(seen);
  return seen;
}

// Ends visits: none of their pages had an error or violated its policy.
export async function leaves(...all) {
  for (const { context, troubles } of all) {
    await context.close();
    assert.deepEqual(troubles, []);
  }
}

// What a browser logs for an unanswered request, which is not the page's fault.
const AWAY = /net::ERR_(CONNECTION_REFUSED|CONNECTION_RESET|EMPTY_RESPONSE|INCOMPLETE_CHUNKED_ENCODING|INTERNET_DISCONNECTED)/;

export function forgives({ troubles }) {
  troubles.splice(0, Infinity, ...troubles.filter((trouble) => !AWAY.test(trouble)));
}

// Polls until something is true that no page shows by itself.
export async function until(holds) {
  while (!(await holds())) await new Promise((done) => setTimeout(done, 250));
}

// Fills in the ticket and presses Review; returns the sentence.
export async function offers(page, side, quantity, price) {
  await page.goto("/securities/HRBR");
  await page.getByRole("radio", { name: side }).check();
  await page.getByLabel("Quantity").fill(quantity);
  await page.getByLabel("Price", { exact: true }).fill(price);
  await page.getByRole("button", { name: "Review" }).click();
  return page.locator(".sentence").innerText();
}

export async function signs(page) {
  await page.getByRole("button", { name: "Sign it in your wallet" }).click();
}

// Posts an order; the page is then the order's own. Returns the order's id.
export async function posts({ page }, side, quantity, price) {
  await offers(page, side, quantity, price);
  await signs(page);
  await page.waitForURL(/\/orders\/0x/);
  return new URL(page.url()).pathname.split("/").pop();
}

// Sends the allowances that an order's page asks for.
export async function allows({ page }) {
  const asked = page.getByRole("button", { name: /^Allow / });
  while ((await asked.count()) > 0) {
    const name = await asked.first().innerText();
    await asked.first().click();
    await page.getByRole("button", { name, exact: true }).waitFor({ state: "detached" });
  }
}

// Posts two orders of a quantity that cross and can be settled; returns their ids.
export async function crossed(seller, buyer, quantity, price) {
  const ask = await posts(seller, "Sell", quantity, price);
  await allows(seller);
  const bid = await posts(buyer, "Buy", quantity, price);
  await allows(buyer);
  return { ask, bid };
}

// Opens the page of the pair of a quantity, from the queue.
export async function openPair(page, quantity) {
  await page.goto("/desk");
  const row = page.locator("[data-row]", { hasText: quantity }).first();
  await row.getByRole("link", { name: "Propose" }).click();
  await page.waitForURL(/\/desk\/pair/);
}

// Proposes the pair of a quantity; returns the path of the match's page.
export async function proposes({ page }, quantity) {
  await openPair(page, quantity);
  await page.getByLabel("Rationale").fill(WHY);
  await page.getByRole("button", { name: "Sign the proposal" }).click();
  await page.waitForURL(/\/desk\/matches\//);
  return new URL(page.url()).pathname;
}

// Approves a match, on its page.
export async function approves({ page }, path) {
  await page.goto(path);
  await page.getByRole("button", { name: "Sign the approval" }).click();
  await standsAt(page, "approved");
}

export const standsAt = (page, words) => page.locator(".stand .tag", { hasText: new RegExp(`^${words}$`) }).waitFor();
