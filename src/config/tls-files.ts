import { X509Certificate, createPrivateKey } from 'node:crypto';
import { MOST_CERTIFICATE_BYTES, UnfitFile, readBounded } from './bounded-file.js';
import type { Fault } from './fault.js';

/** Paths of the PEM files of a client of TLS. */
export interface TlsFiles {
  readonly tlsCaFile?: string | undefined;
  readonly tlsCertFile?: string | undefined;
  readonly tlsKeyFile?: string | undefined;
}

/**
 * What is wrong with the files.
 *
 * @param prefix of their variables, such as `DATABASE` for `DATABASE_TLS_CA_FILE`
 */
export function judgeTlsFiles(files: TlsFiles, prefix: string): Fault[] {
  const { tlsCaFile, tlsCertFile, tlsKeyFile } = files;
  const faults = [
    ...fileFaults(`${prefix}_TLS_CA_FILE`, tlsCaFile, parseCertificates),
    ...fileFaults(`${prefix}_TLS_CERT_FILE`, tlsCertFile, parseCertificates),
    ...fileFaults(`${prefix}_TLS_KEY_FILE`, tlsKeyFile, parseKey),
  ];
  if ((tlsCertFile === undefined) !== (tlsKeyFile === undefined)) {
    const missing = tlsCertFile === undefined ? 'TLS_CERT_FILE' : 'TLS_KEY_FILE';
    faults.push({
      variable: `${prefix}_${missing}`,
      rule: 'is not set although its counterpart is',
      remedy: 'A client certificate needs both files',
    });
  }
  if (faults.length === 0 && !keyFits(files)) {
    faults.push({
      variable: `${prefix}_TLS_KEY_FILE`,
      rule: `does not belong to the certificate in ${prefix}_TLS_CERT_FILE`,
      remedy: 'Name the key that the certificate was made for',
    });
  }
  return faults;
}

/**
 * The files that are named, as `tls.createSecureContext` takes them.
 *
 * @throws Error when one cannot be read; `judgeTlsFiles` says why
 */
export function readTlsFiles({ tlsCaFile, tlsCertFile, tlsKeyFile }: TlsFiles): {
  readonly [name in 'ca' | 'cert' | 'key']?: string;
} {
  const paths = { ca: tlsCaFile, cert: tlsCertFile, key: tlsKeyFile };
  return Object.fromEntries(
    Object.entries(paths).flatMap(([name, path]) => (path === undefined ? [] : [[name, readPem(path)]])),
  );
}

/** What a file has to hold. Throws otherwise. */
interface PemParser {
  readonly what: string;
  readonly parse: (pem: string) => unknown;
}

/** Every certificate of a bundle: behind one that is cut off, Node would ignore the rest without a word. */
const parseCertificates: PemParser = {
  what: 'PEM certificate',
  parse: (pem) => {
    const blocks = pem
      .split(/(?=-----BEGIN )/)
      .filter((part) => /^-----BEGIN [A-Z0-9 ]*CERTIFICATE-----/.test(part));
    if (blocks.length === 0) throw new Error('no certificate');
    for (const block of blocks) void new X509Certificate(block);
  },
};

const parseKey: PemParser = { what: 'unencrypted PEM key', parse: (pem) => createPrivateKey(pem) };

function fileFaults(variable: string, path: string | undefined, { what, parse }: PemParser): Fault[] {
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

/** A pair that does not fit would throw inside the client library, which then never tries again. */
function keyFits({ tlsCertFile, tlsKeyFile }: TlsFiles): boolean {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return true;
  const certificate = new X509Certificate(readPem(tlsCertFile));
  return certificate.checkPrivateKey(createPrivateKey(readPem(tlsKeyFile)));
}
