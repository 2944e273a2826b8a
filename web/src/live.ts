// Parts of a page that change by themselves. The server draws them; here the page is fetched again, and what differs is put in
// its place. A request that answers with a document runs no script and makes no markup of a text.

/** The page as the server draws it now; nothing where it does not. */
function fetched(): Promise<Document | null> {
  return new Promise((done) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    request.responseType = "document";
    request.setRequestHeader("Accept", "text/html");
    request.onload = () => done(request.status === 200 ? request.responseXML : null);
    request.onerror = () => done(null);
    request.send();
  });
}

const isHeld = (element: Element): boolean => element.contains(document.activeElement) && document.activeElement !== document.body;

/** Puts the parts that changed in their places; the one that has the focus keeps it where it can. */
function replace(fresh: Document): void {
  for (const part of fresh.querySelectorAll<HTMLElement>("[data-live]")) {
    const name = part.dataset["live"] ?? "";
    const old = document.querySelector<HTMLElement>(`[data-live="${CSS.escape(name)}"]`);
    if (old === null || old.outerHTML === part.outerHTML) continue;
    const focused = isHeld(old) ? document.activeElement : null;
    const mark = focused?.getAttribute("data-lot") ?? focused?.getAttribute("href") ?? focused?.id ?? "";
    old.replaceWith(document.adoptNode(part));
    part.classList.add("changed");
    if (focused !== null) {
      const again = [...part.querySelectorAll<HTMLElement>("a, button, input, [tabindex]")].find(
        (element) => [element.dataset["lot"], element.getAttribute("href"), element.id].includes(mark) && mark !== "",
      );
      (again ?? document.getElementById("main"))?.focus({ preventScroll: true });
    }
  }
}

/** Draws the page's parts anew. A part that is new, or gone, takes a page of its own. */
export async function refresh(): Promise<void> {
  const fresh = await fetched();
  if (fresh === null) return location.reload();
  const names = (within: Document): string => [...within.querySelectorAll<HTMLElement>("[data-live]")].map((part) => part.dataset["live"]).join(" ");
  if (names(fresh) !== names(document) && !document.querySelector("input:focus, textarea:focus")) return location.reload();
  replace(fresh);
}
