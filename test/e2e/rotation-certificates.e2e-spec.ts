import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Environment } from '../../src/config/index.js';
import {
  type CertificateAuthority,
  type CertificateFiles,
  createAuthority,
} from '../support/certificates.js';
import { temporaryDirectory } from '../support/clean-up.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { type Load, startLoad } from './rotation/load.js';
import { type RotationRig, allUp, killLanes, openRig, warnings } from './rotation/rig.js';
import { SecretFolder } from './rotation/secret-folder.js';

const STEMS = ['RATE_LIMIT_REDIS', 'AUTH_CACHE_REDIS', 'SECURITY_TOKEN_REDIS', 'BILLING_EVENTS_REDIS'];

describeReal('Certificates in files', () => {
  const dir = temporaryDirectory('authorities');
  let first: CertificateAuthority;
  let second: CertificateAuthority;
  let shown: { first: CertificateFiles; second: CertificateFiles };
  let own: { first: CertificateFiles; second: CertificateFiles };
  /** What the server trusts. */
  let clientsOf: string;
  let server: RedisServer;
  let secrets: SecretFolder;
  let rig: RotationRig;
  let load: Load | undefined;
  let total = 0;

  beforeAll(async () => {
    first = await createAuthority(dir, 'first');
    second = await createAuthority(dir, 'second');
    const names = { commonName: 'localhost', altNames: ['localhost'] };
    shown = { first: await first.issue('server-1', names), second: await second.issue('server-2', names) };
    const client = { commonName: 'bulkhead', usage: 'client' as const };
    own = { first: await first.issue('client-1', client), second: await second.issue('client-2', client) };
    clientsOf = `${dir}/clients.crt`;
  });

  beforeEach(async () => {
    secrets = new SecretFolder();
    writeFileSync(clientsOf, pem(first.cert));
    server = await startRedisServer({
      appendonly: true,
      tls: { ...shown.first, ca: clientsOf, requireClientCert: true },
    });
  });

  afterEach(async () => {
    await load?.stop();
    total += load?.calls ?? 0;
    load = undefined;
    await rig.close();
    await server.stop();
  });

  afterAll(() => console.info(`Certificates in files: ${total} calls while they were replaced`));

  async function open(checkMs = '200ms'): Promise<void> {
    const files = {
      CA: secrets.write('ca', pem(first.cert)),
      CERT: secrets.write('cert', pem(own.first.cert)),
      KEY: secrets.write('key', pem(own.first.key)),
    };
    const env: Record<string, string> = {
      REDIS_URL: `rediss://localhost:${server.port}`,
      REDIS_CREDENTIALS_CHECK_MS: checkMs,
    };
    for (const stem of STEMS)
      for (const [name, path] of Object.entries(files)) env[`${stem}_TLS_${name}_FILE`] = path;
    rig = await openRig(env satisfies Environment);
    await allUp(rig);
  }

  const show = ({ cert, key }: CertificateFiles) =>
    server.admin().call('CONFIG', 'SET', 'tls-cert-file', cert, 'tls-key-file', key);

  const trust = async (...authorities: readonly CertificateAuthority[]) => {
    writeFileSync(clientsOf, authorities.map(({ cert }) => pem(cert)).join(''));
    await server.admin().call('CONFIG', 'SET', 'tls-ca-cert-file', clientsOf);
  };

  it('may name the old authority and the new one, and then the new one only, and no call fails', async () => {
    await open();
    load = startLoad(rig);
    secrets.replace('ca', pem(first.cert) + pem(second.cert));
    await rig.applied(1);
    await show(shown.second);
    secrets.replace('ca', pem(second.cert));
    await rig.applied(2);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(warnings(rig)).toEqual([]);
    await killLanes(server);
    await allUp(rig);
  });

  it('may be a new certificate of the client, and no call fails', async () => {
    await open();
    load = startLoad(rig);
    await trust(first, second);
    secrets.replace('cert', pem(own.second.cert));
    secrets.replace('key', pem(own.second.key));
    await rig.applied(1);
    await trust(second);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(warnings(rig)).toEqual([]);
    await killLanes(server);
    await allUp(rig);
  });

  it('are not used while key and certificate do not belong together', async () => {
    await open();
    load = startLoad(rig);
    await trust(first, second);
    secrets.replace('cert', pem(own.second.cert));
    await waitFor(() => warnings(rig).length === STEMS.length, { what: 'a warning of every purpose' });
    for (const line of warnings(rig))
      expect(line).toMatch(/_TLS_KEY_FILE: does not belong to the certificate/);
    secrets.replace('key', pem(own.second.key));
    await rig.applied(1);
    await load.stop();
    expect(load.failures).toEqual([]);
    expect(warnings(rig)).toHaveLength(STEMS.length);
  });

  it('are not used when the server does not accept the certificate of the client', async () => {
    await open();
    load = startLoad(rig);
    secrets.replace('cert', pem(own.second.cert));
    secrets.replace('key', pem(own.second.key));
    await waitFor(() => warnings(rig).length === STEMS.length, { what: 'a warning of every purpose' });
    await load.stop();
    expect(load.failures).toEqual([]);
    for (const line of warnings(rig)) expect(line).toMatch(/_TLS_CERT_FILE: .*client certificate \(tls\)/);
    await killLanes(server);
    await allUp(rig);
  });

  it('are looked at again at once when a handshake fails', async () => {
    await open('1h');
    await show(shown.second);
    secrets.replace('ca', pem(second.cert));
    await killLanes(server);
    await allUp(rig);
    expect(await rig.rotations('securityTokens', 'applied')).toBe(1);
  });
});

function pem(path: string): string {
  return readFileSync(path, 'utf8');
}
