// Amounts in base units: whole numbers, never floating point.

const GROUPS = /\B(?=(\d{3})+$)/g;

/** Decimal places of the settlement coin. */
export const COIN = 6;
/** Decimal places of a price. */
const PRICE = 18;

/** Reads a decimal with optional grouping; null if it is not one or has too many places. */
export function parse(text: string, decimals: number): bigint | null {
  const plain = text.trim().replace(/^\$/, "");
  const match = /^(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d*))?$/.exec(plain);
  if (match === null) return null;
  const fraction = (match[2] ?? "").replace(/0+$/, "");
  if (fraction.length > decimals) return null;
  return BigInt((match[1] ?? "").replaceAll(",", "") + fraction.padEnd(decimals, "0"));
}

/** A decimal without grouping, with no more places than it needs and at least `least`. */
export function plain(value: bigint, decimals: number, least = 0): string {
  const digits = value.toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "").padEnd(least, "0");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** The same, with grouping. */
export function shown(value: bigint, decimals: number, least = 0): string {
  const [whole = "0", fraction] = plain(value, decimals, least).split(".");
  const grouped = whole.replace(GROUPS, ",");
  return fraction === undefined ? grouped : `${grouped}.${fraction}`;
}

/** Dollars with cents. */
export const dollars = (value: bigint): string => `$${shown(value, COIN, 2)}`;

const gcd = (one: bigint, other: bigint): bigint => (other === 0n ? one : gcd(other, one % other));

/** What a quantity costs at a price, or the nearest prices at which it costs a whole number of the coin's base units. */
export type Total = { total: bigint } | { below: string | null; above: string };

/** A price as text, with cents at least. */
const written = (scaled: bigint): string => plain(scaled, PRICE, 2);

export function total(price: bigint, quantity: bigint, decimals: number): Total {
  const unit = 10n ** BigInt(PRICE - COIN + decimals);
  const product = price * quantity;
  if (product % unit === 0n) return { total: product / unit };
  const step = unit / gcd(quantity, unit);
  const below = (price / step) * step;
  return { below: below === 0n ? null : written(below), above: written(below + step) };
}

export const parsePrice = (text: string): bigint | null => parse(text, PRICE);
export const plainPrice = written;
