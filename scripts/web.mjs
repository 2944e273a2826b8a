// Bundles the script and the stylesheet of the board's pages: web/ becomes serve/assets.
//
//   node scripts/web.mjs            write serve/assets
//   node scripts/web.mjs --check    fail if they differ from what web/ makes
//
// Packages come from web/package-lock.json. The API's types are generated from docs/openapi.json and not committed.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const web = join(root, "web");
const assets = join(root, "serve", "assets");
const check = process.argv.includes("--check");

function fail(message) {
  console.error(`web: ${message}`);
  process.exit(1);
}

const run = (command, ...args) => execFileSync(command, args, { cwd: web, stdio: ["ignore", "inherit", "inherit"] });

// npm's record of what it installed is newer than the lock file when there is nothing to do.
const installed = join(web, "node_modules/.package-lock.json");
const lock = join(web, "package-lock.json");
if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) run("npm", "ci", "--silent", "--no-fund", "--no-audit");

const require = createRequire(join(web, "package.json"));
const { build } = require("esbuild");

// The API's types.
mkdirSync(join(web, "gen"), { recursive: true });
const tool = join(web, "node_modules/openapi-typescript/bin/cli.js");
execFileSync(process.execPath, [tool, join(root, "docs/openapi.json"), "-o", "gen/api.ts"], { cwd: web, stdio: "pipe" });
try {
  run(process.execPath, join(web, "node_modules/typescript/bin/tsc"), "--project", web);
} catch {
  fail("type check failed");
}

const { outputFiles } = await build({
  absWorkingDir: web,
  entryPoints: [{ in: "src/board.ts", out: "board" }, { in: "src/css/board.css", out: "board" }],
  outdir: assets,
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  charset: "utf8",
  legalComments: "none",
  write: false,
  logLevel: "warning",
});
for (const { path, contents } of outputFiles) {
  if (check) {
    const committed = existsSync(path) ? readFileSync(path) : Buffer.alloc(0);
    if (!committed.equals(Buffer.from(contents))) fail(`${path.slice(root.length + 1)} differs from what web/ makes: run 'node scripts/web.mjs'`);
  } else {
    writeFileSync(path, contents);
    console.log(path.slice(root.length + 1).padEnd(28), `${contents.length}`.padStart(8));
  }
}
