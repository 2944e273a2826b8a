// Negative controls: builds the contracts with one rule removed at a time, in a separate folder, and prints after how many
// steps the stateful fuzz finds it, or whether the scenario for that rule fails. docs/mutation.md has the table.
//
//   node scripts/controls.mjs              every control of tests/tests/fuzz/controls.json
//   node scripts/controls.mjs NAME ...     only these
//
// FUZZ_SEED (1) and FUZZ_STEPS (9,999) are passed to the fuzz. Needs the tools of `make wasm`, and its output for the
// contracts that a control does not change. Fails if a control is not found.

import { execFileSync, spawn } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

const ROOT = process.cwd();
const OUT = join(ROOT, "target/controls");
const SOURCE = join(OUT, "source");
const SEED = process.env.FUZZ_SEED ?? "1";
const STEPS = process.env.FUZZ_STEPS ?? "9999";

// The model against the chain, and the parties against their commitments.
const tests = {
  "market": ["a_market_does_what_the_specification_predicts", /fails at step (\d+)/],
  "parties": ["nothing_that_the_parties_do_stops_a_committed_settlement", /stopped by act (\d+)/],
};

function fail(message) {
  console.error(`controls: ${message}`);
  process.exit(1);
}

const all = JSON.parse(readFileSync("tests/tests/fuzz/controls.json"));
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !all.some((control) => control.name === name));
if (unknown.length > 0) fail(`unknown control: ${unknown.join(", ")}; there are ${all.map(({ name }) => name).join(", ")}`);

// Copies the tracked files as they are now; what cargo built from them before is kept.
function copySources() {
  const files = execFileSync("git", ["ls-files", "-z"], { encoding: "utf8" }).split("\0").filter(Boolean);
  for (const file of files) {
    mkdirSync(join(SOURCE, dirname(file)), { recursive: true });
    cpSync(join(ROOT, file), join(SOURCE, file));
  }
}

function build({ name, contract, file, find, replace }) {
  const path = join(SOURCE, file);
  const whole = readFileSync(join(ROOT, file), "utf8");
  const parts = whole.split(find);
  if (parts.length !== 2) fail(`expected what ${name} replaces once in ${file}, found it ${parts.length - 1} times`);
  writeFileSync(path, parts.join(replace));
  execFileSync("node", ["scripts/contracts.mjs", contract], { cwd: SOURCE, stdio: ["ignore", "ignore", "inherit"] });
  writeFileSync(path, whole);
  const folder = join(OUT, name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const kind of ["code", "wasm"]) copyFileSync(join(SOURCE, "target/contracts", `${contract}.${kind}`), join(folder, `${contract}.${kind}`));
  return folder;
}

const start = (folder, program, test) =>
  spawn("cargo", ["test", "--locked", "--profile", "host", "--workspace", "--test", program, "--", "--exact", test, "--nocapture"], {
    cwd: ROOT, detached: true, stdio: ["ignore", "ignore", "pipe"],
    env: { ...process.env, ACCEPTANCE_CONTRACTS: folder, FUZZ_SEED: SEED, FUZZ_STEPS: STEPS },
  });

// The step at which a test finds the missing rule; does not wait for the test to look for fewer steps.
async function search(folder, [test, pattern]) {
  const run = start(folder, "fuzz", test);
  const ended = new Promise((resolve) => run.on("close", resolve));
  let said = "";
  for await (const line of createInterface({ input: run.stderr })) {
    said += `${line}\n`;
    const found = line.match(pattern);
    if (found) {
      process.kill(-run.pid);
      await ended;
      return Number(found[1]);
    }
  }
  if ((await ended) !== 0) fail(`${test} ends for another reason:\n${said}`);
  return undefined;
}

// Whether a scenario fails, in the test itself and not before it.
async function fails(folder, test) {
  const run = start(folder, "scenarios", test);
  let said = "";
  run.stderr.on("data", (text) => (said += text));
  const status = await new Promise((resolve) => run.on("close", resolve));
  if (status !== 0 && !said.includes("panicked at tests/tests/scenarios/") && !said.includes("panicked at tests/src/")) {
    fail(`${test} ends for another reason:\n${said}`);
  }
  return status !== 0;
}

copySources();
const missed = [];
const chosen = all.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
for (const control of chosen.filter(({ scenario }) => scenario)) {
  const found = await fails(build(control), control.scenario);
  console.log(`${control.scenario} ${found ? "fails" : "passes"} without ${control.without}`);
  if (!found) missed.push(control.name);
}
console.log(`| without | market | parties |\n| --- | --- | --- |`);
for (const control of chosen.filter(({ scenario }) => !scenario)) {
  const folder = build(control);
  const found = {};
  for (const [kind, test] of Object.entries(tests)) found[kind] = await search(folder, test);
  console.log(`| ${control.without} | ${found.market ?? "no"} | ${found.parties ?? "no"} |`);
  if (found.market === undefined && found.parties === undefined) missed.push(control.name);
}
if (missed.length > 0) fail(`not found: ${missed.join(", ")}`);
