// Replaces what differs from run to run, so that a new picture changes only where the output did: ids and hashes become
// fixed ones of the same length, in order of appearance; days near today become days near 1 July 2026, and the time of day
// is fixed; ports become devnet's usual one. Standard input to standard output.
//
//   node scripts/steady.mjs NAMES < log      NAMES: a file that keeps the replacements for the next log

import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const file = process.argv[2];
const names = new Map(existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : []);
const substitute = (hex) => {
  const key = hex.slice(0, 8);
  if (!names.has(key)) names.set(key, createHash("sha256").update(`id ${names.size}`).digest("hex"));
  return names.get(key).repeat(3).slice(0, hex.length);
};
const DAY = 24 * 60 * 60 * 1000;
const day = (text) => {
  const distance = Math.round((Date.parse(text) - Date.parse(new Date().toISOString().slice(0, 10))) / DAY);
  return Math.abs(distance) > 100 ? text : new Date(Date.UTC(2026, 6, 1) + distance * DAY).toISOString().slice(0, 10);
};

process.stdout.write(
  readFileSync(0, "utf8")
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}([0-9a-f]{8})\b/g, (_, end) => {
      const hex = substitute(end.padEnd(64, "0"));
      return `0197c3a0-${hex.slice(8, 12)}-7${hex.slice(12, 15)}-8${hex.slice(15, 18)}-${hex.slice(18, 22)}${hex.slice(0, 8)}`;
    })
    .replace(/(?<=…|match approve )[0-9a-f]{8}\b/g, substitute)
    .replace(/\b0x([0-9a-f]{64}|[0-9a-f]{12}(?![0-9a-fA-F])|[0-9a-f]{8}(?=…))/g, (_, hex) => `0x${substitute(hex)}`)
    .replace(/(?<![0-9a-fx])[0-9a-f]{64}\b/g, substitute)
    .replace(/\b0x([0-9a-f]{130}|[0-9a-f]{10}(?=…))/g, (_, hex) => `0x${substitute(hex)}`)
    .replace(/(?<=recovers to 0x)[0-9a-fA-F]{40}/, (hex) => substitute(hex.toLowerCase()))
    .replace(/\b[0-9a-f]{8}-[0-9a-f]{3}(?=…)/g, "0197c3a0-327")
    .replace(/\b(20\d\d-\d\d-\d\d)T\d\d:\d\d:\d\d(\.\d+)?Z/g, (_, date) => `${day(date)}T09:30:00Z`)
    .replace(/\b20\d\d-\d\d-\d\d\b/g, day)
    .replace(/\b\d\d:\d\d:\d\d\b/g, "09:30:00")
    .replace(/127\.0\.0\.1:\d+/g, "127.0.0.1:8547")
    .replace(/Done in [0-9.]+ s/g, "Done in 2 s"),
);
writeFileSync(file, JSON.stringify([...names]));
