// A market that runs: the demo's chain, book and board, served by the real binaries on loopback addresses.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { Wallet } from "ethers";
import { privateKeyToAccount } from "viem/accounts";

const binaries = process.env.BINARIES ?? fileURLToPath(new URL("../../target/host/", import.meta.url));

// Gives the board's URL, the node's, and the people's accounts by the names of their wallets.
export async function startMarket() {
  const orderbook = join(binaries, "orderbook");
  if (!existsSync(orderbook)) throw new Error(`${orderbook} is missing: run 'make build'`);
  const folder = mkdtempSync(join(tmpdir(), "pages-"));
  const market = join(folder, "market");
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("ORDERBOOK_")));
  const process_ = spawn(
    orderbook,
    ["demo", "--serve", "--listen", "127.0.0.1:0", "--folder", market, "--devnet", join(binaries, "devnet")],
    { stdio: ["ignore", "pipe", "pipe"], env: { ...env, NO_COLOR: "1", USER: "tester", COLUMNS: "200" } },
  );
  let said = "";
  process_.stderr.on("data", (text) => (said += text));
  const ended = once(process_, "exit").then(([code]) => Promise.reject(new Error(`orderbook ended with ${code}: ${said}`)));
  const url = await Promise.race([served(process_), ended]);
  ended.catch(() => {}); // from here on its end is what the tests want
  const profile = readFileSync(join(market, "orderbook.toml"), "utf8");
  const node = /^rpc_url = "([^"]+)"/m.exec(profile)[1];
  return { url, node, folder: market, people: accounts(market), stop: () => stop(process_, folder) };
}

// The URL that a process says it serves.
async function served(process_) {
  for await (const line of createInterface({ input: process_.stdout })) {
    const found = /http:\/\/localhost:\d+/.exec(line);
    if (found !== null) {
      process_.stdout.resume(); // whoever stops reading would stop the server
      return found[0];
    }
  }
  return new Promise(() => {});
}

// The demo's wallets: their password stands beside them, for they are worth nothing anywhere else.
function accounts(folder) {
  const password = readFileSync(join(folder, "password"), "utf8").split("\n")[0];
  // Somebody whom no registry has.
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

async function stop(process_, folder) {
  const gone = once(process_, "exit");
  process_.kill("SIGTERM");
  await gone;
  rmSync(folder, { recursive: true, force: true });
}
