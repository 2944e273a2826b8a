// A text with a button that copies it.

import { onAct } from "./dom";
import { say } from "./say";
import { texts } from "./texts";

class CopyText extends HTMLElement {
  connectedCallback(): void {
    onAct(this, "copy", async (button) => {
      await navigator.clipboard.writeText(this.querySelector("code")?.textContent ?? "");
      button.textContent = texts.copied;
      say(texts.copied);
    });
  }
}

customElements.define("copy-text", CopyText);
