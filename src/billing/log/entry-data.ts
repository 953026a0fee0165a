/**
 * The data of an entry as it is shown.
 *
 * @returns undefined for what is no JSON: somebody else put it into the stream
 */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
