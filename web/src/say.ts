// Messages for screen readers: at most one every five seconds; of those waiting, the newest.

import { show } from "./dom";

/** With a capital letter. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
/** A clause as a whole sentence. */
export const sentence = (text: string): string => `${capital(text)}.`;

const PAUSE = 5_000;
let last = -Infinity;
let waiting: string | null = null;

function speak(words: string): void {
  last = performance.now();
  const place = document.getElementById("said");
  if (place !== null) place.textContent = words;
}

/** Says something politely. */
export function say(words: string): void {
  const left = last + PAUSE - performance.now();
  if (left <= 0) return speak(words);
  if (waiting === null) {
    setTimeout(() => {
      if (waiting !== null) speak(waiting);
      waiting = null;
    }, left);
  }
  waiting = words;
}

/** Warns about the whole page, in its footer and to screen readers; without words the warning goes away. */
export function warn(words: string): void {
  const place = document.getElementById("live");
  place?.classList.toggle("lost", words !== "");
  show(place, words);
  if (words !== "") say(words);
}
