import { createHash } from 'node:crypto';

/** Characters of the tag that tells the limits of one subject apart: 24 bits of SHA-256. */
const TAG_CHARS = 4;

/**
 * First part of the name that a subject is counted under in Redis: the same on every instance, whatever the numbers of
 * the limit are.
 *
 * @param kind how it counts; a limit that comes to count otherwise begins anew
 */
export function limitTag(owner: string, name: string, kind: string): string {
  const digest = createHash('sha256').update(`${owner}\0${name}\0${kind}`).digest('base64url');
  return digest.slice(0, TAG_CHARS);
}

interface Tagged {
  readonly name: string;
  readonly tag: string;
}

/** What two limits of one subject have in common must not be their tag; 24 bits make that unlikely, this makes it certain. */
export function sharedTags(limits: readonly Tagged[]): string[] {
  const owners = new Map<string, string>();
  const faults: string[] = [];
  for (const { tag, name } of limits) {
    const other = owners.get(tag);
    if (other === undefined) owners.set(tag, name);
    else faults.push(`Limits "${other}" and "${name}" share a tag; rename one of them`);
  }
  return faults;
}
