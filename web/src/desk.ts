// The desk's acts: a person proposes, approves, refuses; a principal commits and releases, an operator requests settlement.

import { mined, ready } from "./acts";
import { Refused, get, post } from "./api";
import { type Act, type Draft, digestOf, drawn, reasonOf, subjectOf, typedAct } from "./desk-act";
import { busy, make, onAct, part, show } from "./dom";
import { say } from "./say";
import { texts } from "./texts-desk";
import { ask } from "./wallet";

const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** Keys of what the page says after it reloads. */
const SAID = "desk said";
const LOST = "desk lost";

/** Reloads the page after an act, with the focus on the next one. */
function again(next: string, said: string): void {
  sessionStorage.setItem(SAID, said);
  location.hash = next;
  location.reload();
}

/** An element that acts, and says below its buttons why it could not. */
class Acting extends HTMLElement {
  protected async guarded(button: HTMLElement, act: () => Promise<void>): Promise<void> {
    show(part(this, "problem"), "");
    try {
      await act();
    } catch (error) {
      if (error instanceof Refused && error.status === 409) return this.lost(error);
      show(part(this, "problem"), words(error));
      button.focus();
    }
  }

  /** Somebody else was faster: the page reloads and says who. */
  private lost(error: Refused): void {
    if (document.getElementById("lost") === null) return show(part(this, "problem"), words(error));
    sessionStorage.setItem(LOST, "");
    location.reload();
  }

  protected get reason(): string {
    return this.querySelector("textarea")?.value.trim() ?? "";
  }
}

/** Signs an act about a match: the wallet is asked only for what this page also computed. */
class Signing extends Acting {
  /** The act as the board drafts it, which must be the one on this page. */
  protected async draft(act: Act, match: string, reason: string): Promise<Draft> {
    const { bid = "", ask: other = "", total = "" } = this.dataset;
    const hash = await reasonOf(reason);
    const query = new URLSearchParams({ act, match, reason: hash, ...(act === "propose" ? { bid, ask: other } : {}) });
    const draft = await get<Draft>(`/v1/acts/draft?${query}`);
    const { contract = "", chainId = "" } = document.body.dataset;
    const fits =
      draft.act === act &&
      same(draft.subject, subjectOf(match)) &&
      same(draft.bid, bid) &&
      same(draft.ask, other) &&
      draft.total === total &&
      same(draft.reason, hash) &&
      same(draft.contract, contract) &&
      String(draft.chain_id) === chainId;
    if (!fits || digestOf(draft) !== draft.id) throw new Error(texts.otherAct);
    return draft;
  }

  protected async sign(draft: Draft): Promise<string> {
    const { wallet, owner } = await ready();
    return String(await ask(wallet, "eth_signTypedData_v4", [owner, JSON.stringify(typedAct(draft))]));
  }

  /** Shows how to sign an act with a key outside this browser. */
  protected elsewhere(draft: Draft, done: (signature: string) => Promise<void>): void {
    const place = part(this, "elsewhere");
    if (place === null) return;
    const url = URL.createObjectURL(new Blob([JSON.stringify(typedAct(draft), null, 2)], { type: "application/json" }));
    const name = `${draft.act}-${draft.id.slice(2, 10)}.json`;
    const field = make("input", { id: "pasted", autocomplete: "off", spellcheck: "false", placeholder: "0x…" });
    const button = make("button", { type: "button" }, texts.send);
    button.addEventListener("click", () => {
      const signature = field.value.trim();
      const act = (): Promise<void> => {
        if (!/^0x([0-9a-fA-F]{2})+$/.test(signature)) throw new Error(texts.badSignature);
        return done(signature);
      };
      void busy(button, () => this.guarded(field, async () => act()));
    });
    place.replaceChildren(
      make("p", {}, texts.elsewhere, " ", make("code", {}, `cast wallet sign --data --from-file ${name}`)),
      make("p", {}, make("a", { class: "button quiet", href: url, download: name }, texts.download)),
      make("p", { class: "small muted" }, texts.digest, " ", make("code", {}, draft.id)),
      make("label", { for: "pasted" }, texts.pasted),
      make("div", { class: "with-button" }, field, button),
    );
    place.hidden = false;
    place.querySelector("a")?.focus();
  }
}

class DeskProposal extends Signing {
  /** Created once per page load, so that a repeated post is the same proposal. */
  private readonly match = drawn();

  connectedCallback(): void {
    onAct(this, "propose", (button) => this.guarded(button, async () => {
      const draft = await this.drafted();
      await this.send(draft, await this.sign(draft));
    }));
    onAct(this, "elsewhere", (button) => this.guarded(button, async () => {
      const draft = await this.drafted();
      this.elsewhere(draft, (signature) => this.send(draft, signature));
    }));
  }

  private drafted(): Promise<Draft> {
    const count = [...this.reason].length;
    const field = this.querySelector("textarea");
    const fits = count >= 10 && count <= 500;
    field?.setAttribute("aria-invalid", String(!fits));
    if (!fits) throw new Error(texts.rationale(count));
    return this.draft("propose", this.match, this.reason);
  }

