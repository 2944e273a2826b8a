// Leaving for the first page because the session ends. The first reason is the one that counts: whoever signs out hears from the
// stream, too, that the session is gone.

/** What the first page says, once. */
const NOTE = "note";

let reason: string | null = null;

/** Whether this page is being left, or about to be. */
export const isLeaving = (): boolean => reason !== null;

/** Leaves, with words for the first page, after an act that ends the session; stays where the act fails. */
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

/** Why this page was come to. */
export function note(): string {
  const words = sessionStorage.getItem(NOTE) ?? "";
  sessionStorage.removeItem(NOTE);
  return words;
}
