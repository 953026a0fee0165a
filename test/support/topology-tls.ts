import { removeTemporaryDirectory } from './clean-up.js';
import { createTestCertificates, type TestCertificates } from './certificates.js';
import type { RedisTlsOptions } from './redis-config.js';

/** `true` makes an authority and certificates for this topology; given ones are used and left alone. */
export type TopologyTls = boolean | TestCertificates;

export interface PreparedTls {
  certificates: TestCertificates;
  /** For every server of the topology: they all show the same certificate, which is good for 127.0.0.1. */
  options: RedisTlsOptions;
  remove(): void;
}

export async function prepareTls(
  wanted: TopologyTls | undefined,
  requireClientCert = false,
): Promise<PreparedTls | undefined> {
  if (!wanted) return undefined;
  const certificates = wanted === true ? await createTestCertificates() : wanted;
  const { ca, server, client } = certificates;
  return {
    certificates,
    options: { ...server, ca, clientCert: client.cert, clientKey: client.key, requireClientCert },
    remove: () => {
      if (wanted === true) removeTemporaryDirectory(certificates.dir);
    },
  };
}
