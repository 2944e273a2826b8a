// The stage of a test file: a market and a browser, shared by its tests and stopped after them.

import { after, before } from "node:test";
import { startBrowser } from "./browser.mjs";
import { comes } from "./steps.mjs";

// `start` starts the market; people arrive by name.
export function opens(start) {
  const stage = { comes: (name) => comes(stage.browser, stage.market, name) };
  before(async () => {
    stage.market = await start();
    stage.browser = await startBrowser();
  });
  after(async () => {
    await stage.browser?.close();
    await stage.market?.stop();
  });
  return stage;
}
