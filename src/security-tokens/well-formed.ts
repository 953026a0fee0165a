/** A half of a character: in UTF-8 all of them are the same, so that two texts would have one digest. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** Whether it is a text that has a digest of its own: not empty, not huge, all its characters whole. */
export function isDistinct(text: unknown, longest: number): text is string {
  return typeof text === 'string' && text !== '' && text.length <= longest && !LONE_SURROGATE.test(text);
}
