// Starts an embedded chain for one test, on a free port; it stops when the test ends.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const binary = process.env.DEVNET ?? fileURLToPath(new URL("../../target/host/devnet", import.meta.url));

// `t` is the context of a node:test; `options` are devnet's. Returns url, wsUrl, chainId, accounts and keys.
export async function startDevnet(t, ...options) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: run 'make build'`);
  const node = spawn(binary, ["--port", "0", "--json", ...options], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => node.kill());
  const ended = once(node, "exit").then(([code]) => Promise.reject(new Error(`devnet ended with ${code}`)));
  const [line] = await Promise.race([once(createInterface({ input: node.stdout }), "line"), ended]);
  ended.catch(() => {}); // from here on the test ends it
  return JSON.parse(line);
}
