// A place to drop a proof file, and the result of its check.

import { make, part } from "./dom";
import { fromHex, keccak, toHex, utf8 } from "./hash";
import { type Checked, check, read } from "./proof";
import { texts } from "./texts";
import { type Wallet, ask, chosen, isOn } from "./wallet";

/** Size of the largest proof file, bytes. */
const LARGEST = 1 << 20;

interface Logged {
  blockNumber?: string;
  data?: string;
  transactionHash?: string;
}

class ProofCheck extends HTMLElement {
  connectedCallback(): void {
    const drop = part(this, "drop");
    const file = part<HTMLInputElement>(this, "file");
    file?.addEventListener("change", () => void this.take(file.files?.[0]));
    // A file dropped beside it would replace the page.
    for (const name of ["dragover", "drop"]) {
      window.addEventListener(name, (event) => event.preventDefault());
    }
    drop?.addEventListener("dragover", () => drop.classList.add("over"));
    drop?.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop?.addEventListener("drop", (event) => {
      drop.classList.remove("over");
      void this.take(event.dataTransfer?.files[0]);
    });
  }

  private async take(file: File | undefined): Promise<void> {
    const result = part(this, "result");
    if (file === undefined || result === null) return;
    result.className = "result";
    try {
      if (file.size > LARGEST) throw new Error(texts.proof.tooLarge);
      const checked = await check(read(await file.text()));
      result.replaceChildren(...this.verdict(file.name, checked));
      if (checked.wrong === "") void this.anchored(checked, result);
    } catch (error) {
      const words = error instanceof Error ? error.message : String(error);
      result.replaceChildren(make("p", { class: "problem" }, `${file.name}: ${words}`));
    }
  }

  private verdict(name: string, { proof, root, wrong }: Checked): HTMLElement[] {
    if (wrong !== "") return [make("p", { class: "problem" }, make("span", { class: "verdict" }, texts.proof.broken(name)), ` ${wrong}`)];
    const kind = String(proof.event["type"] ?? "event");
    const holds = make("p", { class: "note good" }, make("span", { class: "verdict" }, texts.proof.holds), ` ${texts.proof.place(kind, proof.index + 1, proof.size)}`);
    const facts = make("dl", { class: "pairs rows" });
    const rows: [string, string][] = [
      [texts.proof.root, root],
      [texts.proof.contract, `${proof.contract}, ${texts.proof.chain(proof.chainId)}`],
      [texts.proof.subject, String(proof.event["subject"] ?? "")],
    ];
    for (const [label, value] of rows) facts.append(make("dt", {}, label), make("dd", {}, make("code", {}, value)));
    return [holds, facts];
  }

  /** Whether the root is on chain: as the connected wallet's node says, else as this page was served. */
  private async anchored(checked: Checked, result: HTMLElement): Promise<void> {
    const { proof, root } = checked;
    const contract = this.dataset["contract"] ?? "";
    if (proof.contract.toLowerCase() !== contract.toLowerCase()) {
      result.append(make("p", { class: "warning" }, texts.proof.otherContract(contract)));
      return;
    }
    const known = document.querySelector<HTMLElement>(`[data-root="${root}"]`)?.dataset["block"];
    const wallet = await chosen();
    const seen = wallet === null ? null : await logged(wallet, proof.chainId, contract, root, known).catch(() => null);
    if (seen !== null) {
      const size = seen.data === undefined ? 0n : BigInt(toHex(fromHex(seen.data).slice(0, 32)));
      const block = seen.blockNumber === undefined ? "" : BigInt(seen.blockNumber).toString();
      const same = size === BigInt(proof.size);
      const words = same ? texts.proof.anchored(block, seen.transactionHash ?? "") : texts.proof.otherSize(size.toString(), proof.size);
      result.append(make("p", { class: same ? "note good" : "problem" }, words));
      return;
    }
    const words = known === undefined ? texts.proof.notListed : texts.proof.serverSays(known);
    result.append(make("p", { class: "note" }, `${words} `, make("code", {}, "orderbook audit check FILE")));
  }
}

/** The chain's log of a root, if the wallet's node has one. */
async function logged(wallet: Wallet, chainId: number, address: string, root: string, block: string | undefined): Promise<Logged | null> {
  if (!(await isOn(wallet, String(chainId)))) return null;
  const name = toHex(keccak(utf8("BookAnchored(bytes32,uint64,address)")));
  const at = block === undefined ? null : `0x${BigInt(block).toString(16)}`;
  const filter = { address, topics: [name, root], fromBlock: at ?? "0x0", toBlock: at ?? "latest" };
  const found = await ask(wallet, "eth_getLogs", [filter]);
  return Array.isArray(found) ? ((found[0] as Logged | undefined) ?? null) : null;
}

customElements.define("proof-check", ProofCheck);
