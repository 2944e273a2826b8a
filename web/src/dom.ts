// Finding and making elements. Texts are set as texts: nothing that a wallet, a file or an order says becomes markup.

/** The element of a part of a component. */
export function part<T extends HTMLElement = HTMLElement>(within: ParentNode, name: string): T | null {
  return within.querySelector<T>(`[data-part="${name}"]`);
}

/** An element with attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Shows words in an element, or hides it when there are none. */
export function show(element: HTMLElement | null, words: string): void {
  if (element === null) return;
  element.textContent = words;
  element.hidden = words === "";
}

/** Runs what a button does: the button waits meanwhile, so that nothing is asked for twice. */
export async function busy(button: HTMLButtonElement, act: () => Promise<void>): Promise<void> {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** What happens when a button with this act is pressed, now or later. */
export function onAct(within: HTMLElement, name: string, act: (button: HTMLButtonElement) => Promise<void>): void {
  within.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>(`button[data-act="${name}"]`) : null;
    if (button !== null && within.contains(button)) void busy(button, () => act(button));
  });
}
