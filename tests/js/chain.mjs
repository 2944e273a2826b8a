// The embedded chain, and deployment of the compiled contracts on it, for the tests in this folder.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliDecompressSync } from "node:zlib";
import {
  concat, createPublicClient, createWalletClient, decodeEventLog, defineChain, encodeAbiParameters, http, parseAbi,
  toFunctionSelector, toHex, zeroHash,
} from "viem";
import { privateKeyToAccount } from "viem/accounts";
import { startDevnet } from "./devnet.mjs";

const root = fileURLToPath(new URL("../../", import.meta.url));
export const abi = (name) => JSON.parse(readFileSync(`${root}docs/interfaces/${name}.json`, "utf8"));

const DEPLOYER = "0xcEcba2F1DC234f70Dd89F2041029807F8D03A990";
const deployerAbi = parseAbi([
  "event ContractDeployed(address deployedContract)",
  "function deploy(bytes bytecode, bytes initData, uint256 initValue, bytes32 salt) payable returns (address)",
]);

// Starts a chain for one test, with viem clients for it.
export async function startChain(t) {
  const { url, wsUrl, chainId, keys } = await startDevnet(t);
  const chain = defineChain({
    id: chainId, name: "devnet", nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 }, rpcUrls: { default: { http: [url] } },
  });
  const reader = createPublicClient({ chain, transport: http(url), pollingInterval: 20 });
  const wallets = keys.map((key) =>
    createWalletClient({ account: privateKeyToAccount(key), chain, transport: http(url), pollingInterval: 20 }));
  return { url, wsUrl, chain, reader, wallets };
}

// Sends a contract call, waits for it and returns its receipt.
export async function send({ reader }, wallet, contract, functionName, ...args) {
  const { request } = await reader.simulateContract({ account: wallet.account, ...contract, functionName, args });
  const receipt = await reader.waitForTransactionReceipt({ hash: await wallet.writeContract(request) });
  if (receipt.status !== "success") throw new Error(`${functionName} reverted in ${receipt.transactionHash}`);
  return receipt;
}

// The initcode that `cargo stylus` puts before a program: it returns everything after these 43 bytes.
function initcode(code) {
  const length = toHex(code.length, { size: 32 });
  return concat(["0x7f", length, "0x80602b6000396000f300", toHex(code)]);
}

// Largest code of one account (EIP-170), and the prefix of an account that holds part of a program.
const CODE_LIMIT = 24_576;
const FRAGMENT = Buffer.from("eff001", "hex");

// A program's code: the program itself, or the list of the accounts with its parts, which this creates.
async function whole(net, code) {
  if (code.length <= CODE_LIMIT) return code;
  const stream = code.subarray(4);
  const size = CODE_LIMIT - FRAGMENT.length;
  const parts = [];
  for (let at = 0; at < stream.length; at += size) {
    const data = initcode(Buffer.concat([FRAGMENT, stream.subarray(at, at + size)]));
    const { contractAddress } = await net.reader.waitForTransactionReceipt({ hash: await net.wallets[0].sendTransaction({ data }) });
    parts.push(Buffer.from(contractAddress.slice(2), "hex"));
  }
  const length = Buffer.alloc(4);
  length.writeUInt32BE(brotliDecompressSync(stream).length);
  return Buffer.concat([Buffer.from("eff00200", "hex"), length, ...parts]);
}

// Deploys, activates and constructs a contract through StylusDeployer.
export async function deploy(net, name, types, values) {
  const path = `${root}target/contracts/${name}.code`;
  if (!existsSync(path)) throw new Error(`${path} is missing: run 'make wasm'`);
  const initData = concat([toFunctionSelector("stylus_constructor()"), encodeAbiParameters(types.map((type) => ({ type })), values)]);
  const code = await whole(net, readFileSync(path));
  const { request } = await net.reader.simulateContract({
    account: net.wallets[0].account, address: DEPLOYER, abi: deployerAbi, functionName: "deploy", value: 10n ** 16n,
    args: [initcode(code), initData, 0n, zeroHash],
  });
  const receipt = await net.reader.waitForTransactionReceipt({ hash: await net.wallets[0].writeContract(request) });
  for (const log of receipt.logs) {
    if (log.address.toLowerCase() !== DEPLOYER.toLowerCase()) continue;
    return decodeEventLog({ abi: deployerAbi, ...log }).args.deployedContract;
  }
  throw new Error(`${name} was not deployed: ${receipt.transactionHash}`);
}
