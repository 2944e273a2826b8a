// The order as a wallet signs it: EIP-712, the contract's ten fields. Its id is computed here, from what stands on the page.

import { fromHex, join, keccak, toHex, utf8 } from "./hash";

/** As the API has it. */
export interface Order {
  chain_id: number;
  contract: string;
  owner: string;
  side: "bid" | "ask";
  security: string;
  payment: string;
  quantity: string;
  limit_total: string;
  expiry: string;
  epoch: number;
  counterparty: string;
  board_ref: string;
}

const FIELDS = [
  ["owner", "address"],
  ["side", "uint8"],
  ["security", "address"],
  ["payment", "address"],
  ["quantity", "uint256"],
  ["limitTotal", "uint256"],
  ["expiry", "uint64"],
  ["epoch", "uint64"],
  ["counterparty", "address"],
  ["boardRef", "bytes32"],
] as const;
export const DOMAIN = [
  ["name", "string"],
  ["version", "string"],
  ["chainId", "uint256"],
  ["verifyingContract", "address"],
] as const;
const NAME = "DvP Settlement";
const VERSION = "1";

export type Fields = readonly (readonly [string, string])[];

const typeString = (name: string, fields: Fields): string => `${name}(${fields.map(([field, type]) => `${type} ${field}`).join(",")})`;

/** Unix seconds of an instant. */
export const seconds = (instant: string): bigint => BigInt(Date.parse(instant)) / 1000n;

/** The order's members as the contract has them. */
function message(order: Order): Record<(typeof FIELDS)[number][0], string> {
  return {
    owner: order.owner,
    side: order.side === "bid" ? "0" : "1",
    security: order.security,
    payment: order.payment,
    quantity: order.quantity,
    limitTotal: order.limit_total,
    expiry: seconds(order.expiry).toString(),
    epoch: String(order.epoch),
    counterparty: order.counterparty,
    boardRef: order.board_ref,
  };
}

function word(type: string, value: string): Uint8Array {
  if (type === "string") return keccak(utf8(value));
  const digits = type.startsWith("uint") ? BigInt(value).toString(16) : value.slice(2);
  return fromHex(digits.padStart(64, "0"));
}

export const struct = (name: string, fields: Fields, values: Record<string, string>): Uint8Array =>
  keccak(join(keccak(utf8(typeString(name, fields))), ...fields.map(([field, type]) => word(type, values[field] ?? ""))));

/** The order's id: what is signed. */
export function idOf(order: Order): string {
  const domain = { name: NAME, version: VERSION, chainId: String(order.chain_id), verifyingContract: order.contract };
  const parts = [struct("EIP712Domain", DOMAIN, domain), struct("Order", FIELDS, message(order))];
  return toHex(keccak(join(Uint8Array.of(0x19, 0x01), ...parts)));
}

export const listed = (fields: Fields): { name: string; type: string }[] => fields.map(([name, type]) => ({ name, type }));

/** What `eth_signTypedData_v4`, cast, a Ledger or a Safe take. */
export function typedData(order: Order): object {
  return {
    types: { EIP712Domain: listed(DOMAIN), Order: listed(FIELDS) },
    primaryType: "Order",
    domain: { name: NAME, version: VERSION, chainId: order.chain_id, verifyingContract: order.contract },
    message: message(order),
  };
}
