// Every page in a browser: what axe-core finds, what overflows, what it weighs. With PICTURES=1 it also draws docs/pages.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { person, signIn, startBrowser } from "./browser.mjs";
import { startMarket } from "./market.mjs";
import { PAGES } from "./places.mjs";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const pictures = fileURLToPath(new URL("../../docs/pages/", import.meta.url));

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

const account = (who) => (who === undefined ? undefined : market.people[who]);

// A person on a page.
async function on({ path, who }, context) {
  const seen = await person(browser, market, account(who), { has: true, ...context });
  if (who !== undefined) await signIn(seen);
  const place = typeof path === "string" ? path : await path(seen.page);
  await seen.page.goto(place);
  await settled(seen.page);
  return { ...seen, place };
}

// Waits until wallets have announced themselves: a session is checked against its wallet, others choose one.
async function settled(page) {
  if ((await page.locator("board-session").count()) > 0) await page.waitForFunction(() => window.hears("accountsChanged"));
  if ((await page.locator("sign-in").count()) > 0) await page.locator("sign-in .wallets > *").first().waitFor();
}

describe("each page", { concurrency: 1 }, () => {
  for (const page of PAGES) {
    for (const colorScheme of ["light", "dark"]) {
      for (const width of [320, 1280]) {
        test(`${page.name} at ${width} px, ${colorScheme}: nothing is found by axe-core, nothing overflows`, async () => {
          const seen = await on(page, { colorScheme, viewport: { width, height: 800 }, reducedMotion: "reduce", bypassCSP: true });
          await seen.page.evaluate(axe);
          const { violations } = await seen.page.evaluate(() => window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
          const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join("; ")}`);
          assert.deepEqual(found, []);
          assert.equal(await overflow(seen.page), "");
          if (process.env.PICTURES && !page.pictured && !(width === 320 && colorScheme === "dark")) await picture(seen.page, `${page.name}-${width}-${colorScheme}`);
          await seen.page.evaluate(lengthen);
          if (width === 320) assert.equal(await overflow(seen.page), "", "with texts that are 40 % longer");
          await seen.context.close();
        });
      }
    }
    test(`${page.name} weighs at most ${page.most} bytes and breaks none of its own rules`, async () => {
      const seen = await on(page, {});
      const client = await seen.context.newCDPSession(seen.page);
      await client.send("Network.enable");
      await client.send("Network.setCacheDisabled", { cacheDisabled: true });
      const sizes = new Map();
      client.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => sizes.set(requestId, encodedDataLength));
      const urls = new Map();
      client.on("Network.responseReceived", ({ requestId, response }) => urls.set(requestId, new URL(response.url).pathname));
      await seen.page.goto(seen.place);
      const asked = () => [...urls].filter(([, path]) => path !== "/v1/stream");
      while (!asked().every(([id]) => sizes.has(id))) await new Promise((done) => client.once("Network.loadingFinished", done));
      const files = asked().map(([id, path]) => [path, sizes.get(id)]);
      const weight = files.reduce((sum, [, size]) => sum + size, 0);
      console.log(`${page.name}: ${weight} bytes`, Object.fromEntries(files));
      assert.ok(files.length >= 3, JSON.stringify(files));
      assert.ok(weight <= page.most, `${weight} bytes: ${JSON.stringify(files)}`);
      assert.deepEqual(seen.troubles.filter((trouble) => page.name !== "not-found" || !trouble.includes("404")), []);
      await seen.context.close();
    });
    test(`${page.name} reads without script`, async () => {
      const with_ = await on(page, {});
      const state = await with_.context.storageState();
      const without = await browser.newContext({ baseURL: market.url, javaScriptEnabled: false, storageState: state });
      const bare = await without.newPage();
      await bare.goto(with_.place);
      const text = await bare.locator("main").innerText();
      assert.ok(text.length > 60, text);
      await without.close();
      await with_.context.close();
    });
  }
});

// What is wider than the window or its panel, if anything.
function overflow(page) {
  return page.evaluate(() => {
    const root = document.documentElement;
    const scrolls = (element) => element !== null && element !== root && (["auto", "scroll", "hidden"].includes(getComputedStyle(element).overflowX) || scrolls(element.parentElement));
    const beyond = (element) => {
      const edge = element.closest(".panel")?.getBoundingClientRect().right ?? root.clientWidth;
      return element.getBoundingClientRect().right > Math.min(edge, root.clientWidth) + 1 && !scrolls(element.parentElement);
    };
    const wide = [...document.querySelectorAll("body *:not(.said)")].filter(beyond);
    if (root.scrollWidth <= root.clientWidth && wide.length === 0) return "";
    return `${root.scrollWidth - root.clientWidth} px: ${wide.slice(-3).map((element) => element.outerHTML.slice(0, 120)).join(" | ")}`;
  });
}

// A language whose words are 40 % longer, with taller letters and deeper descenders.
function lengthen() {
  const higher = { a: "å", e: "é", i: "î", o: "ö", u: "û", n: "ñ", c: "ç", A: "Å", E: "É", O: "Ö", U: "Û" };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  for (const text of texts) {
    const words = text.data.trim();
    // Figures, hashes and names are the same in every language.
    if (words === "" || text.parentElement.closest("code, script, style, pre, time, .num, .figures dd") || /^[\d.,:/\s–-]+$/.test(words)) continue;
    let more = Math.ceil(words.length * 0.4);
    const longer = words.replace(/[\p{L}]+/gu, (word) => {
      const added = Math.min(more, Math.ceil(word.length * 0.4));
      more -= added;
      return [...word].map((letter) => higher[letter] ?? letter).join("") + "ö".repeat(added);
    });
    text.data = text.data.replace(words, longer);
  }
}

async function picture(page, name) {
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: `${pictures}${name}.png`, fullPage: true });
}
