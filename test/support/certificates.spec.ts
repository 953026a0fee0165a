import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ConnectionOptions, TLSSocket } from 'node:tls';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createTestCertificates, type CertificateFiles, type TestCertificates } from './certificates.js';
import { removeTemporaryDirectory } from './clean-up.js';
import { describeReal } from './redis-availability.js';
import { startRedisServer, type RedisServer } from './redis-server.js';

describeReal('certificates on a TLS server', () => {
  let certificates: TestCertificates;
  let server: RedisServer;
  const clients: Redis[] = [];

  beforeAll(async () => {
    certificates = await createTestCertificates();
    server = await startRedisServer({
      tls: { ...certificates.server, ca: certificates.ca },
      plainPort: true,
    });
  });

  afterEach(() => {
    for (const redis of clients.splice(0)) redis.disconnect();
  });

  afterAll(async () => {
    await server?.stop();
    removeTemporaryDirectory(certificates.dir);
  });

  /** PONG, or the code of the error that ended the connection. */
  async function ping(url: string, tls?: ConnectionOptions): Promise<string> {
    const options = {
      maxRetriesPerRequest: 0,
      retryStrategy: null,
      commandTimeout: 2_000,
      lazyConnect: true,
    };
    const redis = new Redis(url, { ...options, ...(tls && { tls }) });
    clients.push(redis);
    const codes: string[] = [];
    redis.on('error', (error: NodeJS.ErrnoException) => codes.push(error.code ?? error.message));
    try {
      await redis.connect();
      return await redis.ping();
    } catch (error) {
      return codes[0] ?? (error instanceof Error ? error.message : String(error));
    }
  }

  /** Gives the running server another certificate, as a rotation does it. */
  async function serveWith({ cert, key }: CertificateFiles): Promise<void> {
    await server.admin().call('CONFIG', 'SET', 'tls-cert-file', cert, 'tls-key-file', key);
  }

  async function connected(): Promise<Redis> {
    const redis = new Redis(server.url(), { tls: trusting(), retryStrategy: null, lazyConnect: true });
    clients.push(redis);
    await redis.connect();
    return redis;
  }

  /** Serial number of the certificate that the server showed to this client. */
  const shownTo = (redis: Redis) => (redis.stream as TLSSocket).getPeerCertificate().serialNumber;

  const trusting = (): ConnectionOptions => ({ ca: readFileSync(certificates.ca) });

  function showing(files: CertificateFiles): ConnectionOptions {
    return { ...trusting(), cert: readFileSync(files.cert), key: readFileSync(files.key) };
  }

  it('a client that trusts the authority connects by IP address and by name', async () => {
    await expect(ping(server.url(), trusting())).resolves.toBe('PONG');
    await expect(ping(server.url({ host: 'localhost' }), trusting())).resolves.toBe('PONG');
  });

  it('a client that trusts nobody, or another authority, refuses the server', async () => {
    await expect(ping(server.url())).resolves.toBe('SELF_SIGNED_CERT_IN_CHAIN');
    const otherCa = readFileSync(certificates.otherCa);
    await expect(ping(server.url(), { ca: otherCa })).resolves.toBe('SELF_SIGNED_CERT_IN_CHAIN');
  });

  it('an expired certificate and one for another host are refused with codes of their own', async () => {
    await serveWith(certificates.expired);
    await expect(ping(server.url(), trusting())).resolves.toBe('CERT_HAS_EXPIRED');
    await serveWith(certificates.wrongHost);
    await expect(ping(server.url(), trusting())).resolves.toBe('ERR_TLS_CERT_ALTNAME_INVALID');
    await serveWith(certificates.server);
    await expect(ping(server.url(), trusting())).resolves.toBe('PONG');
  });

  it('a certificate of another authority is refused, and good for who trusts that one', async () => {
    await serveWith(certificates.untrusted);
    await expect(ping(server.url(), trusting())).resolves.toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE');
    await expect(ping(server.url(), { ca: readFileSync(certificates.otherCa) })).resolves.toBe('PONG');
    await serveWith(certificates.server);
  });

  it('a renewed certificate of the same authority is taken, and leaves live connections alone', async () => {
    const live = await connected();
    await serveWith(certificates.renewed);
    const next = await connected();
    await expect(Promise.all([live.ping(), next.ping()])).resolves.toEqual(['PONG', 'PONG']);
    expect(shownTo(next)).not.toBe(shownTo(live));
    await serveWith(certificates.server);
  });

  it('a certificate that is not valid yet is refused', async () => {
    const notBefore = new Date(Date.now() + 3_600_000);
    const altNames = ['127.0.0.1'];
    await serveWith(
      await certificates.authority.issue('future', { commonName: 'future', altNames, notBefore }),
    );
    await expect(ping(server.url(), trusting())).resolves.toBe('CERT_NOT_YET_VALID');
    await serveWith(certificates.server);
  });

  it('the plain port answers only where it was asked for', async () => {
    await expect(ping(server.url({ plain: true }))).resolves.toBe('PONG');
    const tlsOnly = await startRedisServer({ tls: { ...certificates.server, ca: certificates.ca } });
    try {
      expect(tlsOnly.plainPort).toBeUndefined();
      await expect(tlsOnly.admin().config('GET', 'port')).resolves.toEqual(['port', '0']);
      await expect(ping(tlsOnly.url({ plain: true }))).resolves.not.toBe('PONG');
    } finally {
      await tlsOnly.stop();
    }
  });

  it('mutual TLS serves only who shows a client certificate of the authority', async () => {
    const tls = { ...certificates.server, ca: certificates.ca, requireClientCert: true };
    const strict = await startRedisServer({ tls });
    try {
      await expect(ping(strict.url(), showing(certificates.client))).resolves.toBe('PONG');
      // The alert and the reset that follows it race: either one may be what the client sees first.
      await expect(ping(strict.url(), trusting())).resolves.toMatch(/CERTIFICATE_REQUIRED|ECONNRESET|EPIPE/);
      await expect(ping(strict.url(), showing(certificates.server))).resolves.toMatch(
        /UNSUPPORTED_CERTIFICATE|ECONNRESET|EPIPE/,
      );
      await expect(strict.admin().ping()).resolves.toBe('PONG');
    } finally {
      await strict.stop();
    }
  });

  it('every file is readable by its owner only', () => {
    const files = readdirSync(certificates.dir);
    expect(files).toContain('ca.crt');
    expect(files).not.toContain('ca.key');
    const modes = files.map((file) => statSync(join(certificates.dir, file)).mode & 0o777);
    expect(new Set(modes)).toEqual(new Set([0o600]));
  });
});
