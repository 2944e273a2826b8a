// The browser's wallet: by EIP-6963, else `window.ethereum`. It signs; what it signs is made elsewhere.

import { texts } from "./texts";

export interface Provider {
  request(asked: { method: string; params?: unknown[] }): Promise<unknown>;
  on?(event: string, heard: (value: unknown) => void): void;
}

export interface Wallet {
  /** The same from page to page. */
  id: string;
  name: string;
  /** A data URI, or empty. */
  icon: string;
  provider: Provider;
}

/** What a wallet refused or could not do. */
export class WalletError extends Error {
  constructor(words: string, readonly code: number | null) {
    super(words);
  }
}

const CHOSEN = "wallet";
/** How long wallets have to announce themselves. */
const PATIENCE = 150;

interface Announced {
  info?: { rdns?: unknown; uuid?: unknown; name?: unknown; icon?: unknown };
  provider?: Provider;
}

const text = (value: unknown, most: number): string => (typeof value === "string" ? value.slice(0, most) : "");

/** This browser's wallets. */
export async function wallets(): Promise<Wallet[]> {
  const found: Wallet[] = [];
  const hear = (event: Event): void => {
    const { info, provider } = ((event as CustomEvent).detail ?? {}) as Announced;
    if (provider === undefined || typeof provider.request !== "function") return;
    const id = text(info?.rdns, 100) || text(info?.uuid, 100);
    const icon = text(info?.icon, 100_000);
    if (found.some((known) => known.id === id)) return;
    found.push({ id, name: text(info?.name, 40) || texts.browserWallet, icon: icon.startsWith("data:image/") ? icon : "", provider });
  };
  window.addEventListener("eip6963:announceProvider", hear);
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  await new Promise((done) => setTimeout(done, PATIENCE));
  window.removeEventListener("eip6963:announceProvider", hear);
  const injected = (window as unknown as { ethereum?: Provider }).ethereum;
  if (found.length === 0 && injected !== undefined) {
    found.push({ id: "injected", name: texts.browserWallet, icon: "", provider: injected });
  }
  return found;
}

/** Sends a request to a wallet. */
export async function ask(wallet: Wallet, method: string, params: unknown[] = []): Promise<unknown> {
  try {
    return await wallet.provider.request({ method, params });
  } catch (thrown) {
    const { code, message } = (thrown ?? {}) as { code?: unknown; message?: unknown };
    const number = typeof code === "number" ? code : null;
    if (number === 4001) throw new WalletError(texts.declined, number);
    if (number === -32_002) throw new WalletError(texts.pending, number);
    throw new WalletError(texts.walletFailed(text(message, 200)), number);
  }
}

const first = (accounts: unknown): string | null => {
  const account: unknown = Array.isArray(accounts) ? accounts[0] : null;
  return typeof account === "string" ? account : null;
};

/** The account that a wallet gives this page; the wallet can ask its owner first. */
export async function account(wallet: Wallet): Promise<string> {
  const found = first(await ask(wallet, "eth_requestAccounts"));
  if (found === null) throw new WalletError(texts.noAccount, null);
  return found;
}

export function choose(wallet: Wallet): void {
  sessionStorage.setItem(CHOSEN, wallet.id);
}

/** The wallet used to sign in, or the only one there is. */
export async function chosen(): Promise<Wallet | null> {
  const all = await wallets();
  const id = sessionStorage.getItem(CHOSEN);
  return all.find((wallet) => wallet.id === id) ?? (all.length === 1 ? (all[0] ?? null) : null);
}

const same = (one: string | null, other: string): boolean => one?.toLowerCase() === other.toLowerCase();

/** Calls back once when a wallet uses an account other than this one. */
export async function onOtherAccount(wallet: Wallet, owner: string, changed: () => void): Promise<void> {
  let told = false;
  const look = (accounts: unknown): void => {
    const now = first(accounts);
    // A wallet that is locked or not connected to this page has not switched accounts.
    if (told || now === null || same(now, owner)) return;
    told = true;
    changed();
  };
  wallet.provider.on?.("accountsChanged", look);
  look(await ask(wallet, "eth_accounts").catch(() => []));
}

/** Signs a text by EIP-191. */
export async function signText(wallet: Wallet, owner: string, message: string): Promise<string> {
  const hex = Array.from(new TextEncoder().encode(message), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return String(await ask(wallet, "personal_sign", [`0x${hex}`, owner]));
}

/** RPC URLs for a wallet that does not know a chain. */
const NODES: Record<string, string> = {
  "42161": "https://arb1.arbitrum.io/rpc",
  "421614": "https://sepolia-rollup.arbitrum.io/rpc",
  "412346": "http://localhost:8547",
};

/** Whether a wallet is on a chain. */
export async function isOn(wallet: Wallet, chainId: string): Promise<boolean> {
  return BigInt(String(await ask(wallet, "eth_chainId"))) === BigInt(chainId);
}

/** Switches a wallet to a chain, and adds the chain if the wallet does not know it. */
export async function switchTo(wallet: Wallet, chainId: string, name: string): Promise<void> {
  const hex = `0x${BigInt(chainId).toString(16)}`;
  try {
    await ask(wallet, "wallet_switchEthereumChain", [{ chainId: hex }]);
  } catch (error) {
    if (!(error instanceof WalletError) || error.code !== 4902) throw error;
    const node = NODES[chainId];
    if (node === undefined) throw new WalletError(texts.unknownChain(name, chainId), 4902);
    const nativeCurrency = { name: "Ether", symbol: "ETH", decimals: 18 };
    await ask(wallet, "wallet_addEthereumChain", [{ chainId: hex, chainName: name, rpcUrls: [node], nativeCurrency }]);
  }
}
