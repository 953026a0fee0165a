/** The one pair that simple folding makes equal although neither has an upper case of one letter: long s t and st. */
const LIGATURES: Readonly<Record<string, string>> = { '\uFB05': '\uFB06' };

/**
 * Lower case by Unicode's simple case folding: letter by letter, the same in every language and at every place in a
 * word. `toLowerCase` alone keeps apart what folds together (ſ and s, ς and σ) and looks at neighbours.
 *
 * Expects NFC, where the remaining doubles of folding are one letter already.
 */
export function foldCase(text: string): string {
  let folded = '';
  for (const letter of text) folded += foldLetter(letter);
  return folded;
}

function foldLetter(letter: string): string {
  if (letter <= '\u007F') return letter.toLowerCase();
  for (const candidate of [letter.toUpperCase().toLowerCase(), letter.toLowerCase()]) {
    if (foldsTo(letter, candidate)) return candidate;
  }
  return LIGATURES[letter] ?? letter;
}

/** The flags `iu` compare by simple folding (ECMA-262, Canonicalize); there is no other door to its table. */
function foldsTo(letter: string, candidate: string): boolean {
  if (candidate === letter || Array.from(candidate).length !== 1) return false;
  const codePoint = (letter.codePointAt(0) ?? 0).toString(16);
  return new RegExp(`^\\u{${codePoint}}$`, 'iu').test(candidate);
}
