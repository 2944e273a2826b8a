// Builds the contracts exactly as `cargo stylus` would deploy them, and measures them.
//
//   node scripts/contracts.mjs            build and print the sizes
//   node scripts/contracts.mjs --check    also fail when sizes or modules differ from the snapshots
//   node scripts/contracts.mjs --update   also write the snapshots
//   node scripts/contracts.mjs NAME ...   only these, without snapshots
//
// target/contracts/NAME.code is 0xEFF00000 and the compressed module; NAME.wasm is that module. Up to 24,576 bytes, that is
// what is on chain; a larger contract is deployed in fragments, which the deployer makes from the same file.
// snapshots/code/NAME.code is what `orderbook` deploys: built by rustup's compiler, in any folder. Modules are compared without
// the project hash, which covers the absolute path of every source.

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { dirname, join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

const CODE_LIMIT = 24_576; // EIP-170; Nitro applies it to each account of a program
const FRAGMENTS = 2; // what Nitro allows a program from ArbOS 60 on, unless the chain's owner sets another limit
const FRAGMENT_PREFIX = Buffer.from("eff001", "hex");
const ROOT_PREFIX = Buffer.from("eff00200", "hex");
const PRELUDE = 43; // the initcode in front of the code, see cargo stylus' DeploymentCalldata
const PREFIX = Buffer.from("eff00000", "hex");
const HASH_SECTION = "project_hash";
const OUT = "target/contracts";

const contracts = ["settlement", "erc1404-token", "tsusdc", "distribution", "documents"];
const references = existsSync("tests/contracts")
  ? readdirSync("tests/contracts").filter((name) => existsSync(join("tests/contracts", name, "Stylus.toml"))).sort()
  : [];
const folder = (name) => (contracts.includes(name) ? name : join("tests/contracts", name));

function fail(message) {
  console.error(`contracts: ${message}`);
  process.exit(1);
}

function filesBelow(path) {
  if (!existsSync(path)) return [];
  if (statSync(path).isFile()) return [path];
  return readdirSync(path).sort().flatMap((entry) => (entry === "target" ? [] : filesBelow(join(path, entry))));
}

const compiler = execFileSync("rustc", ["-vV"], { encoding: "utf8" });

// Debian builds the same compiler version with a different LLVM: its output has its own snapshots, with hashes in place of code.
const debian = compiler.includes("built from a source tarball");
const snapshots = debian ? "snapshots/debian" : "snapshots";

// A contract that links the standard library contains source paths for its panics. Those of other crates are mapped to one
// name, wherever cargo keeps them. The flags from the target's configuration are repeated, because the environment variable
// replaces them.
function flags() {
  const listing = execFileSync("cargo", ["metadata", "--locked", "--format-version", "1"], {
    encoding: "utf8", maxBuffer: 1 << 28, stdio: ["ignore", "pipe", "inherit"],
  });
  const outside = JSON.parse(listing).packages.filter(({ source }) => source?.startsWith("registry+"));
  const folders = new Set(outside.map(({ manifest_path }) => dirname(dirname(manifest_path))));
  const [, own] = /^rustflags = (\[.*\])$/m.exec(readFileSync(".cargo/config.toml", "utf8")) ?? fail("the target has no flags");
  return [...JSON.parse(own), ...[...folders].map((folder) => `--remap-path-prefix=${folder}=crates`)].join(" ");
}

// The environment of a build.
let surroundings;
const environment = () =>
  (surroundings ??= { ...process.env, CARGO_TERM_COLOR: "never", CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS: flags() });

// A hash of everything the bytes depend on: if it is unchanged, there is nothing to build.
function fingerprint(name) {
  const inputs = ["Cargo.toml", "Cargo.lock", "Stylus.toml", "rust-toolchain.toml", ".cargo/config.toml", "scripts/contracts.mjs"]
    .concat(filesBelow("authority"), filesBelow("runtime"), filesBelow(folder(name)))
    .filter((path) => /\.(rs|toml|lock|mjs)$/.test(path));
  const hash = createHash("sha256").update(compiler).update(process.cwd());
  for (const path of inputs) hash.update(path).update(readFileSync(path));
  return hash.digest("hex");
}

function uleb(bytes, at) {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = bytes[at++];
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return [value, at];
  }
}

