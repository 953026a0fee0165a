import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { type SecureContext, createSecureContext } from 'node:tls';
import { type Fault, judgeTlsFiles, readTlsFiles } from '../config/index.js';
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
  const faults: Fault[] = judgeTlsFiles(own, definition.env).map((one) => ({ ...one, purpose }));
  const useless = own.tlsCaFile === undefined ? own.tlsCertFile && 'TLS_CERT_FILE' : 'TLS_CA_FILE';
  if (!target.tls && useless) {
    faults.push({
      variable: `${definition.env}_${useless}`,
      purpose,
      rule: 'is set although the URL says redis://',
      remedy: 'Write rediss://, or set REDIS_TLS=true',
    });
  }
  return faults;
}

/** @throws Error when a file cannot be read or used; `tlsFileFaults` says why */
export function readTls(own: PurposeSettings, target: RedisTarget): TlsMaterial {
  if (!target.tls) return {};
  const material = readTlsFiles(own);
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
