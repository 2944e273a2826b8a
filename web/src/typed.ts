// EIP-712: a kind of message, its digest, and its JSON for wallets.

import { fromHex, join, keccak, toHex, utf8 } from "./hash";

type Field = readonly [name: string, type: string];

/** A kind of message: its domain, its name and its fields. */
export interface Kind {
  domain: string;
  name: string;
  fields: readonly Field[];
}

/** A message of a kind, for a contract. */
export interface Typed {
  kind: Kind;
  chainId: number;
  contract: string;
  values: Record<string, string>;
}

const VERSION = "1";
const DOMAIN: readonly Field[] = [
  ["name", "string"],
  ["version", "string"],
  ["chainId", "uint256"],
  ["verifyingContract", "address"],
];

/** Unix seconds of an instant. */
export const seconds = (instant: string): bigint => BigInt(Date.parse(instant)) / 1000n;

const typeString = (name: string, fields: readonly Field[]): string => `${name}(${fields.map(([field, type]) => `${type} ${field}`).join(",")})`;

function word(type: string, value: string): Uint8Array {
  if (type === "string") return keccak(utf8(value));
  const digits = type.startsWith("uint") ? BigInt(value).toString(16) : value.slice(2);
  return fromHex(digits.padStart(64, "0"));
}

const struct = (name: string, fields: readonly Field[], values: Record<string, string>): Uint8Array =>
  keccak(join(keccak(utf8(typeString(name, fields))), ...fields.map(([field, type]) => word(type, values[field] ?? ""))));

/** The digest, which is signed. */
export function digest({ kind, chainId, contract, values }: Typed): string {
  const domain = { name: kind.domain, version: VERSION, chainId: String(chainId), verifyingContract: contract };
  const parts = [struct("EIP712Domain", DOMAIN, domain), struct(kind.name, kind.fields, values)];
  return toHex(keccak(join(Uint8Array.of(0x19, 0x01), ...parts)));
}

/** What `eth_signTypedData_v4`, cast, a Ledger or a Safe accepts. */
export function json({ kind, chainId, contract, values }: Typed): object {
  const listed = (fields: readonly Field[]): object[] => fields.map(([name, type]) => ({ name, type }));
  return {
    types: { EIP712Domain: listed(DOMAIN), [kind.name]: listed(kind.fields) },
    primaryType: kind.name,
    domain: { name: kind.domain, version: VERSION, chainId, verifyingContract: contract },
    message: values,
  };
}
