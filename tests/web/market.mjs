// A running market: the demo's chain, book and board, served by the real binaries on loopback addresses.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Wallet } from "ethers";
import { privateKeyToAccount } from "viem/accounts";

const binaries = process.env.BINARIES ?? fileURLToPath(new URL("../../target/host/", import.meta.url));
const orderbook = join(binaries, "orderbook");
const devnet = join(binaries, "devnet");

// Keeps the settings of whoever runs the tests out of them.
const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith("ORDERBOOK_"));
const env = { ...Object.fromEntries(inherited), NO_COLOR: "1", USER: "tester", COLUMNS: "200" };

// Returns the URLs of the board and the node, and the people's accounts by wallet name.
export async function startMarket() {
  const { folder, market, demo, url } = await startDemo();
  const node = nodeOf(market);
  const run = (line) => command(market, node, line);
  const stop = async () => {
    await end(demo);
    rmSync(folder, { recursive: true, force: true });
  };
  return { url, node, folder: market, people: accounts(market), run, stop };
}

// The same in two parts, the node and the server: each can be killed, and starts again on its port. Requests to the chain
// take `patience` seconds at most.
export async function startParts({ patience = 30 } = {}) {
  const { folder, market, demo } = await startDemo();
  await end(demo);
  const node = part(devnet, (port) => ["--port", port, "--json", "--state", join(market, "chain.state")], /"url": ?"([^"]+)"/);
  const at = ["--profile", market, "--timeout", String(patience)];
  const settings = (port) => ["serve", "--listen", `127.0.0.1:${port}`, "--watch", "--settle", ...at, "--rpc-url", node.url];
  const server = part(orderbook, settings, /"serving": ?"([^"]+)"/);
  await node.start();
  await server.start();
  const run = (line) => command(market, node.url, line);
  const stop = async () => {
    await server.kill();
    await node.kill();
    rmSync(folder, { recursive: true, force: true });
  };
  return { url: server.url, node: node.url, folder: market, people: accounts(market), run, stop, parts: { node, server } };
}

// The demo's process, once it is serving, and its folders.
async function startDemo() {
  if (!existsSync(orderbook)) throw new Error(`${orderbook} is missing: run 'make build'`);
  const folder = mkdtempSync(join(tmpdir(), "pages-"));
  const market = join(folder, "market");
  const demo = spawn(orderbook, ["demo", "--serve", "--listen", "127.0.0.1:0", "--folder", market, "--devnet", devnet], {
    stdio: ["ignore", "pipe", "pipe"],
    env,
  });
  const url = await said(demo, /http:\/\/localhost:\d+/);
  return { folder, market, demo, url };
}

// A process that can be killed and started again: first on a free port, then on the same one.
function part(program, options, place) {
  let child;
  const self = {
    url: undefined,
    async start() {
      const port = self.url === undefined ? "0" : new URL(self.url).port;
      child = spawn(program, options(port), { stdio: ["ignore", "pipe", "pipe"], env });
      self.url = (await said(child, place)).replace(/\/$/, "");
    },
    async kill() {
      await end(child, "SIGKILL");
    },
  };
  return self;
}

// The output of a process that matches a pattern, on either stream; both are read to their ends, as the process would
// otherwise block.
async function said(child, wanted) {
  let all = "";
  const heard = new Promise((done) => {
    for (const input of [child.stdout, child.stderr]) {
      createInterface({ input }).on("line", (line) => {
        if (all.length < 1e5) all += `${line}\n`;
        const found = wanted.exec(line);
        if (found !== null) done(found[1] ?? found[0]);
      });
    }
  });
  const ended = once(child, "exit").then(([code]) => Promise.reject(new Error(`${child.spawnfile} ended with ${code}: ${all}`)));
  ended.catch(() => {}); // once it has printed this, the tests end it
  return Promise.race([heard, ended]);
}

async function end(child, signal = "SIGTERM") {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill(signal);
  await gone;
}

// Runs a command beside the server, split at spaces; returns the data of its answer.
async function command(market, node, line) {
  const options = ["--json", "--profile", market, "--rpc-url", node];
  try {
    const { stdout } = await promisify(execFile)(orderbook, [...line.split(" "), ...options], { env });
    return JSON.parse(stdout).data;
  } catch (error) {
    throw new Error(`orderbook ${line}: ${error.stdout || error.message}`);
  }
}

// The node's URL from the profile.
function nodeOf(market) {
  const profile = readFileSync(join(market, "orderbook.toml"), "utf8");
  return /^rpc_url = "([^"]+)"/m.exec(profile)[1];
}

// The demo's wallets: their password is beside them, as they are worth nothing anywhere else.
function accounts(folder) {
  const password = readFileSync(join(folder, "password"), "utf8").split("\n")[0];
  // Somebody in no registry.
  const open = { stranger: privateKeyToAccount(`0x${"5e".repeat(32)}`) };
  for (const file of readdirSync(join(folder, "wallets"))) {
    const name = file.replace(/\.json$/, "");
    Object.defineProperty(open, name, {
      enumerable: true,
      configurable: true,
      get() {
        const wallet = Wallet.fromEncryptedJsonSync(readFileSync(join(folder, "wallets", file), "utf8"), password);
        const account = privateKeyToAccount(wallet.privateKey);
        Object.defineProperty(open, name, { value: account });
        return account;
      },
    });
  }
  return open;
}
