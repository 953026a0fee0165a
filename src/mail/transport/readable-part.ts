/** RFC 5322 §2.1.1, octets without the line break. */
const LONGEST_LINE_BYTES = 998;

/**
 * A part of a mail that is read in a file: as it was written, since quoted-printable breaks links over lines and nobody
 * can copy them. Where a line is longer than a mail may have, the mail library encodes it.
 */
export function readable(
  type: 'text/plain' | 'text/html',
  content: string,
): string | { readonly raw: string } {
  const fits = content.split('\n').every((line) => Buffer.byteLength(line) <= LONGEST_LINE_BYTES);
  if (!fits) return content;
  return {
    raw: `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n${content}`,
  };
}
