import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type TestCertificates, createTestCertificates } from '../support/certificates.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import { type Load, startLoad } from './rotation/load.js';
import { type RotationRig, allUp, killLanes, openRig, usersOf, warnings } from './rotation/rig.js';
import { SecretFolder } from './rotation/secret-folder.js';

const GOOD = 'canary-good-7Qz';
const CANARY = /canary/i;

interface BadInput {
  readonly title: string;
  readonly spoil: (at: Site) => void;
  readonly variable: string;
  readonly rule: RegExp;
  readonly outcome: 'unreadable' | 'refused' | 'restart';
}

interface Site {
  readonly secrets: SecretFolder;
  readonly certificates: TestCertificates;
  readonly server: RedisServer;
}

const PASSWORD = 'SECURITY_TOKEN_REDIS_PASSWORD_FILE';
const URL_FILE = 'RATE_LIMIT_REDIS_URL_FILE';
const CA = 'AUTH_CACHE_REDIS_TLS_CA_FILE';

const password = (title: string, spoil: BadInput['spoil'], rule: RegExp): BadInput => ({
  title: `a password file ${title}`,
  spoil,
  variable: PASSWORD,
  rule,
  outcome: 'unreadable',
});

const url = (title: string, text: (at: Site) => string, rule: RegExp): BadInput => ({
  title: `a URL file ${title}`,
  spoil: (at) => at.secrets.replace('url', text(at)),
  variable: URL_FILE,
  rule,
  outcome: 'unreadable',
});

const authority = (title: string, text: (at: Site) => string, rule: RegExp): BadInput => ({
  title: `an authority file ${title}`,
  spoil: (at) => at.secrets.replace('ca', text(at)),
  variable: CA,
  rule,
  outcome: 'unreadable',
});

const INPUTS: readonly BadInput[] = [
  password('that is gone', ({ secrets }) => rmSync(secrets.path('password')), /cannot be read \(ENOENT\)/),
  password(
    'that has become a folder',
    ({ secrets }) => {
      rmSync(secrets.path('password'));
      mkdirSync(secrets.path('password'));
    },
    /cannot be read \(EISDIR\)/,
  ),
  password(
    'that has become a pipe',
    ({ secrets }) => {
      rmSync(secrets.path('password'));
      execFileSync('mkfifo', [secrets.path('password')]);
    },
    /is no regular file/,
  ),
  password(
    'that is too large',
    ({ secrets }) => secrets.replace('password', 'canary'.repeat(11_000)),
    /is larger than 64 KiB/,
  ),
  password('that is empty', ({ secrets }) => secrets.write('password', ''), /is empty/),
  password('that is a line break', ({ secrets }) => secrets.write('password', '\n'), /is empty/),
  password(
    'that ends with a line break',
    ({ secrets }) => secrets.write('password', `${GOOD}\n`),
    /ends with a line break.*printf '%s'/,
  ),
  {
    title: 'a password that the server does not know',
    spoil: ({ secrets }) => secrets.replace('password', 'canary-wrong'),
    variable: PASSWORD,
    rule: /refused the user or the password \(auth\).*Correct the file/,
    outcome: 'refused',
  },
  url('that is no URL', () => 'canary', /is not a URL/),
  url('with a query', ({ server }) => `${urlOf(server, GOOD)}/0?canary=1`, /query parameters/),
  {
    ...url(
      'with a password that the server does not know',
      ({ server }) => urlOf(server, 'canary-no'),
      /auth/,
    ),
    outcome: 'refused',
  },
  {
    ...url(
      'that names another database',
      ({ server }) => `${urlOf(server, GOOD)}/1`,
      /at the start.*Restart/,
    ),
    outcome: 'restart',
  },
  {
    ...url(
      'that names another server',
      () => `rediss://rateLimit:${GOOD}@localhost:1`,
      /at the start.*Restart/,
    ),
    outcome: 'restart',
  },
  authority('that holds no certificate', () => 'canary', /holds no PEM certificate/),
  authority(
    'that is cut off',
    ({ certificates }) => pem(certificates.ca).slice(0, -60),
    /no PEM certificate/,
  ),
  authority(
    'whose second certificate is cut off',
    ({ certificates }) => pem(certificates.ca) + pem(certificates.otherCa).slice(0, -60),
    /no PEM certificate/,
  ),
  {
    ...authority(
      'of an authority that the server is not from',
      ({ certificates }) => pem(certificates.otherCa),
      /not signed by a trusted authority \(tls\)/,
    ),
    outcome: 'refused',
  },
];

