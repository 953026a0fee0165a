import type { VaultFault } from './service-account.errors.js';

/** A verdict has some two hundred bytes. */
const MOST_BYTES = 16 * 1024;

/**
 * What Vault says of a signature.
 *
 * @returns the verdict, or why the answer is none
 * @throws the error of the connection where the answer breaks off
 */
export async function readVerdict(response: Response): Promise<boolean | VaultFault> {
  const { status } = response;
  const text = await readText(response);
  if (status >= 300 && status < 400) return 'redirect';
  if (text === undefined) return 'foreign-answer';
  // A signature whose version the key does not have is refused so; but so is a key that is not there.
  if (status === 400) return badRequestVerdict(text);
  if (status !== 200) return status === 404 ? 'foreign-answer' : 'refused';
  const valid = member(member(parse(text), 'data'), 'valid');
  return typeof valid === 'boolean' ? valid : 'foreign-answer';
}

function badRequestVerdict(text: string): boolean | VaultFault {
  const errors = member(parse(text), 'errors');
  if (!Array.isArray(errors)) return 'foreign-answer';
  return errors.some((error) => /key not found|unsupported/i.test(String(error))) ? 'refused' : false;
}

/** @returns undefined where there is more than any answer of Vault */
async function readText(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // Leaving the loop ends the connection.
  for await (const chunk of response.body ?? []) {
    const part = chunk as Uint8Array;
    bytes += part.length;
    if (bytes > MOST_BYTES) return undefined;
    chunks.push(part);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}
