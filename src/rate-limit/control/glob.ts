/**
 * Whether a text is one that a pattern stands for. `*` is any number of any characters, everything else is itself. The
 * text may come from a client, so the work is bounded by the product of both lengths whatever they hold, which a
 * regular expression with several stars does not promise.
 */
export function matchesGlob(text: string, pattern: string): boolean {
  let at = 0;
  let inPattern = 0;
  /** The last star, and how far the text had come when it was tried last. */
  let star = -1;
  let from = 0;
  while (at < text.length) {
    if (pattern[inPattern] === '*') {
      star = inPattern;
      from = at;
      inPattern += 1;
    } else if (pattern[inPattern] === text[at]) {
      at += 1;
      inPattern += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      from += 1;
      at = from;
      inPattern = star + 1;
    } else return false;
  }
  while (pattern[inPattern] === '*') inPattern += 1;
  return inPattern === pattern.length;
}