// Start, content and end of the module's project hash, the only part that depends on where the sources are.
function hashSection(wasm) {
  for (let at = 8; at < wasm.length; ) {
    const start = at;
    const [size, content] = uleb(wasm, at + 1);
    const end = content + size;
    if (wasm[start] === 0) {
      const [length, name] = uleb(wasm, content);
      if (wasm.toString("latin1", name, name + length) === HASH_SECTION) return { start, content: name + length, end };
    }
    at = end;
  }
  return fail("the module has no project hash from cargo stylus");
}

const compress = (wasm) =>
  brotliCompressSync(wasm, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 } });

// The module with a constant in place of the project hash, so that it does not depend on the checkout's folder.
function neutral(wasm) {
  const { content } = hashSection(wasm);
  const module = Buffer.from(wasm);
  createHash("sha256").update(HASH_SECTION).digest().copy(module, content);
  return module;
}

function measure(raw, wasm) {
  const { start, end } = hashSection(wasm);
  const compressed = PREFIX.length + compress(neutral(wasm)).length;
  return { wasm: raw.length, optimised: wasm.length - (end - start), compressed };
}

const moduleIn = (code) => brotliDecompressSync(code.subarray(PREFIX.length));

// The code of a contract that `get-initcode` refuses because it needs fragments: `check` sends them to its node, as the
// accounts of an `eth_call`.
async function codeOfFragments(name) {
  let accounts;
  const node = createServer(async (request, response) => {
    const body = [];
    for await (const part of request) body.push(part);
    const { id, method, params } = JSON.parse(Buffer.concat(body));
    if (method === "eth_call") accounts ??= params.find((param) => Object.values(param ?? {}).some((account) => account?.code));
    const result = method === "eth_call" ? `0x${"0".repeat(128)}` : "0x1";
    response.setHeader("content-type", "application/json").end(JSON.stringify({ jsonrpc: "2.0", id, result }));
  });
  await new Promise((listening) => node.listen(0, "127.0.0.1", listening));
  const check = spawn("cargo", ["stylus", "check", "--endpoint", `http://127.0.0.1:${node.address().port}`], {
    cwd: folder(name), env: environment(), stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [check.stdout, check.stderr]) stream.on("data", (text) => (said += text));
  const status = await new Promise((ended) => check.on("close", ended));
  node.close();
  node.closeAllConnections();
  if (status !== 0 || accounts === undefined) fail(`cargo stylus could not build ${name}:\n${said}`);

  const codes = Object.entries(accounts).filter(([, { code }]) => code).map(([address, { code }]) => [address.toLowerCase(), Buffer.from(code.slice(2), "hex")]);
  const root = codes.find(([, code]) => code.subarray(0, 4).equals(ROOT_PREFIX))?.[1] ?? fail(`${name} has no root`);
  const parts = root.subarray(8).toString("hex").match(/.{40}/g).map((address) => {
    const fragment = new Map(codes).get(`0x${address}`);
    return fragment.subarray(0, 3).equals(FRAGMENT_PREFIX) ? fragment.subarray(3) : fail(`${name} has an invalid fragment`);
  });
  const code = Buffer.concat([PREFIX, ...parts]);
  if (moduleIn(code).length !== root.readUInt32BE(4)) fail(`the root of ${name} names a length that its module does not have`);
  return code;
}

// How many fragments a program takes up on chain.
const fragmentsOf = (compressed) =>
  compressed <= CODE_LIMIT ? 1 : Math.ceil((compressed - PREFIX.length) / (CODE_LIMIT - FRAGMENT_PREFIX.length));

async function build(name) {
  const built = join(OUT, `${name}.json`);
  const inputs = fingerprint(name);
  if (existsSync(built) && existsSync(join(OUT, `${name}.code`))) {
    const known = JSON.parse(readFileSync(built));
    if (known.inputs === inputs) return known.sizes;
  }
  console.error(`contracts: building ${name}`);
  const initcode = join(process.cwd(), OUT, `${name}.initcode`);
  rmSync(initcode, { force: true });
  const run = spawnSync("cargo", ["stylus", "get-initcode", "--output", initcode], {
    cwd: folder(name), encoding: "utf8", maxBuffer: 1 << 28, env: environment(),
  });
  const hex = existsSync(initcode) ? readFileSync(initcode, "utf8") : "";
  rmSync(initcode, { force: true });
  const isLarge = run.stderr.includes("fragmented contracts not currently supported");
  if (!isLarge && (run.status !== 0 || hex === "")) fail(`cargo stylus could not build ${name}:\n${run.stdout}${run.stderr}`);

  const home = process.env.CARGO_HOME ?? join(process.env.HOME ?? "", ".cargo");
  const code = isLarge ? await codeOfFragments(name) : Buffer.from(hex, "hex").subarray(PRELUDE);
  if (!code.subarray(0, 4).equals(PREFIX)) fail(`the code of ${name} does not begin with 0x${PREFIX.toString("hex")}`);
  const wasm = moduleIn(code);
  for (const path of [home, process.cwd()]) if (wasm.includes(path)) fail(`the module of ${name} contains a path of this machine: ${path}`);
  const raw = readFileSync(join("target/wasm32-unknown-unknown/release/deps", `${name.replaceAll("-", "_")}.wasm`));
  const sizes = measure(raw, wasm);
  writeFileSync(join(OUT, `${name}.code`), code);
  writeFileSync(join(OUT, `${name}.wasm`), wasm);
  writeFileSync(built, JSON.stringify({ inputs, sizes }));
  return sizes;
}

mkdirSync(OUT, { recursive: true });
const named = process.argv.slice(2).filter((argument) => !argument.startsWith("--"));
const unknown = named.filter((name) => ![...contracts, ...references].includes(name));
if (named.length > 0 && process.argv.slice(2).length > named.length) fail("snapshots cover all contracts: give names or an option, not both");
if (unknown.length > 0) fail(`unknown contract: ${unknown.join(", ")}`);
const sizes = {};
for (const name of named.length > 0 ? named : [...contracts, ...references]) sizes[name] = await build(name);

console.log("contract".padEnd(20), "wasm".padStart(8), "optimised".padStart(10), "compressed".padStart(11), "fragments".padStart(10));
for (const [name, size] of Object.entries(sizes)) {
  const fragments = fragmentsOf(size.compressed);
  console.log(name.padEnd(20), `${size.wasm}`.padStart(8), `${size.optimised}`.padStart(10), `${size.compressed}`.padStart(11), `${fragments}`.padStart(10));
  if (fragments > FRAGMENTS) fail(`${name} needs ${fragments} fragments, but a chain allows ${FRAGMENTS}`);
}
if (named.length > 0) process.exit();

const update = process.argv.includes("--update");
const check = process.argv.includes("--check");
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

// Writes what was built into the snapshot, or compares it with the snapshot.
function compare(path, text) {
  if (update) {
    mkdirSync(snapshots, { recursive: true });
    writeFileSync(path, text);
  } else if (check) {
    const committed = existsSync(path) ? readFileSync(path, "utf8") : "";
    if (committed !== text) fail(`${path} differs from what was built: run 'make snapshots'.\ncommitted: ${committed}\nbuilt: ${text}`);
  }
}

// The code that `orderbook` carries must be this module, whatever folder it was built in.
function compareCode(name) {
  const path = join(snapshots, "code", `${name}.code`);
  const code = readFileSync(join(OUT, `${name}.code`));
  const same = existsSync(path) && neutral(moduleIn(readFileSync(path))).equals(neutral(moduleIn(code)));
  if (update && !same) {
    mkdirSync(join(snapshots, "code"), { recursive: true });
    writeFileSync(path, code);
  } else if (check && !same) {
    fail(`${path} is not the module of ${name} as built here: run 'make snapshots'`);
  }
}

compare(join(snapshots, "size.json"), json(sizes));
if (debian) {
  const hash = (name) => createHash("sha256").update(neutral(readFileSync(join(OUT, `${name}.wasm`)))).digest("hex");
  compare(join(snapshots, "modules.json"), json(Object.fromEntries(contracts.map((name) => [name, hash(name)]))));
  if (update) console.error("contracts: snapshots/code comes from rustup's compiler: also run 'make snapshots' with that");
} else {
  contracts.forEach(compareCode);
}
