import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { productionSettings } from '../support/production-settings.js';
import { createTestCertificates, type TestCertificates } from '../support/certificates.js';
import { temporaryDirectory } from '../support/clean-up.js';
import { freePort } from '../support/free-port.js';
import { createOwnBuild, type OwnBuild } from '../support/own-build.js';
import { describeReal } from '../support/redis-availability.js';
import { startRedisServer, type RedisServer } from '../support/redis-server.js';
import { startTcpProxy } from '../support/tcp-proxy.js';

/** In every password below, and in no output. */
const CANARY = 'canary-7f3a9c';
const STEMS = {
  rateLimit: 'RATE_LIMIT_REDIS',
  authCache: 'AUTH_CACHE_REDIS',
  securityTokens: 'SECURITY_TOKEN_REDIS',
  billingEvents: 'BILLING_EVENTS_REDIS',
};

interface Run {
  code: number;
  out: string;
  err: string;
  ms: number;
}

interface Document {
  exitCode: number;
  purposes: {
    purpose: string;
    outcome: string;
    runId?: string;
    isolation: string;
    sharedWith: string[];
    proofs: { fact: string; verdict: string }[];
    failures: { variable: string; reason: string; cause: string; remedy: string }[];
    warnings: { forgiven: boolean }[];
  }[];
}

let built: OwnBuild;
/** Without a `.env`, whatever lies in the checkout. */
let elsewhere = '';

beforeAll(() => {
  built = createOwnBuild('cli-e2e');
  elsewhere = temporaryDirectory('cli');
});

afterAll(() => built.remove());

async function cli(words: string, env: Record<string, string> = {}): Promise<Run> {
  const startedMs = performance.now();
  const run = await new Promise<Run>((resolve) => {
    const child = execFile(
      process.execPath,
      [built.cli, ...words.split(' ').filter(Boolean)],
      { cwd: elsewhere, env: { PATH: process.env['PATH'], ...env }, timeout: 120_000 },
      (_, out, err) => resolve({ code: child.exitCode ?? -1, out, err, ms: performance.now() - startedMs }),
    );
  });
  expect(`${run.out}${run.err}`).not.toContain(CANARY);
  return run;
}

async function checkJson(env: Record<string, string>): Promise<Document> {
  const { out, code } = await cli('redis check --json', env);
  const document = JSON.parse(out) as Document;
  expect(document.exitCode).toBe(code);
  return document;
}

/** The same suffix for every purpose. */
function each(suffix: string, value: (purpose: string) => string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(STEMS).map(([purpose, stem]) => [`${stem}_${suffix}`, value(purpose)]),
  );
}

