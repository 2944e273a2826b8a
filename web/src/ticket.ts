// The ticket: an offer in one sentence, before a wallet is asked to sign it.

import { type Total, dollars, parse, parsePrice, plainPrice, shown, total } from "./amount";
import { type Schemas, Refused, get, post } from "./api";
import { busy, make, onAct, part, show } from "./dom";
import { type Order, idOf, typedData } from "./order";
import { say, sentence } from "./say";
import { texts } from "./texts";
import { type Wallet, WalletError, account, ask, chosen, isOn, switchTo } from "./wallet";

interface Draft {
  id: string;
  price: string;
  order: Order;
}

/** What the fields ask for. */
interface Wanted {
  side: "bid" | "ask";
  quantity: bigint;
  price: bigint;
  total: bigint;
  /** RFC 3339. */
  expiry: string;
  counterparty: string;
}

const ZERO = `0x${"0".repeat(40)}`;
const words = (error: unknown): string => (error instanceof Error ? error.message : String(error));
const same = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

class OrderTicket extends HTMLElement {
  /** The lot that this order answers. */
  private lot = "";
  /** The key of the drafted order until it is posted: a post that is repeated because its answer was lost reuses it. */
  private key = "";

  connectedCallback(): void {
    const form = this.form();
    form.addEventListener("input", () => {
      this.drop();
      this.tell();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const button = form.querySelector<HTMLButtonElement>("button[type=submit]");
      if (button !== null) void busy(button, () => this.guarded(() => this.review()));
    });
    onAct(document.body, "answer", async (button) => this.answer(button.dataset));
    onAct(this, "accept", () => this.guarded(() => this.accept()));
    onAct(this, "receive", () => this.guarded(() => this.receive()));
    onAct(this, "price", async (button) => {
      this.input("price").value = button.dataset["price"] ?? "";
      this.tell();
    });
    this.tell();
  }

  private form(): HTMLFormElement {
    return part<HTMLFormElement>(this, "form") as HTMLFormElement;
  }

  private input(name: string): HTMLInputElement {
    return this.form().elements.namedItem(name) as HTMLInputElement;
  }

  private get decimals(): number {
    return Number(this.dataset["decimals"]);
  }

  private get symbol(): string {
    return this.dataset["symbol"] ?? "";
  }

  private get side(): "bid" | "ask" {
    return this.form().querySelector<HTMLInputElement>("input[name=side]:checked")?.value === "ask" ? "ask" : "bid";
  }

  private async guarded(act: () => Promise<void>): Promise<void> {
    const problem = part(this, "problem");
    show(problem, "");
    try {
      await act();
    } catch (error) {
      show(problem, error instanceof Refused ? refusal(error) : words(error));
    }
  }

  /** Drops the review, which was about what was in the fields then. */
  private drop(): void {
    const review = part(this, "review");
    if (review !== null) review.hidden = true;
    this.key = "";
    show(part(this, "problem"), "");
  }

  private answer({ side, lot, price, quantity }: DOMStringMap): void {
    const radio = this.form().querySelector<HTMLInputElement>(`input[name=side][value=${side === "ask" ? "ask" : "bid"}]`);
    if (radio !== null) radio.checked = true;
    this.input("quantity").value = quantity ?? "";
    this.input("price").value = price ?? "";
    this.lot = lot ?? "";
    this.drop();
    this.tell();
    show(part(this, "answers"), texts.ticket.answers(shown(parse(quantity ?? "", this.decimals) ?? 0n, this.decimals)));
    this.input("price").focus();
    this.scrollIntoView({ block: "nearest" });
  }

  private totalNow(): Total | null {
    const quantity = parse(this.input("quantity").value, this.decimals);
    const price = parsePrice(this.input("price").value);
    return quantity === null || price === null || quantity === 0n || price === 0n ? null : total(price, quantity, this.decimals);
  }

