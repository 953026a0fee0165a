import { MOST_CERTIFICATE_BYTES, type Settings, readBoundedLater, isUrlFault } from '../config/index.js';
import { Secret } from '../kernel/redact.js';
import { parseDatabaseUrl } from './database-url.js';

/** How long a file that does not answer, as on a network drive that is away, holds up a connection. */
const READ_MS = 500;

/**
 * The password for the next connection. Where it came from a file, that file is read again, so that a password can
 * change without a restart; what cannot be read leaves the last one in use.
 *
 * @param given as it was at the start
 */
export function passwordSource(settings: Settings, given: Secret | undefined): () => Promise<string> {
  let last = given?.reveal() ?? '';
  const file = settings.fileOf('DATABASE_PASSWORD');
  const urlFile = settings.fileOf('DATABASE_URL');
  const path = file ?? urlFile;
  if (path === undefined || given === undefined) return () => Promise.resolve(last);
  let reading: Promise<void> | undefined;
  const read = async (): Promise<void> => {
    const text = await readText(path);
    const password = file === undefined ? passwordInUrl(text) : text;
    if (password !== undefined && password !== '' && !/[\r\n]$/.test(password)) last = password;
  };
  return async () => {
    // Such a read holds a thread for as long as it hangs, so there is never more than one.
    reading ??= read().finally(() => (reading = undefined));
    await Promise.race([reading, new Promise((resolve) => setTimeout(resolve, READ_MS).unref())]);
    return last;
  };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readBoundedLater(path, MOST_CERTIFICATE_BYTES)).toString('utf8');
  } catch {
    return undefined;
  }
}

function passwordInUrl(text: string | undefined): string | undefined {
  const parsed = text === undefined ? undefined : parseDatabaseUrl(new Secret(text));
  return parsed === undefined || isUrlFault(parsed) ? undefined : parsed.password?.reveal();
}
