import { foldCase } from '../case-folding.js';
import { PasswordPolicyError } from './password.errors.js';

/** A password alone protects the account (NIST SP 800-63B-4 §3.1.1.2). Code points in NFC. */
export const SHORTEST_PASSWORD = 15;
export const LONGEST_PASSWORD = 256;
/** NFC shortens a text at most to a quarter, and a code point has two units at most. */
const MOST_UNITS = LONGEST_PASSWORD * 8;
/** Shorter names are found in any sentence. */
const SHORTEST_NAME = 4;
/** A repeated text below this is guessed as quickly as it is itself. */
const SHORTEST_UNIT = 8;
/** A surrogate without its other half: every text with one would be hashed as the same bytes. */
const HALF_CHARACTER = /\p{Surrogate}/u;

export interface PolicyContext {
  /** The lookup spelling of the address that the password is for. */
  readonly emailKey: string | undefined;
  /** Names of the service. */
  readonly forbiddenWords: readonly string[];
  readonly isCommon: (password: string) => boolean;
}

/**
 * The one spelling of a password that is hashed: NFC, so that it matches on every keyboard.
 *
 * @returns undefined for a text that can be nobody's password, however it was hashed
 */
export function passwordSpelling(text: string): string | undefined {
  if (text.length > MOST_UNITS || HALF_CHARACTER.test(text)) return undefined;
  const spelling = text.normalize('NFC');
  return lengthOf(spelling) > LONGEST_PASSWORD ? undefined : spelling;
}

/**
 * Judges a new password. There is no rule about kinds of characters: length and rarity are what make it hard to guess.
 *
 * @returns its spelling, which is to be hashed
 * @throws PasswordPolicyError
 */
export function judgePassword(text: string, context: PolicyContext): string {
  if (text.length > MOST_UNITS) throw PasswordPolicyError.breaks('too-long', LONGEST_PASSWORD);
  if (HALF_CHARACTER.test(text)) throw PasswordPolicyError.breaks('not-text');
  const password = text.normalize('NFC');
  const length = lengthOf(password);
  if (length < SHORTEST_PASSWORD) throw PasswordPolicyError.breaks('too-short', SHORTEST_PASSWORD);
  if (length > LONGEST_PASSWORD) throw PasswordPolicyError.breaks('too-long', LONGEST_PASSWORD);
  const folded = foldCase(password);
  if (containsAny(folded, namesIn(context.emailKey))) throw PasswordPolicyError.breaks('contains-email');
  if (containsAny(folded, context.forbiddenWords)) throw PasswordPolicyError.breaks('contains-service-name');
  const unit = repeatedUnit(folded);
  if (unit !== undefined && lengthOf(unit) < SHORTEST_UNIT) throw PasswordPolicyError.breaks('repetitive');
  if (context.isCommon(folded) || (unit !== undefined && context.isCommon(unit))) {
    throw PasswordPolicyError.blocked();
  }
  return password;
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}

/** The local part where it is long enough to mean anything, and the address as a whole. */
function namesIn(emailKey: string | undefined): string[] {
  if (emailKey === undefined) return [];
  const local = emailKey.slice(0, emailKey.lastIndexOf('@'));
  return lengthOf(local) < SHORTEST_NAME ? [emailKey] : [local];
}

function containsAny(folded: string, names: readonly string[]): boolean {
  return names.some((name) => folded.includes(foldCase(name.normalize('NFC'))));
}

/**
 * The shortest text that gives this one when it is written again and again, its last time perhaps not to the end.
 * Found as the longest border, by the prefix function of Knuth, Morris and Pratt.
 *
 * @returns undefined where it does not come at least twice
 */
function repeatedUnit(text: string): string | undefined {
  const letters = Array.from(text);
  const borders = [0];
  for (let at = 1; at < letters.length; at += 1) {
    let border = borders[at - 1] ?? 0;
    while (border > 0 && letters[border] !== letters[at]) border = borders[border - 1] ?? 0;
    borders.push(letters[border] === letters[at] ? border + 1 : 0);
  }
  const period = letters.length - (borders.at(-1) ?? 0);
  return period * 2 > letters.length ? undefined : letters.slice(0, period).join('');
}