describe('the command line', () => {
  it('shows its help without loading the container', async () => {
    const { code, out, err, ms } = await cli('--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('Usage: bulkhead');
    expect(ms).toBeLessThan(3000);
  });

  it('shows the version of the package', async () => {
    expect(await cli('--version')).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  it.each(['', 'nonsense', 'redis', 'redis check --nonsense', 'redis check --purpose', 'redis check extra'])(
    'refuses "%s" with the usage on stderr',
    async (words) => {
      const { code, out, err } = await cli(words);
      expect({ code, out }).toEqual({ code: 64, out: '' });
      expect(err).toContain('Usage: bulkhead');
    },
  );

  it('refuses a purpose that the table does not have, and names those that it has', async () => {
    const { code, err } = await cli('redis check --purpose authcache');
    expect(code).toBe(64);
    expect(err).toContain('rateLimit, authCache, securityTokens, billingEvents');
  });
});

describe('env', () => {
  it('prints a template that passes its own check', async () => {
    const { code, out } = await cli('env');
    expect(code).toBe(0);
    writeFileSync(join(elsewhere, 'template.env'), out);
    expect(await cli('env --check template.env')).toMatchObject({
      code: 0,
      out: 'template.env: no fault (profile development)\n',
    });
  });

  it('lists every fault of a file, and guesses what a misspelt name meant', async () => {
    const lines = [
      `REDIS_URL=redis://user:${CANARY}@127.0.0.1`,
      'PORT=many',
      'LOG_LEVEL=loud',
      'REDIS_START_DEADLINE_MS=soon',
      'AUTH_CACHE_REDIS_URI=redis://127.0.0.1',
      `redis://user:${CANARY}=@127.0.0.1`,
    ];
    writeFileSync(join(elsewhere, 'bad.env'), lines.join('\n'));
    const { code, out } = await cli('env --check bad.env');
    expect(code).toBe(78);
    for (const name of ['PORT', 'LOG_LEVEL', 'REDIS_START_DEADLINE_MS']) expect(out).toContain(`- ${name}: `);
    expect(out).toContain('bad.env: 3 faults (profile development)');
    expect(out).toContain('AUTH_CACHE_REDIS_URI is not read by anything; is AUTH_CACHE_REDIS_URL meant?');
    expect(out).toContain('a line is not of the form NAME=value');
  });

  it('lists what production asks for and a file lacks', async () => {
    writeFileSync(join(elsewhere, 'prod.env'), `APP_PROFILE=production\nREDIS_URL=redis://:${CANARY}@h\n`);
    const { code, out } = await cli('env --check prod.env');
    expect(code).toBe(78);
    for (const name of ['OPS_TOKEN', 'RATE_LIMIT_KEY_SECRET', 'AUTH_CACHE_REDIS_USERNAME', 'REDIS_URL'])
      expect(out).toContain(`- ${name}`);
  });

  it('judges with the variables of its process, as a start would', async () => {
    writeFileSync(join(elsewhere, 'local.env'), `REDIS_URL=redis://127.0.0.1\n`);
    expect(await cli('env --check local.env')).toMatchObject({ code: 0 });
    for (const env of [{ NODE_ENV: 'production' }, { APP_PROFILE: 'production' }]) {
      const { code, out } = await cli('env --check local.env', env);
      expect(code).toBe(78);
      expect(out).toMatch(/^local\.env: \d\d faults \(profile production\)\n/);
      expect(out).toContain(`of this process, which wins over the file: ${Object.keys(env)[0]}`);
    }
  });

  it('refuses a file that is not there', async () => {
    expect(await cli('env --check missing.env')).toMatchObject({ code: 64 });
  });
});

describe('redis purposes', () => {
  it('shows the matrix without an environment', async () => {
    const { code, out } = await cli('redis purposes');
    expect(code).toBe(0);
    for (const [purpose, stem] of Object.entries(STEMS))
      expect(out).toMatch(new RegExp(`^${purpose} .*${stem}_URL, else REDIS_URL`, 'm'));
  });

  it('gives the rows as JSON', async () => {
    const { out } = await cli('redis purposes --json');
    const { purposes } = JSON.parse(out) as { purposes: { purpose: string; namespace: string }[] };
    expect(purposes.map(({ purpose }) => purpose)).toEqual(Object.keys(STEMS));
  });
});

describe('redis check on embedded engines', () => {
  it('passes in the demo profile', async () => {
    const { code, out } = await cli('redis check', { APP_PROFILE: 'demo' });
    expect({ code, sum: out.trimEnd().split('\n').at(-1) }).toEqual({
      code: 0,
      sum: '4 ok, 0 misconfigured, 0 unreachable (profile demo)',
    });
  });

  it('shows a purpose that the settings switch off as not used', async () => {
    const { code, out } = await cli('redis check', { APP_PROFILE: 'demo', RATE_LIMIT_BACKEND: 'memory' });
    expect(code).toBe(0);
    expect(out).toMatch(/^off +rateLimit/m);
    expect(out).toContain('3 ok');
  });
});

describeReal('redis check on real servers', () => {
  let plain: RedisServer;
  const quick = { APP_PROFILE: 'development', REDIS_START_DEADLINE_MS: '1s' };

  beforeAll(async () => {
    plain = await startRedisServer({ requirepass: CANARY });
  });
  afterAll(() => plain.stop());

  it('reports every fault of the settings as a start does', async () => {
    const { code, err } = await cli('redis check', { PORT: 'x', REDIS_START_DEADLINE_MS: 'y' });
    expect(code).toBe(78);
    // The two broken ones, and the four purposes that have no server.
    expect(err).toContain('Refusing to start: 6 configuration faults.');
  });

  it('passes on a good server, sees that all purposes share it and what production would refuse', async () => {
    const { exitCode, purposes } = await checkJson({ ...quick, REDIS_URL: plain.url() });
    expect(exitCode).toBe(0);
    expect(purposes.map(({ purpose }) => purpose)).toEqual(Object.keys(STEMS));
    expect(new Set(purposes.map(({ runId }) => runId)).size).toBe(1);
    for (const { purpose, isolation, sharedWith, proofs, warnings } of purposes) {
      expect(isolation).toBe('namespace');
      expect(sharedWith).toEqual(Object.keys(STEMS).filter((other) => other !== purpose));
      expect(proofs).toContainEqual(expect.objectContaining({ fact: 'anonymous', verdict: 'proven' }));
      expect(warnings.some(({ forgiven }) => forgiven)).toBe(true);
    }
  });

  it('prints one line for a purpose, with its address, variable, user and server', async () => {
    const env = { ...quick, REDIS_URL: 'redis://127.0.0.1:1', AUTH_CACHE_REDIS_URL: plain.url({ db: 3 }) };
    const { code, out } = await cli('redis check --purpose authCache', env);
    expect(code).toBe(0);
    expect(out).toMatch(
      new RegExp(
        `^ok +authCache +redis://127.0.0.1:${plain.port}/3 +AUTH_CACHE_REDIS_URL +default +3 +\\d`,
        'm',
      ),
    );
    expect(out).not.toContain('billingEvents');
  });

  it('tells a wrong password from a server that is away', async () => {
    const env = {
      ...quick,
      REDIS_URL: plain.url(),
      AUTH_CACHE_REDIS_PASSWORD: `not-${CANARY}`,
      SECURITY_TOKEN_REDIS_URL: `redis://127.0.0.1:${await freePort()}`,
    };
    const { exitCode, purposes } = await checkJson(env);
    expect(exitCode).toBe(78);
    expect(purposes.map(({ outcome }) => outcome)).toEqual(['up', 'misconfigured', 'unreachable', 'up']);
    expect(purposes[1]?.failures[0]).toMatchObject({ variable: 'AUTH_CACHE_REDIS_PASSWORD', reason: 'auth' });
    expect(purposes[2]?.failures[0]).toMatchObject({
      variable: 'SECURITY_TOKEN_REDIS_URL',
      reason: 'refused',
    });
  });

  it('exits 69 when nothing listens', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    const { code, out } = await cli('redis check -p rateLimit', { ...quick, REDIS_URL: url });
    expect(code).toBe(69);
    expect(out).toMatch(/reason: refused\n +cause: +nothing listens there\n +remedy: REDIS_URL: /);
  });

  it('exits 69 soon after the deadline when servers swallow everything', async () => {
    const proxy = await startTcpProxy({ targetPort: plain.port });
    await proxy.blackHole();
    const { code, out, ms } = await cli('redis check', {
      ...quick,
      REDIS_URL: plain.url({ port: proxy.port }),
    });
    await proxy.stop();
    expect(code).toBe(69);
    expect(out).toContain('4 unreachable');
    expect(out).toContain('reason: timeout');
    console.info(`black-holed: ended after ${Math.round(ms)} ms with a deadline of 1000 ms`);
    expect(ms).toBeLessThan(10_000);
  });
});

describeReal('redis check in production', () => {
  let certificates: TestCertificates;
  let server: RedisServer;
  let env: Record<string, string>;
  const secret = `${CANARY}-of-32-bytes-or-more-for-production`;

  beforeAll(async () => {
    certificates = await createTestCertificates();
    const { out } = await cli('redis acl');
    const acl = ['user default off', ...out.trim().replaceAll('PASSWORD', CANARY).split('\n')];
    const { server: pair, ca } = certificates;
    server = await startRedisServer({ tls: { ...pair, ca }, acl, appendonly: true });
    const namespaces: Record<string, string> = { rateLimit: 'rl', authCache: 'auth', securityTokens: 'st' };
    env = {
      ...(productionSettings() as Record<string, string>),
      APP_PROFILE: 'production',
      REDIS_START_DEADLINE_MS: '2s',
      REDIS_URL: server.url(),
      OPS_TOKEN: secret,
      RATE_LIMIT_KEY_SECRET: `${secret}-2`,
      ...each('USERNAME', (purpose) => `bulkhead-${namespaces[purpose] ?? 'billing'}`),
      ...each('PASSWORD', () => CANARY),
      ...each('TLS_CA_FILE', () => ca),
    };
  });
  afterAll(() => server.stop());

  it('passes with users made of the printed ACL rules', async () => {
    const { exitCode, purposes } = await checkJson(env);
    expect(purposes.flatMap(({ failures }) => failures)).toEqual([]);
    expect(exitCode).toBe(0);
    for (const { proofs } of purposes)
      expect(proofs.filter(({ verdict }) => verdict !== 'proven')).toEqual([]);
  });

  it('refuses a server whose certificate another authority signed', async () => {
    const wrong = { ...env, ...each('TLS_CA_FILE', () => certificates.otherCa) };
    const { exitCode, purposes } = await checkJson(wrong);
    expect(exitCode).toBe(78);
    expect(purposes[0]?.failures[0]).toMatchObject({
      variable: 'RATE_LIMIT_REDIS_TLS_CA_FILE',
      reason: 'tls',
    });
  });

  it('refuses a billing server without append-only file', async () => {
    await server.admin().config('SET', 'appendonly', 'no');
    const { exitCode, purposes } = await checkJson(env);
    await server.admin().config('SET', 'appendonly', 'yes');
    expect(exitCode).toBe(78);
    expect(purposes.map(({ outcome }) => outcome)).toEqual(['up', 'up', 'up', 'misconfigured']);
    expect(purposes[3]).toMatchObject({
      failures: [{ variable: 'REDIS_URL', reason: 'persistence' }],
      proofs: [{ fact: 'persistence', verdict: 'contradicted' }],
    });
  });
});

describeReal('redis acl', () => {
  it('prints lines that a 7.0 server loads as a file and as a command', async () => {
    const { out } = await cli('redis acl --purpose billingEvents --user events --db 2');
    const line = out.trim().replace('PASSWORD', CANARY);
    const server = await startRedisServer({ acl: [line] });
    const [, name = '', ...rules] = line.split(' ');
    expect(await server.admin().call('ACL', 'SETUSER', name, ...rules)).toBe('OK');
    expect(await server.admin().call('ACL', 'DRYRUN', 'events', 'SELECT', '2')).toBe('OK');
    expect(String(await server.admin().call('ACL', 'DRYRUN', 'events', 'FLUSHALL'))).toContain(
      'no permissions',
    );
    await server.stop();
  });

  it('prints one rule for every server that a start accepts, and none for an older one', async () => {
    const { out: newer } = await cli('redis acl -p rateLimit --redis-version 7.2');
    expect((await cli('redis acl -p rateLimit')).out).toBe(newer);
    expect(await cli('redis acl --redis-version 6.2.14')).toMatchObject({ code: 64, out: '' });
    expect(await cli('redis acl --redis-version new')).toMatchObject({ code: 64, out: '' });
  });
});
