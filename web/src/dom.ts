// Finding and making elements. Text is always set as text: nothing from a wallet, a file or an order becomes markup.

/** The element that is a named part of a component. */
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

/** Runs what a button does; until it is done the button is busy, so that nothing is requested twice. */
export async function busy(button: HTMLButtonElement, act: () => Promise<void>): Promise<void> {
  if (button.getAttribute("aria-busy") === "true") return;
  button.setAttribute("aria-busy", "true");
  try {
    await act();
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Sets what a press of a button with this act does, also for buttons that are added later. */
export function onAct(within: HTMLElement, name: string, act: (button: HTMLButtonElement) => Promise<void>): void {
  within.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest<HTMLButtonElement>(`button[data-act="${name}"]`) : null;
    if (button !== null && within.contains(button)) void busy(button, () => act(button));
  });
}
