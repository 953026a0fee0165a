import type { Subject } from '../counting/subject.js';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Uint8Array(128);
for (let value = 0; value < ALPHABET.length; value += 1) VALUES[ALPHABET.charCodeAt(value)] = value;

/** Different digests that the first four characters of one can make. */
const PLACES = 64 ** 4;

/**
 * Which clients Redis counts, when it is to count a share of them. By the digest, so the answer for a client is the same
 * on all instances and after every restart, and those within 10 % are within 20 % as well.
 *
 * @param percent whole, 0 to 100
 */
export function canary(percent: number): (client: Subject) => boolean {
  if (percent >= 100) return () => true;
  if (percent <= 0) return () => false;
  const below = (PLACES * percent) / 100;
  return ({ digest }) => placeOf(digest) < below;
}

function placeOf(digest: string): number {
  let place = 0;
  for (let at = 0; at < 4; at += 1) place = place * 64 + (VALUES[digest.charCodeAt(at)] ?? 0);
  return place;
}