  private async send(draft: Draft, signature: string): Promise<void> {
    const passed = (this.dataset["passed"] ?? "").split(" ").filter((id) => id !== "");
    const { bid, ask: other, time } = draft;
    const body = { id: this.match, bid, ask: other, rationale: this.reason, passed_over: passed, signature, time };
    try {
      await post("/v1/matches", body);
    } catch (error) {
      // What it passes over has changed since the page was drawn: those orders must be looked at before anybody signs.
      if (error instanceof Refused && error.code === "PASSED_OVER") throw new Error(texts.passedOver);
      throw error;
    }
    location.assign(`/desk/matches/${this.match}`);
  }
}

class DeskDecision extends Signing {
  connectedCallback(): void {
    for (const act of ["approve", "refuse"] as const) {
      onAct(this, act, (button) => this.guarded(button, async () => {
        const draft = await this.drafted(act);
        await this.send(draft, await this.sign(draft));
      }));
    }
    onAct(this, "elsewhere", (button) => this.guarded(button, async () => {
      const draft = await this.drafted("approve");
      this.elsewhere(draft, (signature) => this.send(draft, signature));
    }));
    const field = this.querySelector("textarea");
    if (field === null) return;
    field.value = sessionStorage.getItem(this.place) ?? "";
    field.addEventListener("input", () => this.keep(field.value));
  }

  /** Keeps what was written across a reload. */
  private keep(reason: string): void {
    if (reason === "") sessionStorage.removeItem(this.place);
    else sessionStorage.setItem(this.place, reason);
  }

  private get place(): string {
    return `reason ${this.dataset["match"]}`;
  }

  private drafted(act: Act): Promise<Draft> {
    // A refusal without a reason helps nobody who reads the log later.
    const missing = act === "refuse" && this.reason === "";
    this.querySelector("textarea")?.setAttribute("aria-invalid", String(missing));
    if (missing) throw new Error(texts.noReason);
    return this.draft(act, this.dataset["match"] ?? "", this.reason);
  }

  private async send(draft: Draft, signature: string): Promise<void> {
    const path = `/v1/matches/${this.dataset["match"]}/${draft.act}`;
    await post(path, { reason: this.reason, signature, time: draft.time });
    const approved = draft.act === "approve";
    this.keep("");
    // Whoever approved commits next.
    again("commit", approved ? texts.approved : texts.refused);
  }
}

class DeskSettle extends Acting {
  connectedCallback(): void {
    onAct(this, "settle", (button) => this.guarded(button, async () => {
      await post(`/v1/matches/${this.dataset["match"]}/settle`, {});
      again("job", texts.asked);
    }));
  }
}

class DeskRelease extends Acting {
  connectedCallback(): void {
    onAct(this, "release", (button) => this.guarded(button, async () => {
      const reason = this.querySelector("input")?.value.trim() ?? "";
      if (!/^[ -~]{1,32}$/.test(reason)) throw new Error(texts.releaseReason);
      const { wallet, owner } = await ready();
      interface Answer { transaction: { to: string; data: string } }
      const { transaction } = await post<Answer>(`/v1/matches/${this.dataset["match"]}/release`, { reason });
      const sent = { from: owner, to: transaction.to, data: transaction.data, value: "0x0" };
      const hash = await ask(wallet, "eth_sendTransaction", [sent]);
      await mined(wallet, hash);
      again("steps", texts.released);
    }));
  }
}

/** j and k move from row to row, p, a and s do what a row offers; only while the list has the focus. */
class DeskQueue extends HTMLElement {
  connectedCallback(): void {
    this.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const rows = [...this.querySelectorAll<HTMLElement>("[data-row]")];
      const at = rows.findIndex((row) => row.contains(document.activeElement));
      if (at < 0) return;
      if (event.key === "j" || event.key === "k") {
        const next = rows[at + (event.key === "j" ? 1 : -1)];
        next?.querySelector<HTMLElement>("[data-open]")?.focus();
        event.preventDefault();
      } else if (["p", "a", "s"].includes(event.key)) {
        rows[at]?.querySelector<HTMLElement>(`[data-key="${event.key}"]`)?.click();
        event.preventDefault();
      }
    });
  }
}

/** A period that no link offers. */
class DeskDays extends HTMLElement {
  connectedCallback(): void {
    onAct(this, "show", async () => {
      const day = (id: string): string => this.querySelector<HTMLInputElement>(`#${id}`)?.value ?? "";
      const [from, to] = [day("from"), day("to")];
      if (from === "" || to === "") return;
      location.assign(`${this.dataset["base"]}?from=${from}&to=${to}${this.dataset["kept"] ?? ""}`);
    });
  }
}

customElements.define("desk-proposal", DeskProposal);
customElements.define("desk-decision", DeskDecision);
customElements.define("desk-settle", DeskSettle);
customElements.define("desk-release", DeskRelease);
customElements.define("desk-queue", DeskQueue);
customElements.define("desk-days", DeskDays);

// The browser itself goes to the address's fragment once the page is drawn, and takes the focus away.
const next = document.getElementById(location.hash.slice(1));
if (next !== null && ["decision", "commit", "settle"].includes(next.id)) {
  const focus = (): void => next.querySelector<HTMLElement>("button:not(:disabled)")?.focus();
  window.addEventListener("load", () => requestAnimationFrame(() => setTimeout(focus)));
}
const said = sessionStorage.getItem(SAID);
if (said !== null) say(said);
if (sessionStorage.getItem(LOST) !== null) {
  const last = document.getElementById("last")?.textContent ?? "";
  show(document.getElementById("lost"), texts.lost(last));
}
sessionStorage.removeItem(SAID);
sessionStorage.removeItem(LOST);
