import type { KeyRing } from '../kernel/key-ring.js';

/** What a mail needs beside its template. Lies in the outbox under seal only. */
export interface MailEnvelope {
  readonly to: string;
  readonly values: unknown;
  /** Further headers, such as List-Unsubscribe. */
  readonly headers: Readonly<Record<string, string>>;
}

const CONTEXT = 'mail';
const HEADER_NAME = /^[A-Za-z][A-Za-z0-9-]{0,76}$/;
// One address without a display name: what a mail library would split into several goes nowhere.
const ADDRESS = /^[^\s,;<>"()[\]\\@]+@[^\s,;<>"()[\]\\@]+$/u;
const LONGEST_ADDRESS_CHARS = 320;
const LONGEST_HEADER_CHARS = 900;

/** @throws TypeError for an address or a header that could become another one on its way: a programming error */
export function sealEnvelope(keys: KeyRing, envelope: MailEnvelope): string {
  const { to, headers } = envelope;
  if (!ADDRESS.test(to) || to.length > LONGEST_ADDRESS_CHARS)
    throw new TypeError('A mail goes to one plain address');
  for (const [name, value] of Object.entries(headers))
    if (!HEADER_NAME.test(name) || !/^[\x20-\x7e]*$/.test(value) || value.length > LONGEST_HEADER_CHARS)
      throw new TypeError(
        `The header ${JSON.stringify(name.slice(0, 76))} of a mail is not one line of ASCII`,
      );
  return keys.seal(CONTEXT, JSON.stringify(envelope));
}

/** @returns undefined where it was sealed under a key that is gone */
export function openEnvelope(keys: KeyRing, sealed: string): MailEnvelope | undefined {
  const text = keys.open(CONTEXT, sealed);
  return text === undefined ? undefined : (JSON.parse(text) as MailEnvelope);
}
