/** Comma-separated globs of event types; `*` stands for any characters. */
export const TYPE_GLOBS = /^[\w.*[\]-]{1,100}(?:,[\w.*[\]-]{1,100}){0,19}$/;

/** Types are Stripe's, some hundreds; a foreign log may have any. */
const MOST_VERDICTS = 2000;

/** Which events a client wants, such as `invoice.*,customer.subscription.*`. */
export class TypeFilter {
  /** The same for filters that let the same pass. */
  readonly key: string;
  private readonly globs: readonly string[];
  private readonly verdicts = new Map<string, boolean>();

  private constructor(globs: readonly string[]) {
    this.globs = globs;
    this.key = globs.join();
  }

  /** @param text as TYPE_GLOBS has it. @returns undefined for one that lets everything pass */
  static parse(text: string | undefined): TypeFilter | undefined {
    if (text === undefined) return undefined;
    const globs = [...new Set(text.split(','))].sort();
    return globs.some((glob) => /^\*+$/.test(glob)) ? undefined : new TypeFilter(globs);
  }

  passes(type: string): boolean {
    const known = this.verdicts.get(type);
    if (known !== undefined) return known;
    const verdict = this.globs.some((glob) => fits(glob, type));
    if (this.verdicts.size < MOST_VERDICTS) this.verdicts.set(type, verdict);
    return verdict;
  }
}

/**
 * Whether a text fits a glob. Written out, since a pattern with many stars takes a regular expression exponential time:
 * here it is the product of both lengths at worst.
 */
function fits(glob: string, text: string): boolean {
  let at = 0;
  let read = 0;
  let star = -1;
  let starRead = 0;
  while (read < text.length) {
    if (glob[at] === '*') {
      star = at;
      starRead = read;
      at += 1;
    } else if (glob[at] === text[read]) {
      at += 1;
      read += 1;
    } else if (star >= 0) {
      // The last star takes one character more.
      at = star + 1;
      starRead += 1;
      read = starRead;
    } else return false;
  }
  while (glob[at] === '*') at += 1;
  return at === glob.length;
}
