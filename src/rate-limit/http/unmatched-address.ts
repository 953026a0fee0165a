import { API_PREFIX } from './route-table.js';

const ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[^/?#]*/i;

/**
 * Whether an address at which nothing answers is meant to be below the prefix of the API, in whatever way it is written:
 * with the origin before it, escaped, or with more slashes than one.
 *
 * @param url as the client sent it
 */
export function isBelowApi(url: string): boolean {
  if (url.startsWith(API_PREFIX)) return true;
  const [path = ''] = url.replace(ORIGIN, '').split(/[?#]/, 1);
  return unescaped(path)
    .replace(/^\/*/, '/')
    .replace(/^(\/[^/]*)\/+/, '$1/')
    .startsWith(API_PREFIX);
}

/** As far as it is written well: what cannot be read further on hides nothing before it. */
function unescaped(path: string): string {
  return path.replaceAll(/(?:%[\da-f]{2})+/gi, (escapes) => {
    try {
      return decodeURIComponent(escapes);
    } catch {
      return escapes;
    }
  });
}
