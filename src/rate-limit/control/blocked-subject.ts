import { printable } from '../../kernel/redact.js';

/** Somebody whom operators have blocked, as Redis keeps it and as people see it. */
export interface BlockedSubject {
  readonly dimension: string;
  /** Digest of the subject: tells it apart from others, and does not tell who it is. */
  readonly id: string;
  /** Enough of the subject for a person to recognise it, and not enough to know it. */
  readonly label: string;
}

export const LONGEST_LABEL = 64;
const DIMENSION = /^[A-Za-z][\w-]{0,63}$/;
const MAY_BE_MAIL: ReadonlySet<string> = new Set(['user', 'account']);
const SHOWN_IN_PART: ReadonlySet<string> = new Set([...MAY_BE_MAIL, 'tenant', 'route']);
const MEMBER = /^([A-Za-z][\w-]{0,63}):([\w-]{16}):([^\n\r]{0,64})$/;

/** Whether the name of a dimension can stand in a member. */
export function isDimensionName(text: string): boolean {
  return DIMENSION.test(text);
}

/** Whether a text may be the digest of a subject. */
export function isDigest(text: string): boolean {
  return /^[\w-]{16}$/.test(text);
}

/** Member of the sorted set of blocks. */
export function memberOf({ dimension, id, label }: BlockedSubject): string {
  return `${dimension}:${id}:${label}`;
}

/** @returns undefined for what no instance of this application has written */
export function readMember(member: string): BlockedSubject | undefined {
  const [, dimension, id, label] = MEMBER.exec(member) ?? [];
  if (dimension === undefined || id === undefined || label === undefined) return undefined;
  return { dimension, id, label };
}

/** What Redis and operators see of a subject beside its digest. The same for the same subject, always. */
export function maskedLabel(dimension: string, canonical: string): string {
  return printable(mask(dimension, canonical), LONGEST_LABEL);
}

function mask(dimension: string, canonical: string): string {
  // A network is not a person, and everybody is nobody.
  if (dimension === 'network' || dimension === 'global') return canonical;
  if (dimension === 'ip')
    return canonical.replace(/^(\d+\.\d+\.\d+)\.\d+$/, '$1.*').replace(/^([^:]+:[^:]+):.*$/, '$1:*');
  // A key is a secret from its first character, and what a feature counts by may be one.
  if (!SHOWN_IN_PART.has(dimension)) return '***';
  const mail = MAY_BE_MAIL.has(dimension) ? /^(.)[^@]*(@[^@]+)$/su.exec(canonical) : null;
  if (mail) return `${mail[1]}***${mail[2]}`;
  return canonical.length < 6 ? '***' : `${Array.from(canonical.slice(0, 4)).slice(0, 2).join('')}***`;
}
