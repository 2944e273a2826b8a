// Leaving for the start page because the session ends. The first reason counts: after signing out, the stream also reports
// that the session is gone.

/** What the start page says, once. */
const NOTE = "note";

let reason: string | null = null;

/** Whether this page is being left, or about to be. */
export const isLeaving = (): boolean => reason !== null;

/** Leaves for the start page, with words for it, after an act that ends the session; stays if the act fails. */
export async function leave(why: string, act: () => Promise<void> = async () => undefined): Promise<void> {
  if (reason !== null) return;
  reason = why;
  try {
    await act();
  } catch (error) {
    reason = null;
    throw error;
  }
  sessionStorage.setItem(NOTE, why);
  location.assign("/");
}

/** Why the page before was left. */
export function note(): string {
  const words = sessionStorage.getItem(NOTE) ?? "";
  sessionStorage.removeItem(NOTE);
  return words;
}
