import type { Subject } from '../counting/subject.js';
import type { Dimension } from '../policies/policy.js';
import { InvalidRulingError } from './control.errors.js';

const PREFIXED = /^([^/]+)\/(\d{1,3})$/;

/** Of a subject as an operator may write it. */
export const LONGEST_SUBJECT = 1024;

/**
 * The subject that an operator means. Addresses may carry the length of the prefix that they are counted by
 * (`203.0.113.0/24` as a network, `2001:db8:1:2::/64` as an address); any other length would mean more, or fewer, than are
 * counted as one, and is refused.
 *
 * @throws InvalidRulingError
 */
export function namedSubject(
  dimension: Dimension,
  text: string,
  find: (dimension: Dimension, text: string) => Subject,
): Subject {
  if (text.length < 1 || text.length > LONGEST_SUBJECT)
    throw new InvalidRulingError([`A subject has 1 to ${LONGEST_SUBJECT} characters.`]);
  if (dimension === 'global') return find(dimension, 'all');
  const subject = find(dimension, plainText(dimension, text));
  if (dimension !== 'ip' && dimension !== 'network') return subject;
  if (subject.value === 'unknown' && text !== 'unknown')
    throw new InvalidRulingError(['This is not an address.']);
  const length = PREFIXED.exec(text.trim())?.[2];
  const counted = /\/(\d+)$/.exec(subject.value)?.[1] ?? '32';
  if (length !== undefined && length !== counted)
    throw new InvalidRulingError([
      `Clients like this one are counted by /${counted}; a ruling cannot be for another prefix.`,
    ]);
  return subject;
}

/** The text as requests bring it. */
export function plainText(dimension: Dimension, text: string): string {
  if (dimension !== 'ip' && dimension !== 'network') return text;
  return PREFIXED.exec(text.trim())?.[1] ?? text;
}
