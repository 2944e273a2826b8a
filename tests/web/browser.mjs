// A browser with people in it: each has their own context and a wallet that speaks EIP-6963 and EIP-1193.

import { accessSync } from "node:fs";
import { chromium } from "playwright-core";
import { createWalletClient, http } from "viem";

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

export function startBrowser() {
  const executablePath = places.find((path) => {
    try {
      accessSync(path);
      return true;
    } catch {
      return false;
    }
  });
  if (executablePath === undefined) throw new Error("there is no chromium: run scripts/setup.sh");
  const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"];
  return chromium.launch({ executablePath, headless: true, args });
}

// The wallet as a page sees it: requests go to the test, which has the key.
function provider({ name, announces }) {
  const heard = new Map();
  const wallet = {
    async request({ method, params }) {
      const { result, error } = JSON.parse(await window.wallet(JSON.stringify({ method, params: params ?? [] })));
      if (error !== undefined) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    },
    on: (event, listener) => heard.set(event, [...(heard.get(event) ?? []), listener]),
  };
  window.hears = (event) => heard.has(event);
  window.tell = (event, value) => (heard.get(event) ?? []).forEach((listener) => listener(value));
  if (!announces) {
    window.ethereum = wallet;
    return;
  }
  const icon = "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>";
  const info = Object.freeze({ uuid: "350670db-19fa-4704-a166-e52e178b59d2", name, icon, rdns: "example.wallet" });
  const announce = () => window.dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider: wallet }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
}

// One person: a context, its first page, and a wallet that a test can make decline or switch.
export async function person(browser, market, account, { name = "Test Wallet", announces = true, has = true, ...context } = {}) {
  const opened = await browser.newContext({ baseURL: market.url, locale: "en-GB", timezoneId: "UTC", ...context });
  const wallet = { account, chainId: 412_346n, declines: false, knowsChain: true, asked: [] };
  if (has) {
    await opened.exposeFunction("wallet", (text) => answer(market, wallet, JSON.parse(text)));
    await opened.addInitScript(provider, { name, announces });
  }
  const page = await opened.newPage();
  const troubles = [];
  watch(opened, page, troubles);
  return { context: opened, page, wallet, troubles, url: market.url };
}

// Collects what no page may have: errors, and reports of violations of the page's own policy. An API refusal is not one.
function watch(context, page, troubles) {
  const look = (seen) => {
    seen.on("pageerror", (error) => troubles.push(String(error)));
    seen.on("console", (message) => {
      const { url } = message.location();
      const refused = message.text().startsWith("Failed to load resource") && new URL(url || "http://x/").pathname.startsWith("/v1/");
      if (["error", "warning"].includes(message.type()) && !refused) troubles.push(`${message.text()} (${url})`);
    });
  };
  look(page);
  context.on("page", look);
}

class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// The wallet's answer: JSON both ways.
async function answer(market, wallet, { method, params }) {
  wallet.asked.push(method);
  try {
    return JSON.stringify({ result: (await answered(market, wallet, method, params)) ?? null });
  } catch (error) {
    return JSON.stringify({ error: { code: error.code ?? -32603, message: error.shortMessage ?? error.message } });
  }
}

const SIGNS = ["personal_sign", "eth_signTypedData_v4", "eth_sendTransaction", "wallet_switchEthereumChain", "wallet_addEthereumChain"];

async function answered(market, wallet, method, params) {
  if (wallet.declines && SIGNS.includes(method)) throw new Refusal(4001, "User rejected the request.");
  const { account } = wallet;
  switch (method) {
    case "eth_requestAccounts":
    case "eth_accounts":
      return [account.address];
    case "eth_chainId":
      return `0x${wallet.chainId.toString(16)}`;
    case "personal_sign":
      return account.signMessage({ message: { raw: params[0] } });
    case "eth_signTypedData_v4":
      return typed(account, JSON.parse(params[1]));
    case "wallet_switchEthereumChain":
      if (!wallet.knowsChain) throw new Refusal(4902, "Unrecognized chain.");
      wallet.chainId = BigInt(params[0].chainId);
      return null;
    case "wallet_addEthereumChain":
      wallet.knowsChain = true;
      wallet.chainId = BigInt(params[0].chainId);
      return null;
    case "eth_sendTransaction": {
      const chain = { id: Number(wallet.chainId), name: "test", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 }, rpcUrls: { default: { http: [market.node] } } };
      const client = createWalletClient({ account, chain, transport: http(market.node) });
      const [{ to, data, value }] = params;
      return client.sendTransaction({ to, data, value: BigInt(value ?? 0) });
    }
    default:
      return rpc(market.node, method, params);
  }
}

// viem takes integers as integers; wallets get them as texts.
function typed(account, { types: { EIP712Domain: _, ...types }, primaryType, domain, message }) {
  return account.signTypedData({ types, primaryType, domain, message });
}

export async function rpc(url, method, params) {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = await response.json();
  if (error !== undefined) throw new Refusal(error.code, error.message);
  return result;
}

// Signs in with a person's wallet; the page is then the first one they see.
export async function signIn({ page }) {
  await page.goto("/");
  await page.getByRole("button", { name: /^Sign in with/ }).click();
  await page.waitForURL(/\/(market|status|desk)/);
}
