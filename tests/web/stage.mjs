// What a file of tests stands on: a market and a browser, there for all its tests and gone after them.

import { after, before } from "node:test";
import { startBrowser } from "./browser.mjs";
import { comes } from "./steps.mjs";

// `start` starts the market; the people of both come by name.
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
