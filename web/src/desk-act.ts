// What a person at the desk signs about a match: the seven members of `DeskAct`. Its digest is computed here, from what is on
// the page.

import { sha256, toHex, utf8 } from "./hash";
import { type Kind, type Typed, digest, json, seconds } from "./typed";

export type Act = "propose" | "approve" | "refuse";

/** The draft from the API. */
export interface Draft {
  id: string;
  chain_id: number;
  contract: string;
  act: string;
  subject: string;
  bid: string;
  ask: string;
  total: string;
  reason: string;
  time: string;
}

const KIND: Kind = {
  domain: "Orderbook Desk",
  name: "DeskAct",
  fields: [
    ["act", "string"],
    ["subject", "bytes32"],
    ["bid", "bytes32"],
    ["ask", "bytes32"],
    ["total", "uint256"],
    ["reason", "bytes32"],
    ["time", "uint64"],
  ],
};

/** A match's id as signed: the UUID, then zeros. */
export const subjectOf = (id: string): string => `0x${id.replaceAll("-", "").padEnd(64, "0")}`;

/** The SHA-256 of the text beside an act. */
export const reasonOf = async (text: string): Promise<string> => toHex(await sha256(utf8(text)));

/** A new UUID v7: the time, then random bits. */
export function drawn(now: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = now.toString(16).padStart(12, "0");
  const rest = toHex(bytes).slice(2 + 12);
  const digits = `${time}7${rest.slice(1, 4)}${((parseInt(rest[4] ?? "0", 16) & 3) | 8).toString(16)}${rest.slice(5)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const typed = (draft: Draft): Typed => ({
  kind: KIND,
  chainId: draft.chain_id,
  contract: draft.contract,
  values: {
    act: draft.act,
    subject: draft.subject,
    bid: draft.bid,
    ask: draft.ask,
    total: draft.total,
    reason: draft.reason,
    time: seconds(draft.time).toString(),
  },
});

/** The act's digest, which is signed. */
export const digestOf = (draft: Draft): string => digest(typed(draft));

/** The act as wallets accept it. */
export const typedAct = (draft: Draft): object => json(typed(draft));
