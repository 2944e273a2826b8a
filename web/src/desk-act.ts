// What a person of the desk signs of a match: EIP-712, the seven members of `DeskAct`. Its digest is computed here, from what
// stands on the page.

import { fromHex, join, keccak, sha256, toHex, utf8 } from "./hash";
import { DOMAIN, type Fields, listed, seconds, struct } from "./order";

export type Act = "propose" | "approve" | "refuse";

/** As the API drafts it. */
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

const NAME = "Orderbook Desk";
const VERSION = "1";
const FIELDS: Fields = [
  ["act", "string"],
  ["subject", "bytes32"],
  ["bid", "bytes32"],
  ["ask", "bytes32"],
  ["total", "uint256"],
  ["reason", "bytes32"],
  ["time", "uint64"],
];

/** A match's id as it is signed: the UUID, then zeros. */
export const subjectOf = (id: string): string => `0x${id.replaceAll("-", "").padEnd(64, "0")}`;

/** The SHA-256 of the text beside an act. */
export const reasonOf = async (text: string): Promise<string> => toHex(await sha256(utf8(text)));

/** A UUID v7, drawn here: the time, then chance. */
export function drawn(now: number = Date.now()): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const time = now.toString(16).padStart(12, "0");
  const rest = toHex(bytes).slice(2 + 12);
  const digits = `${time}7${rest.slice(1, 4)}${((parseInt(rest[4] ?? "0", 16) & 3) | 8).toString(16)}${rest.slice(5)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

const message = (draft: Draft): Record<string, string> => ({
  act: draft.act,
  subject: draft.subject,
  bid: draft.bid,
  ask: draft.ask,
  total: draft.total,
  reason: draft.reason,
  time: seconds(draft.time).toString(),
});

/** The act's digest: what is signed. */
export function digestOf(draft: Draft): string {
  const domain = { name: NAME, version: VERSION, chainId: String(draft.chain_id), verifyingContract: draft.contract };
  const parts = [struct("EIP712Domain", DOMAIN, domain), struct("DeskAct", FIELDS, message(draft))];
  return toHex(keccak(join(fromHex("0x1901"), ...parts)));
}

/** What `eth_signTypedData_v4`, cast, a Ledger or a Safe take. */
export function typedAct(draft: Draft): object {
  return {
    types: { EIP712Domain: listed(DOMAIN), DeskAct: listed(FIELDS) },
    primaryType: "DeskAct",
    domain: { name: NAME, version: VERSION, chainId: draft.chain_id, verifyingContract: draft.contract },
    message: message(draft),
  };
}
