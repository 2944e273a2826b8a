// Signing in and out. The server's text is signed byte for byte.

import { Refused, post, remove } from "./api";
import { busy, make, onAct, part, show } from "./dom";
import { leave, note } from "./leave";
import { warn } from "./say";
import { texts } from "./texts";
import { type Wallet, account, choose, chosen, onOtherAccount, signText, wallets } from "./wallet";

interface Challenge {
  message: string;
  nonce: string;
}

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function challenge(address: string): Promise<Challenge> {
  return post("/v1/session/challenge", { address });
}

async function open(nonce: string, signature: string): Promise<void> {
  await post("/v1/session", { nonce, signature });
  location.assign("/");
}

/** Ends the session; the next page says why. A session that has already ended is not an error. */
async function end(why: string): Promise<void> {
  await leave(why, () =>
    remove<void>("/v1/session").catch((error: unknown) => {
      if (!(error instanceof Refused) || error.status !== 401) throw error;
    }),
  ).catch((error: unknown) => warn(words(error)));
}

class SignIn extends HTMLElement {
  private asked = "";

  connectedCallback(): void {
    void this.list();
    const form = part<HTMLFormElement>(this, "offline");
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
      if (button !== null) void busy(button, () => this.guarded(() => this.text()));
    });
    onAct(this, "offline-sign-in", () => this.guarded(() => this.paste()));
    show(part(this, "problem"), note());
  }

  private async list(): Promise<void> {
    const place = part(this, "wallets");
    const all = await wallets();
    const buttons = all.map((wallet) => {
      const button = make("button", { type: "button" });
      if (wallet.icon !== "") button.append(make("img", { src: wallet.icon, alt: "" }));
      button.append(texts.connect(wallet.name));
      button.addEventListener("click", () => void busy(button, () => this.guarded(() => this.signIn(wallet))));
      return button;
    });
    place?.classList.add("wallets");
    place?.replaceChildren(...(buttons.length > 0 ? buttons : [make("p", { class: "note" }, texts.noWallet)]));
    const details = this.querySelector("details");
    if (details !== null && buttons.length === 0) details.open = true;
  }

  private async guarded(act: () => Promise<void>): Promise<void> {
    const problem = part(this, "problem");
    show(problem, "");
    await act().catch((error: unknown) => show(problem, words(error)));
  }

  private async signIn(wallet: Wallet): Promise<void> {
    const owner = await account(wallet);
    const { message, nonce } = await challenge(owner);
    const signature = await signText(wallet, owner, message);
    choose(wallet);
    await open(nonce, signature);
  }

  private field(name: string): string {
    return this.querySelector<HTMLInputElement>(`input[name="${name}"]`)?.value.trim() ?? "";
  }

  private async text(): Promise<void> {
    const address = this.field("address");
    if (!/^0x[0-9a-fA-F]{40}$/.test(address)) throw new Error(texts.badAddress);
    const { message, nonce } = await challenge(address);
    this.asked = nonce;
    const area = this.querySelector("textarea");
    if (area !== null) area.value = message;
    const rest = part(this, "offline-text");
    if (rest !== null) rest.hidden = false;
    area?.focus();
    area?.select();
  }

  private async paste(): Promise<void> {
    const signature = this.field("signature");
    if (!/^0x([0-9a-fA-F]{2})+$/.test(signature)) throw new Error(texts.badSignature);
    await open(this.asked, signature);
  }
}

class BoardSession extends HTMLElement {
  connectedCallback(): void {
    onAct(this, "sign-out", () => end(texts.signedOut));
    const owner = document.body.dataset["wallet"];
    if (owner === undefined) return;
    void chosen().then((wallet) => {
      if (wallet !== null) void onOtherAccount(wallet, owner, () => void end(texts.otherAccount(owner)));
    });
  }
}

customElements.define("sign-in", SignIn);
customElements.define("board-session", BoardSession);
