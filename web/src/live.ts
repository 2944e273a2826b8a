// Parts of a page that change by themselves. The server draws them; here the page is fetched again, and the parts that differ
// are replaced. A document that is fetched this way runs no script and turns no text into markup.

import { isLeaving, leave } from "./leave";
import { say, sentence, warn } from "./say";
import { texts } from "./texts";

/** The page as the server draws it now: a document, "ended" if the session is over, "gone" if this wallet may not see it,
 * "silent" if nothing answers. */
function fetched(): Promise<Document | "ended" | "gone" | "silent"> {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.setRequestHeader("Accept", "text/html");
    request.onload = () => {
      if (request.status === 429 || request.status >= 500) return done("silent");
      // Without a session, every page leads to the start page.
      if (new URL(request.responseURL).pathname !== location.pathname) return done("ended");
      done(request.status === 200 && request.responseXML !== null ? request.responseXML : "gone");
    };
    request.onerror = () => done("silent");
    request.send();
  });
}

const isHeld = (element: Element): boolean => element.contains(document.activeElement) && document.activeElement !== document.body;

/** Each part as the server drew it: what has happened to it since is not the server's change. */
const drawn = new WeakMap<Element, string>();
for (const part of document.querySelectorAll("[data-live]")) drawn.set(part, part.outerHTML);

/** Whether an act is under way in this part. */
const isInUse = (part: Element): boolean => part.matches('[data-sure], [aria-busy="true"]') || part.querySelector('[data-sure], [aria-busy="true"]') !== null;

/** Puts the changed parts in place; the one with the focus keeps it if it can. */
function replace(fresh: Document, own: boolean): void {
  for (const part of fresh.querySelectorAll<HTMLElement>("[data-live]")) {
    const name = part.dataset["live"] ?? "";
    const old = document.querySelector<HTMLElement>(`[data-live="${CSS.escape(name)}"]`);
    const html = part.outerHTML;
    if (old === null || drawn.get(old) === html || (!own && isInUse(old))) continue;
    drawn.set(part, html);
    const focused = isHeld(old) ? document.activeElement : null;
    const mark = focused?.getAttribute("data-lot") ?? focused?.getAttribute("href") ?? focused?.id ?? "";
    old.replaceWith(document.adoptNode(part));
    part.classList.add("changed");
    if (focused !== null) {
      const again = [...part.querySelectorAll<HTMLElement>("a, button, input, [tabindex]")].find(
        (element) => [element.dataset["lot"], element.getAttribute("href"), element.id].includes(mark) && mark !== "",
      );
      (again ?? document.getElementById("main"))?.focus({ preventScroll: true });
    }
  }
}

/** Why this wallet can no longer see something. */
let why = "";
/** Whether the page says that it is not up to date. */
let isWarned = false;
/** Whether nothing answered when the page was fetched last. */
let isSilent = false;

/** Says why the page stays as it is; without words that warning ends. */
function stay(words: string): void {
  if (isWarned || words !== "") warn(words);
  isWarned = words !== "";
}

/** Whether the page could not be fetched, or shows figures from before the node went away. Nothing else may happen when it
 * comes back, so each tick draws such a page again. */
const isBehind = (): boolean => isSilent || document.querySelector("[data-away]") !== null;

/** Redraws the page's parts; after this page's own act, also those in use. If a part is new or gone, the page reloads. A page
 * that cannot be fetched stays as it is, with what was typed into it, and says so. */
export async function refresh(own = false): Promise<void> {
  const fresh = await fetched();
  if (isLeaving()) return;
  if (fresh === "ended") return leave(texts.live.ended);
  isSilent = fresh === "silent";
  if (fresh === "silent") return stay(texts.live.notDrawn);
  if (fresh === "gone") return stay(why || texts.live.gone);
  stay("");
  const names = (within: Document): string => [...within.querySelectorAll<HTMLElement>("[data-live]")].map((part) => part.dataset["live"]).join(" ");
  if (names(fresh) !== names(document) && !document.querySelector("input:focus, textarea:focus") && (own || !isInUse(document.body))) return location.reload();
  replace(fresh, own);
}

/** The longest silence before the stream counts as lost, and how often it is checked, milliseconds. */
const SILENCE = 25_000;
const LOOK_EACH = 1_000;
/** Changes within this time are drawn together. */
const TOGETHER = 300;
/** Waits before the stream is opened again: twice as long each time, each shortened at random by up to half. */
const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;
/** Events that change something on a page. */
const CHANGES = ["snapshot", "lot", "order", "match", "settlement", "head", "fill", "end"];
const KINDS = [...CHANGES, "tick"];

interface Heard {
  kind: string;
  /** Why the stream ends. */
  why: string;
}

/** Why a stream ended, if it is about what a wallet may hold. */
function whyOf(data: string): string {
  const { detail, restriction } = JSON.parse(data) as { detail?: string; restriction?: number };
  return detail === undefined || restriction === undefined ? "" : sentence(detail);
}

/** One tab of a browser holds the stream and hands what it hears to the others. */
class Live {
  private readonly channel = new BroadcastChannel("board");
  private heardAt = Date.now();
  private lost = false;
  private drawing: number | undefined;
  private wait = FIRST_WAIT;

  begin(): void {
    this.channel.addEventListener("message", ({ data }: MessageEvent<Heard>) => this.hear(data));
    setInterval(() => this.look(), LOOK_EACH);
    // Held until this tab is closed: then the next one gets it.
    void navigator.locks.request("board-stream", () => new Promise<never>(() => this.open()));
  }

  private open(): void {
    const stream = new EventSource("/v1/stream");
    for (const kind of KINDS) {
      stream.addEventListener(kind, ({ data }: MessageEvent<string>) => {
        this.wait = FIRST_WAIT;
        const heard = { kind, why: kind === "end" ? whyOf(data) : "" };
        this.channel.postMessage(heard);
        this.hear(heard);
      });
    }
    stream.addEventListener("error", () => {
      stream.close();
      void ended();
      setTimeout(() => this.open(), this.wait * (0.5 + Math.random() / 2));
      this.wait = Math.min(2 * this.wait, LONGEST_WAIT);
    });
  }

  private hear(heard: Heard): void {
    this.heardAt = Date.now();
    why = heard.why || why;
    if (this.lost) {
      this.lost = false;
      warn("");
      say(texts.live.again);
    }
    if (this.drawing !== undefined || !(CHANGES.includes(heard.kind) || isBehind())) return;
    this.drawing = window.setTimeout(() => {
      this.drawing = undefined;
      void refresh();
    }, TOGETHER);
  }

  private look(): void {
    if (this.lost || Date.now() - this.heardAt <= SILENCE) return;
    this.lost = true;
    warn(texts.live.lost(new Date(this.heardAt).toTimeString().slice(0, 8)));
  }
}

/** Leaves if the stream ended because the session did; the next page says so. */
async function ended(): Promise<void> {
  const response = await fetch("/v1/session", { cache: "no-store" }).catch(() => null);
  if (response?.status === 401) await leave(texts.live.ended);
}

if (document.body.dataset["wallet"] !== undefined && document.querySelector("[data-live]") !== null) new Live().begin();
