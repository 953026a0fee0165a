import { X509Certificate, createPrivateKey } from 'node:crypto';
import { type ConnectionOptions, checkServerIdentity, createSecureContext } from 'node:tls';
import { type Fault, MOST_CERTIFICATE_BYTES, UnfitFile, readBounded } from '../config/index.js';
import type { DatabaseSettings } from './database.config.js';
import type { DatabaseTarget } from './database-url.js';

/** What is wrong with the TLS files. */
export function tlsFileFaults(settings: DatabaseSettings, { tls }: DatabaseTarget): Fault[] {
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = settings;
  const faults = [
    ...fileFaults('DATABASE_TLS_CA_FILE', tlsCaFile, parseCertificates, 'PEM certificate'),
    ...fileFaults('DATABASE_TLS_CERT_FILE', tlsCertFile, parseCertificates, 'PEM certificate'),
    ...fileFaults('DATABASE_TLS_KEY_FILE', tlsKeyFile, createPrivateKey, 'unencrypted PEM key'),
  ];
  if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined)) {
    faults.push({
      variable: tlsCertFile === undefined ? 'DATABASE_TLS_CERT_FILE' : 'DATABASE_TLS_KEY_FILE',
      rule: 'is not set although its counterpart is',
      remedy: 'A client certificate needs both files',
    });
  }
  if (faults.length === 0 && !keyFits(settings)) {
    faults.push({
      variable: 'DATABASE_TLS_KEY_FILE',
      rule: 'does not belong to the certificate in DATABASE_TLS_CERT_FILE',
      remedy: 'Name the key that the certificate was made for',
    });
  }
  const useless = tlsCaFile === undefined ? tlsCertFile && 'DATABASE_TLS_CERT_FILE' : 'DATABASE_TLS_CA_FILE';
  if (!tls && useless) {
    faults.push({
      variable: useless,
      rule: 'is set although DATABASE_URL does not ask for TLS',
      remedy: 'End the URL with ?sslmode=verify-full',
    });
  }
  return faults;
}

/** Keys and certificates are inside the context, where no printer reaches them. Undefined without TLS. */
export function tlsOptions(
  settings: DatabaseSettings,
  { tls }: DatabaseTarget,
): ConnectionOptions | undefined {
  if (!tls) return undefined;
  const { tlsServername: expected } = settings;
  const paths = { ca: settings.tlsCaFile, cert: settings.tlsCertFile, key: settings.tlsKeyFile };
  const material = Object.fromEntries(
    Object.entries(paths).flatMap(([name, path]) => (path === undefined ? [] : [[name, readPem(path)]])),
  );
  return {
    secureContext: createSecureContext({ minVersion: 'TLSv1.2', ...material }),
    rejectUnauthorized: true,
    // The client library always sends the host as the name, so another one is expected here.
    ...(expected === undefined
      ? {}
      : { checkServerIdentity: (_host, certificate) => checkServerIdentity(expected, certificate) }),
  };
}

function fileFaults(
  variable: string,
  path: string | undefined,
  parse: (pem: string) => unknown,
  what: string,
): Fault[] {
  if (path === undefined) return [];
  try {
    parse(readPem(path));
    return [];
  } catch (error) {
    const rule = `names a file that ${whyUnusable(error, what)}`;
    return [{ variable, rule, remedy: 'Correct the path or the file' }];
  }
}

function readPem(path: string): string {
  return readBounded(path, MOST_CERTIFICATE_BYTES).toString('utf8');
}

function whyUnusable(error: unknown, what: string): string {
  if (error instanceof UnfitFile) return error.message;
  const { code } = error as NodeJS.ErrnoException;
  const unreadable = code === 'ENOENT' || code === 'EACCES' || code === 'EISDIR';
  return unreadable ? `cannot be read (${code})` : `holds no ${what}`;
}

/** Every certificate of a bundle: behind one that is cut off, Node would ignore the rest without a word. */
function parseCertificates(pem: string): void {
  const blocks = pem
    .split(/(?=-----BEGIN )/)
    .filter((part) => /^-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/.test(part));
  if (blocks.length === 0) throw new Error('no certificate');
  for (const block of blocks) void new X509Certificate(block);
}

function keyFits({ tlsCertFile, tlsKeyFile }: DatabaseSettings): boolean {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return true;
  const certificate = new X509Certificate(readPem(tlsCertFile));
  return certificate.checkPrivateKey(createPrivateKey(readPem(tlsKeyFile)));
}
