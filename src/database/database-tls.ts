import { type ConnectionOptions, checkServerIdentity, createSecureContext } from 'node:tls';
import { type Fault, judgeTlsFiles, readTlsFiles } from '../config/index.js';
import type { DatabaseSettings } from './database.config.js';
import type { DatabaseTarget } from './database-url.js';

/** What is wrong with the TLS files. */
export function tlsFileFaults(settings: DatabaseSettings, { tls }: DatabaseTarget): Fault[] {
  const faults = judgeTlsFiles(settings, 'DATABASE');
  const { tlsCaFile, tlsCertFile } = settings;
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
  return {
    secureContext: createSecureContext({ minVersion: 'TLSv1.2', ...readTlsFiles(settings) }),
    rejectUnauthorized: true,
    // The client library always sends the host as the name, so another one is expected here.
    ...(expected === undefined
      ? {}
      : { checkServerIdentity: (_host, certificate) => checkServerIdentity(expected, certificate) }),
  };
}
