import type { CertificateFiles, TestCertificates } from '../../support/certificates.js';
import type { FaultRow } from './fault-row.js';
import { configure, killClients } from './site-admin.js';
import type { Site } from './site.js';

type Choice = 'server' | 'expired' | 'wrongHost' | 'untrusted' | 'renewed';

/** The server shows another certificate; live connections keep the one that they were made with. */
async function show(site: Site, choice: Choice): Promise<void> {
  const { cert, key } = chosen(site.certificates, choice);
  await configure(site, { 'tls-cert-file': cert, 'tls-key-file': key });
}

function chosen(certificates: TestCertificates | undefined, choice: Choice): CertificateFiles {
  if (!certificates) throw new Error('This fault needs a site whose server speaks TLS (see needsTls)');
  return certificates[choice];
}

const withBad = (name: string, choice: Choice): FaultRow => ({
  name,
  family: 'tls',
  needsTls: true,
  effect: 'lost',
  inject: async (site) => {
    await show(site, choice);
    await killClients(site);
  },
  heal: (site) => show(site, 'server'),
  reasons: ['reset', 'tls'],
  unknownOutcomes: true,
});

/** What the certificate of a server can be. Verification happens at connect, so each fault ends what is connected. */
export const TLS_FAULTS: readonly FaultRow[] = [
  withBad('certificate expired', 'expired'),
  withBad('certificate for another host', 'wrongHost'),
  withBad('certificate of another authority', 'untrusted'),
  {
    name: 'certificate renewed',
    family: 'tls',
    needsTls: true,
    // The renewal itself disturbs nobody; it is the lost connections that show whether the new one is trusted.
    effect: 'slowed',
    inject: async (site) => {
      await show(site, 'renewed');
      await killClients(site);
    },
    heal: (site) => show(site, 'server'),
    reasons: ['reset'],
    unknownOutcomes: true,
  },
];
