// Builds the contracts exactly as `cargo stylus` would deploy them, and measures them.
//
//   node scripts/contracts.mjs            build and print the sizes
//   node scripts/contracts.mjs --check    also fail when they differ from the snapshot
//   node scripts/contracts.mjs --update   also write the snapshot
//
// target/contracts/NAME.code is what stands on chain (0xEFF00000 and the compressed module), NAME.wasm the module in it.

import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";

const CODE_LIMIT = 24_576; // EIP-170, which Nitro applies to the compressed program
const PRELUDE = 43; // the initcode in front of the code, see cargo stylus' DeploymentCalldata
const PREFIX = Buffer.from("eff00000", "hex");
const HASH_SECTION = "project_hash";
const OUT = "target/contracts";

const contracts = ["settlement", "erc1404-token", "tsusdc"];
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

// Debian builds the same compiler version with another LLVM, so its output has snapshots of its own.
const snapshots = compiler.includes("built from a source tarball") ? "snapshots/debian" : "snapshots";

// Everything that the bytes depend on; when it is unchanged there is nothing to build.
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

// Start, content and end of the module's project hash, the only part that depends on where the sources lie.
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
  return fail("cargo stylus put no project hash into the module");
}

const compress = (wasm) =>
  brotliCompressSync(wasm, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 22 } });

// Sizes with the project hash replaced by a constant, so that they do not depend on the checkout's folder.
function measure(raw, wasm) {
  const { start, content, end } = hashSection(wasm);
  const stable = Buffer.from(wasm);
  createHash("sha256").update(HASH_SECTION).digest().copy(stable, content);
  return { wasm: raw.length, optimised: wasm.length - (end - start), compressed: PREFIX.length + compress(stable).length };
}

function build(name) {
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
    cwd: folder(name), encoding: "utf8", maxBuffer: 1 << 28, env: { ...process.env, CARGO_TERM_COLOR: "never" },
  });
  const hex = existsSync(initcode) ? readFileSync(initcode, "utf8") : "";
  rmSync(initcode, { force: true });
  if (run.status !== 0 || hex === "") fail(`cargo stylus could not build ${name}:\n${run.stdout}${run.stderr}`);

  const code = Buffer.from(hex, "hex").subarray(PRELUDE);
  if (!code.subarray(0, 4).equals(PREFIX)) fail(`the code of ${name} does not begin with 0x${PREFIX.toString("hex")}`);
  const wasm = brotliDecompressSync(code.subarray(4));
  const raw = readFileSync(join("target/wasm32-unknown-unknown/release/deps", `${name.replaceAll("-", "_")}.wasm`));
  const sizes = measure(raw, wasm);
  writeFileSync(join(OUT, `${name}.code`), code);
  writeFileSync(join(OUT, `${name}.wasm`), wasm);
  writeFileSync(built, JSON.stringify({ inputs, sizes }));
  return sizes;
}

mkdirSync(OUT, { recursive: true });
const sizes = Object.fromEntries([...contracts, ...references].map((name) => [name, build(name)]));

console.log("contract".padEnd(20), "wasm".padStart(8), "optimised".padStart(10), "compressed".padStart(11), "left".padStart(8));
for (const [name, size] of Object.entries(sizes)) {
  const left = CODE_LIMIT - size.compressed;
  console.log(name.padEnd(20), `${size.wasm}`.padStart(8), `${size.optimised}`.padStart(10), `${size.compressed}`.padStart(11), `${left}`.padStart(8));
  if (left < 0) fail(`${name} is ${-left} bytes over the limit of ${CODE_LIMIT}`);
}

const path = join(snapshots, "size.json");
const text = `${JSON.stringify(sizes, null, 2)}\n`;
if (process.argv.includes("--update")) {
  mkdirSync(snapshots, { recursive: true });
  writeFileSync(path, text);
} else if (process.argv.includes("--check")) {
  const committed = existsSync(path) ? readFileSync(path, "utf8") : "";
  if (committed !== text) fail(`${path} differs from what was built; run 'make snapshots' and commit it.\ncommitted: ${committed}\nbuilt: ${text}`);
}