describeReal('While the application runs', () => {
  let server: RedisServer;
  let certificates: TestCertificates;
  let secrets: SecretFolder;
  let rig: RotationRig;
  let load: Load | undefined;
  let total = 0;

  beforeAll(async () => {
    certificates = await createTestCertificates();
    server = await startRedisServer({
      acl: usersOf(GOOD),
      appendonly: true,
      tls: { ...certificates.server, ca: certificates.ca },
    });
  });

  afterEach(async () => {
    await load?.stop();
    total += load?.calls ?? 0;
    load = undefined;
    await rig.close();
  });

  afterAll(async () => {
    await server.stop();
    console.info(`Bad input at run time: ${INPUTS.length} kinds, ${total} calls`);
  });

  async function open(): Promise<void> {
    secrets = new SecretFolder();
    const plain = (user: string) => `rediss://${user}@localhost:${server.port}`;
    rig = await openRig({
      REDIS_CREDENTIALS_CHECK_MS: '200ms',
      RATE_LIMIT_REDIS_URL_FILE: secrets.write('url', urlOf(server, GOOD)),
      RATE_LIMIT_REDIS_TLS_CA_FILE: certificates.ca,
      AUTH_CACHE_REDIS_URL: plain('authCache'),
      AUTH_CACHE_REDIS_PASSWORD: GOOD,
      AUTH_CACHE_REDIS_TLS_CA_FILE: secrets.write('ca', pem(certificates.ca)),
      SECURITY_TOKEN_REDIS_URL: plain('securityTokens'),
      SECURITY_TOKEN_REDIS_PASSWORD_FILE: secrets.write('password', GOOD),
      SECURITY_TOKEN_REDIS_TLS_CA_FILE: certificates.ca,
      BILLING_EVENTS_REDIS_URL: plain('billingEvents'),
      BILLING_EVENTS_REDIS_PASSWORD: GOOD,
      BILLING_EVENTS_REDIS_TLS_CA_FILE: certificates.ca,
    });
    await allUp(rig);
  }

  it.each(INPUTS.map((input) => [input.title, input] as const))(
    '%s changes nothing and is named once',
    async (_, { spoil, variable, rule, outcome }) => {
      await open();
      load = startLoad(rig);
      spoil({ secrets, certificates, server });
      await waitFor(() => warnings(rig).length > 0, { what: 'a warning' });
      // Looks that follow say nothing new.
      await rig.rotation.now();
      await rig.rotation.now();
      await load.stop();

      expect(load.failures).toEqual([]);
      expect(warnings(rig)).toHaveLength(1);
      expect(warnings(rig)[0]).toMatch(/^Keeping the (credentials|certificates) of \w+ in use: /);
      expect(warnings(rig)[0]).toContain(variable);
      expect(warnings(rig)[0]).toMatch(rule);
      expect(rig.log.map(({ text }) => text).join('\n')).not.toMatch(CANARY);
      const purpose = rig.status.all().find((one) => warnings(rig)[0]?.includes(` of ${one.purpose} `));
      expect(await rig.rotations(purpose?.purpose as 'rateLimit', outcome)).toBe(1);
      // What was in use is in use: new connections get in.
      await killLanes(server);
      await allUp(rig);
    },
  );
});

function urlOf(server: RedisServer, secret: string): string {
  return server.url({ username: 'rateLimit', password: secret, host: 'localhost' });
}

function pem(path: string): string {
  return readFileSync(path, 'utf8');
}
