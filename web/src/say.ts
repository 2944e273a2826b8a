// Messages for screen readers: at most one in five seconds, of those that wait the newest.

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
