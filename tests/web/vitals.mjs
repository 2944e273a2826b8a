// How fast the pages are on a slow machine with a slow line, as a Markdown table: node vitals.mjs. Run by hand: times differ
// between machines, so they are not a test. The budgets: LCP 1.0 s, INP 200 ms, CLS 0.05.

import { person, signIn, startBrowser } from "./browser.mjs";
import { startMarket } from "./market.mjs";
import { PAGES } from "./places.mjs";

const SLOWER = 4;
const LINE = { offline: false, latency: 150, downloadThroughput: 1_600_000 / 8, uploadThroughput: 1_600_000 / 8 };
// The table has the worst of this many visits.
const VISITS = 3;

// What somebody does first on a page; on other pages a click and a few Tabs.
const DOES = {
  welcome: (page) => page.locator("sign-in summary").click(),
  security: async (page) => {
    await page.getByLabel("Quantity").pressSequentially("1250");
    await page.getByLabel("Price", { exact: true }).pressSequentially("24.55");
    await page.getByRole("button", { name: /^Answer the/ }).first().click();
  },
  desk: async (page) => {
    await page.locator("[data-open]").first().focus();
    for (const key of ["j", "j", "k"]) await page.keyboard.press(key);
  },
  "desk-match": (page) => page.locator("main").click(),
};

const idle = async (page) => {
  await page.locator("main h1").click();
  for (let press = 0; press < 3; press += 1) await page.keyboard.press("Tab");
};

// Collects what the browser measures, from the start.
function measure() {
  window.vitals = { lcp: 0, cls: 0, inp: 0 };
  const observe = (type, heard, more = {}) => {
    new PerformanceObserver((list) => list.getEntries().forEach(heard)).observe({ type, buffered: true, ...more });
  };
  observe("largest-contentful-paint", ({ startTime }) => (window.vitals.lcp = startTime));
  observe("layout-shift", ({ value, hadRecentInput }) => hadRecentInput || (window.vitals.cls += value));
  const act = ({ interactionId, duration }) => interactionId > 0 && (window.vitals.inp = Math.max(window.vitals.inp, duration));
  observe("event", act, { durationThreshold: 16 });
}

async function visit(browser, market, { name, path, who }) {
  const seen = await person(browser, market, market.people[who], { viewport: { width: 1280, height: 800 } });
  const { page, context } = seen;
  if (who !== undefined) await signIn(seen);
  const place = typeof path === "string" ? path : await path(page);
  // The browser has none of the board's files, and shows nothing of the page before.
  await page.goto("about:blank");
  const client = await context.newCDPSession(page);
  await client.send("Network.enable");
  await client.send("Network.setCacheDisabled", { cacheDisabled: true });
  await client.send("Network.emulateNetworkConditions", LINE);
  await client.send("Emulation.setCPUThrottlingRate", { rate: SLOWER });
  await page.addInitScript(measure);
  await page.goto(place);
  // By then live parts have been redrawn once: late layout shifts count too.
  await page.waitForTimeout(2_000);
  await (DOES[name] ?? idle)(page);
  await page.waitForTimeout(1_000);
  const found = await page.evaluate(() => window.vitals);
  await context.close();
  return found;
}

const market = await startMarket();
const browser = await startBrowser();
try {
  console.log("| page | LCP | INP | CLS |\n| --- | --- | --- | --- |");
  for (const page of PAGES) {
    const visits = [];
    for (let number = 0; number < VISITS; number += 1) visits.push(await visit(browser, market, page));
    const worst = (name) => Math.max(...visits.map((one) => one[name]));
    const inp = worst("inp") === 0 ? "under 16 ms" : `${worst("inp")} ms`;
    console.log(`| ${page.name} | ${(worst("lcp") / 1_000).toFixed(2)} s | ${inp} | ${worst("cls").toFixed(3)} |`);
  }
} finally {
  await browser.close();
  await market.stop();
}
