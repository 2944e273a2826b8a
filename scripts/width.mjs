// Fails if a line of the docs is wider than 120 columns, and names it.
//
//   node scripts/width.mjs

import { readFileSync, readdirSync } from "node:fs";

const WIDEST = 120;
const root = new URL("..", import.meta.url);
const docs = readdirSync(new URL("docs", root)).filter((name) => name.endsWith(".md"));
const interfaces = readdirSync(new URL("docs/interfaces", root)).filter((name) => name.endsWith(".sol"));
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "SECURITY.md",
  ...docs.map((name) => `docs/${name}`),
  ...interfaces.map((name) => `docs/interfaces/${name}`),
];

const wide = pages.flatMap((page) => {
  const lines = readFileSync(new URL(page, root), "utf8").split("\n");
  // Characters, not bytes.
  return lines.flatMap((line, index) => {
    const columns = [...line].length;
    return columns > WIDEST ? [`  ${page}:${index + 1} has ${columns}`] : [];
  });
});
if (wide.length > 0) {
  console.error(`error: expected lines of at most ${WIDEST} columns: break these, or shorten a table's cells`);
  console.error(wide.join("\n"));
  process.exitCode = 1;
}
