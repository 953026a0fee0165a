import { X509Certificate, createHash, createPrivateKey } from 'node:crypto';
import { isIP } from 'node:net';
import { type SecureContext, createSecureContext } from 'node:tls';
import { type Fault, MOST_CERTIFICATE_BYTES, UnfitFile, readBounded } from '../config/index.js';
import type { RedisTarget } from './connection-url.js';
import type { PurposeDefinition } from './purposes.js';
import type { PurposeSettings } from './redis.config.js';

/** TLS material, Keys and certificates are inside the context, where no printer reaches them. */
export interface TlsMaterial {
  readonly secureContext?: SecureContext;
  readonly clientCertificate?: boolean;
  /** Tells two contexts apart by what their files held. */
  readonly fingerprint?: string;
  /** The name to expect where it is not the host that is dialled. */
  readonly servername?: string;
}

interface TlsRequest {
  readonly purpose: string;
  readonly definition: PurposeDefinition;
  readonly own: PurposeSettings;
}

/** What is wrong with the TLS files of a purpose. */
export function tlsFileFaults({ own, definition, purpose }: TlsRequest, target: RedisTarget): Fault[] {
  const faults: Fault[] = [];
  const fault = (suffix: string, rule: string, remedy: string) =>
    faults.push({ variable: `${definition.env}_${suffix}`, purpose, rule, remedy });
  const check = (suffix: string, path: string | undefined, parse: (pem: string) => unknown, what: string) => {
    if (path === undefined) return;
    try {
      parse(readPem(path));
    } catch (error) {
      fault(suffix, `names a file that ${whyUnusable(error, what)}`, 'Correct the path or the file');
    }
  };
  check('TLS_CA_FILE', own.tlsCaFile, parseCertificates, 'PEM certificate');
  check('TLS_CERT_FILE', own.tlsCertFile, parseCertificates, 'PEM certificate');
  check('TLS_KEY_FILE', own.tlsKeyFile, (pem) => createPrivateKey(pem), 'unencrypted PEM key');
  if ((own.tlsCertFile === undefined) !== (own.tlsKeyFile === undefined)) {
    const missing = own.tlsCertFile === undefined ? 'TLS_CERT_FILE' : 'TLS_KEY_FILE';
    fault(missing, 'is not set although its counterpart is', 'A client certificate needs both files');
  }
  if (faults.length === 0 && !keyFits(own)) {
    const rule = `does not belong to the certificate in ${definition.env}_TLS_CERT_FILE`;
    fault('TLS_KEY_FILE', rule, 'Name the key that the certificate was made for');
  }
  const useless = own.tlsCaFile === undefined ? own.tlsCertFile && 'TLS_CERT_FILE' : 'TLS_CA_FILE';
  if (!target.tls && useless) {
    fault(useless, 'is set although the URL says redis://', 'Write rediss://, or set REDIS_TLS=true');
  }
  return faults;
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

/** A pair that does not fit would throw inside the client library, which then never tries again. */
function keyFits({ tlsCertFile, tlsKeyFile }: PurposeSettings): boolean {
  if (tlsCertFile === undefined || tlsKeyFile === undefined) return true;
  const certificate = new X509Certificate(readPem(tlsCertFile));
  return certificate.checkPrivateKey(createPrivateKey(readPem(tlsKeyFile)));
}

/** @throws Error when a file cannot be read or used; `tlsFileFaults` says why */
export function readTls(own: PurposeSettings, target: RedisTarget): TlsMaterial {
  if (!target.tls) return {};
  const paths = { ca: own.tlsCaFile, cert: own.tlsCertFile, key: own.tlsKeyFile };
  const given = Object.entries(paths).flatMap(([name, path]) =>
    path === undefined ? [] : [[name, path] as const],
  );
  const material = Object.fromEntries(given.map(([name, path]) => [name, readPem(path)]));
  return {
    secureContext: createSecureContext({ minVersion: 'TLSv1.2', ...material }),
    fingerprint: createHash('sha256').update(JSON.stringify(material)).digest('hex'),
    clientCertificate: own.tlsCertFile !== undefined,
    ...(own.tlsServername === undefined ? {} : { servername: own.tlsServername }),
  };
}

/** What Node's `tls.connect` takes of it; certificates are verified whatever the environment says. */
export function tlsOptions(material: TlsMaterial, host: string) {
  return { ...expectedName(material, host), ...contextOf(material), rejectUnauthorized: true };
}

/** The name for SNI and for the certificate, which Node does not take from the host. Undefined for an IP address. */
export function expectedName({ servername }: TlsMaterial, host: string): { servername?: string } {
  const name = servername ?? (isIP(host) ? undefined : host);
  return name === undefined ? {} : { servername: name };
}

function contextOf({ secureContext }: TlsMaterial): { secureContext?: SecureContext } {
  return secureContext === undefined ? {} : { secureContext };
}
