// A principal commits both orders of a match on chain, and releases them again, on the match's page.

import assert from "node:assert/strict";
import { test } from "node:test";
import { startMarket } from "./market.mjs";
import { opens } from "./stage.mjs";
import { approves, crossed, leaves, proposes, standsAt } from "./steps.mjs";

const stage = opens(startMarket);
const { comes } = stage;

test("a match is committed and released, and its owners are bound in between and no longer", async () => {
  const [ada, victor, dana, ruth] = await Promise.all(["ada-lindqvist", "victor-chen", "dana", "ruth"].map(comes));
  const { bid, ask } = await crossed(ada, victor, "54", "24.45");
  const path = await proposes(dana, "54");
  await approves(ruth, path);
  const { page } = ruth;
  const commit = page.getByRole("button", { name: "Send the commitment" });
  // Both orders must be on chain first; until then the button is off.
  await page.getByText("Not on chain yet").waitFor();
  assert.ok(await commit.isDisabled());
  for (const id of [bid, ask]) await stage.market.run(`order register ${id}`);
  await page.goto(path);
  ruth.wallet.declines = true;
  await commit.click();
  await page.getByText("You declined in your wallet.").waitFor();
  ruth.wallet.declines = false;
  await commit.click();
  await standsAt(page, "committed");
  await page.locator(".timeline strong", { hasText: /^Both orders were committed until / }).waitFor();

  // The owner cannot take it back now.
  await ada.page.goto(`/orders/${ask}`);
  await ada.page.locator('[data-live="state"]', { hasText: "committed" }).waitFor();
  assert.equal(await ada.page.getByRole("button", { name: "Take it off the board" }).count(), 0);

  await page.getByRole("button", { name: "Send the release" }).click();
  await page.getByText("Enter a reason of 1 to 32 plain characters.").waitFor();
  await page.getByLabel("Reason", { exact: true }).fill("the buyer called back");
  await page.getByRole("button", { name: "Send the release" }).click();
  await page.locator(".timeline strong", { hasText: /^The commitment was released$/ }).waitFor();
  // That ends the match: both orders are free again.
  await standsAt(page, "refused");
  await ada.page.locator('[data-live="state"]', { hasText: /^\s*open\s*$/ }).waitFor();
  await ada.page.getByRole("button", { name: "Take it off the board" }).waitFor();
  await leaves(ada, victor, dana, ruth);
});