  /** Shows the total while the fields are filled in. */
  private tell(): void {
    const found = this.totalNow();
    const output = this.form().elements.namedItem("total") as HTMLOutputElement;
    output.value = found !== null && "total" in found ? dollars(found.total) : "–";
    show(part(this, "total-name"), this.side === "bid" ? texts.ticket.atMost : texts.ticket.atLeast);
    const nearest = part(this, "nearest");
    if (nearest === null) return;
    const offers = found !== null && "above" in found ? [found.below, found.above].filter((price) => price !== null) : [];
    nearest.hidden = offers.length === 0;
    nearest.replaceChildren(
      ...(offers.length > 0 ? [make("p", { class: "field-note bad" }, `${texts.ticket.notWhole} ${texts.ticket.nearest}`)] : []),
      ...offers.map((price) => make("button", { type: "button", class: "quiet small", "data-act": "price", "data-price": price }, price)),
    );
  }

  /** Reads the fields; the first wrong one gets the focus. */
  private wanted(): Wanted {
    const bad = (name: string, text: string): never => {
      const input = this.input(name);
      input.setAttribute("aria-invalid", "true");
      input.focus();
      throw new Error(text);
    };
    for (const name of ["quantity", "price", "expiry", "counterparty"]) this.input(name).removeAttribute("aria-invalid");
    const quantity = parse(this.input("quantity").value, this.decimals) ?? 0n;
    if (quantity === 0n) bad("quantity", texts.ticket.badQuantity(this.decimals));
    const price = parsePrice(this.input("price").value) ?? 0n;
    if (price === 0n) bad("price", texts.ticket.badPrice);
    const found = total(price, quantity, this.decimals);
    if (!("total" in found)) return bad("price", texts.ticket.notWhole);
    const day = this.input("expiry").value;
    if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) bad("expiry", texts.ticket.badDay);
    const counterparty = this.input("counterparty").value.trim();
    if (counterparty !== "" && !/^0x[0-9a-fA-F]{40}$/.test(counterparty)) bad("counterparty", texts.badAddress);
    return { side: this.side, quantity, price, total: found.total, expiry: `${day}T23:59:59Z`, counterparty: counterparty || ZERO };
  }

  /** The order as the board drafts it; it must be what was asked for, with the id computed here. */
  private async draft(wanted: Wanted): Promise<Draft> {
    const query = new URLSearchParams({
      side: wanted.side,
      quantity: wanted.quantity.toString(),
      price: plainPrice(wanted.price),
      expires_at: wanted.expiry,
      ...(wanted.counterparty === ZERO ? {} : { counterparty: wanted.counterparty }),
    });
    const draft = await get<Draft>(`/v1/securities/${this.dataset["token"]}/draft?${query}`);
    const { order } = draft;
    const body = document.body.dataset;
    const fits =
      same(order.owner, body["wallet"] ?? "") &&
      same(order.contract, body["contract"] ?? "") &&
      String(order.chain_id) === body["chainId"] &&
      order.side === wanted.side &&
      same(order.security, this.dataset["token"] ?? "") &&
      same(order.payment, this.dataset["payment"] ?? "") &&
      order.quantity === wanted.quantity.toString() &&
      order.limit_total === wanted.total.toString() &&
      Date.parse(order.expiry) === Date.parse(wanted.expiry) &&
      same(order.counterparty, wanted.counterparty);
    if (!fits || idOf(order) !== draft.id) throw new Error(texts.ticket.otherId);
    return draft;
  }

  private async review(): Promise<void> {
    const wanted = this.wanted();
    const draft = await this.draft(wanted);
    const sentence = texts.ticket.sentence(
      wanted.side,
      shown(wanted.quantity, this.decimals),
      this.symbol,
      dollars(wanted.total),
      new Date(wanted.expiry).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" }),
      wanted.counterparty === ZERO ? "" : wanted.counterparty,
    );
    this.key = crypto.randomUUID();
    const wallet = await chosen();
    const place = part(this, "review");
    if (place === null) return;
    place.replaceChildren(make("p", { class: "sentence" }, sentence), ...(await this.ways(draft, wallet)));
    place.hidden = false;
    place.querySelector("button")?.focus();
    say(sentence);
  }

  /** The ways to sign the order. */
  private async ways(draft: Draft, wallet: Wallet | null): Promise<HTMLElement[]> {
    const ways: HTMLElement[] = [];
    if (wallet !== null) {
      const sign = make("button", { type: "button" }, texts.ticket.sign);
      sign.addEventListener("click", () => void busy(sign, () => this.guarded(() => this.sign(draft, wallet))));
      ways.push(make("div", { class: "actions" }, sign));
    }
    const details = make("details", {}, make("summary", {}, texts.ticket.elsewhere));
    const file = new Blob([JSON.stringify(typedData(draft.order), null, 2)], { type: "application/json" });
    const url = URL.createObjectURL(file);
    const name = `order-${draft.id.slice(2, 10)}.json`;
    const field = make("input", { id: "pasted", autocomplete: "off", spellcheck: "false", placeholder: "0x…" });
    const done = make("button", { type: "button" }, texts.ticket.post);
    done.addEventListener("click", () => void busy(done, () => this.guarded(() => this.paste(draft, field.value))));
    details.append(
      make("p", {}, texts.ticket.elsewhereHow, " ", make("code", {}, `cast wallet sign --data --from-file ${name}`)),
      make("p", {}, make("a", { class: "button quiet", href: url, download: name }, texts.ticket.download)),
      make("p", { class: "small muted" }, texts.ticket.id, " ", make("code", {}, draft.id)),
      make("label", { for: "pasted" }, texts.ticket.pasted),
      make("div", { class: "with-button" }, field, done),
    );
    details.open = wallet === null;
    ways.push(details);
    return ways;
  }

  private async sign(draft: Draft, wallet: Wallet): Promise<void> {
    const { order } = draft;
    const owner = await account(wallet);
    if (!same(owner, order.owner)) throw new WalletError(texts.ticket.otherAccount(owner, order.owner), null);
    if (!(await isOn(wallet, String(order.chain_id)))) {
      this.offerSwitch(wallet);
      return;
    }
    const signature = await ask(wallet, "eth_signTypedData_v4", [owner, JSON.stringify(typedData(order))]);
    await this.post(draft, String(signature));
  }

  /** A wallet on the wrong chain gets one button to switch. */
  private offerSwitch(wallet: Wallet): void {
    const { chainId = "", chain = "" } = document.body.dataset;
    const button = make("button", { type: "button", class: "quiet" }, texts.switchTo(chain));
    const note = make("div", { class: "warning", role: "alert" }, make("p", {}, texts.otherChain(chain)), button);
    button.addEventListener("click", () =>
      void busy(button, () =>
        this.guarded(async () => {
          await switchTo(wallet, chainId, chain);
          note.remove();
          part(this, "review")?.querySelector("button")?.focus();
        }),
      ),
    );
    part(this, "review")?.querySelector(".warning")?.remove();
    part(this, "review")?.append(note);
    button.focus();
  }

  private async paste(draft: Draft, signature: string): Promise<void> {
    if (!/^0x([0-9a-fA-F]{2})+$/.test(signature.trim())) throw new Error(texts.badSignature);
    await this.post(draft, signature.trim());
  }

  private async post({ order, price }: Draft, signature: string): Promise<void> {
    const posting = { order, signature, price, ...(this.lot === "" ? {} : { answers: this.lot }) };
    const posted = await post<Schemas["Posted"]>("/v1/orders", posting, this.key);
    location.assign(`/orders/${posted.id}`);
  }

  private async accept(): Promise<void> {
    const block = part(this, "terms");
    await post("/v1/terms", { version: block?.dataset["version"], sha256: block?.dataset["sha256"] });
    block?.remove();
    say(texts.ticket.accepted);
  }

  private async receive(): Promise<void> {
    const block = part(this, "documents");
    const sha256 = (block?.dataset["sha256"] ?? "").split(" ").filter((hash) => hash !== "");
    await post(`/v1/securities/${this.dataset["token"]}/documents`, { sha256 });
    block?.remove();
    say(texts.ticket.received);
  }
}

/** Why the board refused, with the restriction's number and when the registration ends. */
function refusal({ message, problem }: Refused): string {
  const { restriction, kyc_until: until } = problem as { restriction?: number; kyc_until?: string };
  if (restriction === undefined) return message;
  const why = problem.detail ?? message;
  const number = why.includes(`restriction ${restriction}`) ? "" : texts.ticket.restriction(restriction);
  const ends = until !== undefined && Date.parse(until) > Date.now() ? texts.ticket.kyc(until.slice(0, 10)) : "";
  return [sentence(why), number, ends, texts.ticket.transferAgent].filter((text) => text !== "").join(" ");
}

customElements.define("order-ticket", OrderTicket);

