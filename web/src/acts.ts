// What an owner does with a posted order: takes it off the board, makes it void, allows what it gives.

import { Refused, get, post, remove } from "./api";
import { make, onAct, part, show } from "./dom";
import { refresh } from "./live";
import { say } from "./say";
import { texts } from "./texts";
import { type Wallet, WalletError, account, ask, chosen, isOn, switchTo } from "./wallet";

/** Milliseconds between looks for a transaction, and the most looks. */
const LOOK_EACH = 1_000;
const LOOKS = 120;

/** How long a signed allowance stays valid for the desk, milliseconds. */
const PERMIT_LASTS = 30 * 24 * 3_600 * 1_000;

/** An allowance that a token accepts when signed (EIP-2612). */
interface PermitDraft {
  typed_data: {
    primaryType: string;
    domain: { verifyingContract: string; chainId: string | number };
    message: { owner: string; spender: string; value: string; nonce: string; deadline: string };
  };
}

const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const pause = (millis: number): Promise<void> => new Promise((done) => setTimeout(done, millis));

/** The signed-in wallet, on this board's chain. */
export async function ready(): Promise<{ wallet: Wallet; owner: string }> {
  const { wallet: owner = "", chainId = "", chain = "" } = document.body.dataset;
  const wallet = await chosen();
  if (wallet === null) throw new WalletError(texts.noWallet, null);
  const found = await account(wallet);
  if (found.toLowerCase() !== owner.toLowerCase()) throw new WalletError(texts.ticket.otherAccount(found, owner), null);
  if (!(await isOn(wallet, chainId))) await switchTo(wallet, chainId, chain);
  return { wallet, owner };
}

/** Waits until a transaction is in a block. */
export async function mined(wallet: Wallet, hash: unknown): Promise<void> {
  for (let look = 0; look < LOOKS; look += 1) {
    const receipt = (await ask(wallet, "eth_getTransactionReceipt", [hash])) as { status?: string } | null;
    if (receipt !== null) {
      if (receipt.status === "0x0") throw new Error(texts.acts.reverted);
      return;
    }
    await pause(LOOK_EACH);
  }
  throw new Error(texts.acts.notMined(String(hash)));
}

class OrderActs extends HTMLElement {
  connectedCallback(): void {
    onAct(this, "take-off", (button) => this.guarded(button, () => this.takeOff(button)));
    onAct(this, "send", (button) => this.guarded(button, () => this.send(button)));
    onAct(this, "permit", (button) => this.guarded(button, () => this.permit(button)));
    onAct(this, "sign-void", (button) => this.guarded(button, () => this.signVoid(button)));
  }

  private async guarded(button: HTMLButtonElement, act: () => Promise<void>): Promise<void> {
    const problem = part(this, "problem");
    show(problem, "");
    try {
      await act();
    } catch (error) {
      const until = error instanceof Refused ? (error.problem as { until?: string }).until : undefined;
      show(problem, until === undefined ? words(error) : `${words(error)} ${texts.acts.until(until)}`);
      button.focus();
    }
  }

  /** Asks for confirmation: the second press acts. */
  private async takeOff(button: HTMLButtonElement): Promise<void> {
    if (button.dataset["sure"] === undefined) {
      button.dataset["sure"] = "";
      button.textContent = texts.acts.sure;
      return;
    }
    await remove(`/v1/orders/${this.dataset["order"]}`);
    say(texts.acts.isOff);
    await refresh(true);
  }

  private async send(button: HTMLButtonElement): Promise<void> {
    const { wallet, owner } = await ready();
    const { to = "", data = "" } = button.dataset;
    const hash = await ask(wallet, "eth_sendTransaction", [{ from: owner, to, data, value: "0x0" }]);
    const note = make("p", { class: "note" }, texts.acts.sent(String(hash)));
    this.append(note);
    try {
      await mined(wallet, hash);
    } finally {
      note.remove();
    }
    say(texts.acts.isMined);
    await refresh(true);
  }

  /** Signs an allowance and leaves it with the desk, after checking every member against the page. */
  private async permit(button: HTMLButtonElement): Promise<void> {
    const { wallet, owner } = await ready();
    const { token = "", value = "" } = button.dataset;
    const deadline = new Date(Math.floor(Date.now() / 1_000) * 1_000 + PERMIT_LASTS).toISOString().replace(".000Z", "Z");
    const { typed_data: typed } = await get<PermitDraft>(`/v1/permits/draft?${new URLSearchParams({ token, value, deadline })}`);
    const { chainId = "", contract = "" } = document.body.dataset;
    const { domain, message, primaryType } = typed;
    const fits =
      primaryType === "Permit" &&
      same(domain.verifyingContract, token) &&
      BigInt(domain.chainId) === BigInt(chainId) &&
      same(message.owner, owner) &&
      same(message.spender, contract) &&
      BigInt(message.value) === BigInt(value) &&
      BigInt(message.deadline) === BigInt(Date.parse(deadline) / 1_000);
    if (!fits) throw new Error(texts.acts.otherPermit);
    const signature = await ask(wallet, "eth_signTypedData_v4", [owner, JSON.stringify(typed)]);
    await post("/v1/permits", { token, value, deadline, signature });
    say(texts.acts.permitLeft);
    this.append(make("p", { class: "note good" }, texts.acts.permitLeft));
  }

  private async signVoid(button: HTMLButtonElement): Promise<void> {
    const { wallet, owner } = await ready();
    const signature = await ask(wallet, "eth_signTypedData_v4", [owner, button.dataset["typed"] ?? ""]);
    await post(`/v1/orders/${this.dataset["order"]}/void`, { signature });
    say(texts.acts.isLeft);
    await refresh(true);
  }
}

customElements.define("order-acts", OrderActs);
