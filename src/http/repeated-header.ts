/**
 * Whether a request has a header more than once. Node keeps the first of some of them; whoever stands in front of us may
 * have looked at another one.
 *
 * @param rawHeaders names and values in turn, as `IncomingMessage` has them
 * @param name in lower case
 */
export function isRepeated(rawHeaders: readonly string[], name: string): boolean {
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const one = rawHeaders[at];
    if (one?.length === name.length && one.toLowerCase() === name) seen += 1;
  }
  return seen > 1;
}
