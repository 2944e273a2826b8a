// Checks that an event is in a log: RFC 8785, SHA-256, RFC 6962. Makes no request.

import { fromHex, join, sha256, toHex, utf8 } from "./hash";
import { texts } from "./texts";

const FORMAT = "orderbook-inclusion-proof/1";
const HASH = /^0x[0-9a-f]{64}$/i;

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** A file that proves that an event is in a log. */
export interface Proof {
  chainId: number;
  contract: string;
  event: { [name: string]: Json };
  index: number;
  size: number;
  root: string;
  path: string[];
}

/** The result of a check. */
export interface Checked {
  proof: Proof;
  /** The root that the hashes lead to. */
  root: string;
  /** Why the proof does not hold, or empty. */
  wrong: string;
}

/** The canonical form of RFC 8785. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  // RFC 8785 sorts names by UTF-16 code units, which is how `<` compares them.
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, member]) => `${JSON.stringify(name)}:${canonical(member)}`).join(",")}}`;
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isHash = (value: unknown): value is string => typeof value === "string" && HASH.test(value);

/** Reads a proof file. */
export function read(text: string): Proof {
  let file: Record<string, Json>;
  try {
    file = JSON.parse(text) as Record<string, Json>;
  } catch {
    throw new Error(texts.proof.notJson);
  }
  const { format, chain_id: chainId, contract, event, leaf_index: index, tree_size: size, root, path } = file ?? {};
  if (format !== FORMAT) throw new Error(texts.proof.otherFormat(String(format ?? ""), FORMAT));
  const isObject = event !== null && typeof event === "object" && !Array.isArray(event);
  if (!isCount(chainId) || typeof contract !== "string" || !isObject || !isCount(index) || !isCount(size) || !isHash(root)) {
    throw new Error(texts.proof.malformed);
  }
  if (!Array.isArray(path) || !path.every(isHash)) throw new Error(texts.proof.malformed);
  return { chainId, contract, event: event as { [name: string]: Json }, index, size, root: root.toLowerCase(), path: path as string[] };
}

const node = (left: Uint8Array, right: Uint8Array): Promise<Uint8Array> => sha256(join(Uint8Array.of(1), left, right));

/** Follows the hashes of a proof to a root (RFC 9162, 2.1.3.2). */
export async function check(proof: Proof): Promise<Checked> {
  const entry = await sha256(utf8(canonical(proof.event)));
  let hash = await sha256(join(Uint8Array.of(0), entry));
  let wrong = "";
  if (proof.event["seq"] !== proof.index + 1) wrong = texts.proof.otherEvent(String(proof.event["seq"]), proof.index + 1);
  else if (proof.index >= proof.size) wrong = texts.proof.beyond;
  let at = BigInt(proof.index);
  let last = BigInt(proof.size) - 1n;
  for (const [number, text] of proof.path.entries()) {
    if (last <= 0n) {
      wrong ||= texts.proof.tooMany(number + 1, proof.path.length);
      break;
    }
    const sibling = fromHex(text);
    if (at % 2n === 1n || at === last) {
      hash = await node(sibling, hash);
      while (at % 2n === 0n && at !== 0n) {
        at >>= 1n;
        last >>= 1n;
      }
    } else {
      hash = await node(hash, sibling);
    }
    at >>= 1n;
    last >>= 1n;
  }
  if (last > 0n) wrong ||= texts.proof.tooFew(proof.path.length);
  const root = toHex(hash);
  if (root !== proof.root) wrong ||= texts.proof.otherRoot(root, proof.root);
  return { proof, root, wrong };
}
