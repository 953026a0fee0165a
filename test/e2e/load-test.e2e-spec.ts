import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { killOnExit, temporaryDirectory } from '../support/clean-up.js';
import { freePort } from '../support/free-port.js';
import { createOwnBuild, type OwnBuild } from '../support/own-build.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import type { LoadReport } from '../../src/cli/load-test/report.js';

let built: OwnBuild;
/** Without a `.env`, whatever lies in the checkout; the reports go here as well. */
let elsewhere = '';

beforeAll(() => {
  built = createOwnBuild('load-test-e2e');
  elsewhere = temporaryDirectory('load-test');
});
afterAll(() => built.remove());

/** Wide enough for any machine: these tests are about what is counted, not about how fast it is here. */
const PATIENT = '--max-p95-ms 10000';

function start(words: string, env: Record<string, string> = {}) {
  const file = join(elsewhere, `${Math.random()}.json`);
  const child = spawn(process.execPath, [built.cli, 'load-test', '--json', file, ...words.split(' ')], {
    cwd: elsewhere,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  killOnExit(child);
  const text = { out: '', err: '' };
  child.stdout.on('data', (data: Buffer) => (text.out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (text.err += data.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { child, text, ended, file };
}

async function loadTest(words: string, env: Record<string, string> = {}) {
  const { text, ended, file } = start(words, env);
  const code = await ended;
  const report = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LoadReport) : undefined;
  return { code, ...text, report };
}

function outcomes(report: LoadReport | undefined): Record<string, string> {
  const verdicts = report?.steps.at(-1)?.verdicts ?? [];
  return Object.fromEntries(verdicts.map(({ threshold, outcome }) => [threshold, outcome]));
}

async function isGone(origin: string): Promise<boolean> {
  return fetch(`${origin}/livez`).then(
    () => false,
    () => true,
  );
}

describeReal('A load test of the application itself', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());
  const onRedis = () => ({
    APP_PROFILE: 'development',
    REDIS_URL: redis.url(),
    // A busy machine must not make a decision miss its budget: who decides is what is looked at.
    RATE_LIMIT_REDIS_COMMAND_MS: '10s',
  });

  it('passes on a real server, with clients inside their limits, and leaves no process behind', async () => {
    // A hundred a second for three: one address alone would be denied after some 75.
    const { code, out, err, report } = await loadTest(`--target 60x --duration 3 ${PATIENT}`, onRedis());
    expect(err).not.toContain('error');
    expect(report?.steps).toHaveLength(1);
    const [step] = report?.steps ?? [];
    expect(step?.statuses).toEqual({ 200: 300 });
    expect(step?.clients).toMatchObject({ count: 25, limitPerMinute: 300, insideLimits: true });
    expect(step?.latencyMs.p50).toBeGreaterThan(0);
    expect(step?.elapsedSeconds).toBeGreaterThan(2.9);
    expect(step?.decisions).toEqual({ byBackend: { redis: expect.any(Number) } });
    expect(new Set(Object.values(outcomes(report)))).toEqual(new Set(['pass']));
    expect(report).toMatchObject({
      passed: true,
      exitCode: 0,
      target: { kind: 'own', profile: 'development', engine: 'redis' },
      machine: { node: process.version, loadBefore: expect.any(Number), loadAfter: expect.any(Number) },
    });
    // A machine that is busy with other tests makes the driver late, and the report says so.
    expect(report?.notes.filter((note) => !note.startsWith('The driver itself'))).toEqual([]);
    expect(out).toContain('PASSED');
    expect(code).toBe(0);
    expect(await isGone(report?.target.origin ?? '')).toBe(true);
  });

  it('stops the application when it is told to stop itself, and judges nothing', async () => {
    const { child, text, ended, file } = start('--duration 60', onRedis());
    await waitFor(() => /answered/.test(text.err), { what: 'a line of progress', timeoutMs: 20_000 });
    const origin = /Driving (http:\/\/127\.0\.0\.1:\d+)/.exec(text.err)?.[1] ?? '';
    expect(await isGone(origin)).toBe(false);
    child.kill('SIGTERM');
    expect(await ended).toBe(143);
    expect(await isGone(origin)).toBe(true);
    expect(existsSync(file)).toBe(false);
    expect(text.err).toContain('nothing is judged');
  });
});

describe('A load test without Redis', () => {
  it('runs on the demo profile and says so', async () => {
    const { code, out, report } = await loadTest(`--duration 2 ${PATIENT}`);
    expect(report?.target).toMatchObject({ profile: 'demo', engine: 'embedded' });
    expect(out).toContain('EMBEDDED engine');
    expect(out).toContain('note: No Redis is configured for rateLimit, authCache');
    expect(code).toBe(0);
  });

  it('misses the backend when limits are counted in memory', async () => {
    const { code, out, report } = await loadTest(`--duration 2 ${PATIENT}`, {
      APP_PROFILE: 'demo',
      RATE_LIMIT_BACKEND: 'memory',
    });
    expect(outcomes(report)).toEqual({
      p95: 'pass',
      '5xx': 'pass',
      '429': 'pass',
      other: 'pass',
      backend: 'fail',
    });
    const backend = report?.steps[0]?.verdicts.find(({ threshold }) => threshold === 'backend');
    expect(backend).toMatchObject({ measured: 0, why: expect.stringMatching(/^decided by memory: \d+$/) });
    expect(out).toContain('FAILED');
    expect(code).toBe(1);
  });

  it('refuses as a start would where the settings are wrong', async () => {
    const { code, err, report } = await loadTest('--duration 2', { APP_PROFILE: 'production' });
    expect(err).toContain('Refusing to start');
    expect(report).toBeUndefined();
    expect(code).toBe(78);
  });
});

describe('A load test of another deployment', () => {
  const servers: Server[] = [];
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });

  /** @param answer gets the number of the request among those of the test, from 1 */
  async function serve(answer: (count: number, response: ServerResponse) => unknown) {
    const seen: { path: string; authorization: string | undefined }[] = [];
    let count = 0;
    const server = createServer((request, response) => {
      const { authorization } = request.headers;
      seen.push({ path: request.url ?? '', authorization });
      if (request.url === '/metrics') return response.writeHead(404).end();
      // The first one reconnoitres and is not counted.
      if (seen.length === 1) return response.end();
      return answer((count += 1), response);
    });
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
  }

  it('misses 5xx when two answers in a hundred are 500, and sends what was planned and no more', async () => {
    const { url, seen } = await serve((count, response) =>
      response.writeHead(count % 50 === 0 ? 500 : 200).end(),
    );
    const token = { OPS_TOKEN: 'a-token-of-the-deployment' };
    const { code, out, report } = await loadTest(`--url ${url} --target 60x --duration 2 ${PATIENT}`, token);
    expect(report?.steps[0]?.statuses).toEqual({ 200: 196, 500: 4 });
    expect(outcomes(report)).toEqual({
      p95: 'pass',
      '5xx': 'fail',
      '429': 'not-judged',
      other: 'pass',
      backend: 'not-provable',
    });
    expect(report?.steps[0]?.verdicts[1]).toMatchObject({ measured: 2, limit: 1 });
    expect(out).toContain('up to 300 a minute are inside the limit');
    expect(code).toBe(1);
    const paths = seen.map(({ path }) => path);
    expect(paths.filter((path) => path === '/v1/isolation')).toHaveLength(201);
    expect(paths.filter((path) => path === '/metrics')).toHaveLength(1);
    expect(new Set(seen.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer a-token-of-the-deployment']),
    );
    expect(JSON.stringify(report) + out).not.toContain('a-token-of-the-deployment');
  });

  it('counts latency from the planned start: a server that serves one at a time is slow, not patient', async () => {
    // Ten a second are all that it can; each one takes 100 ms of its own.
    let line = Promise.resolve();
    const { url } = await serve((_, response) => {
      line = line.then(() => delay(100)).then(() => void response.end());
    });
    const { code, report } = await loadTest(`--url ${url} --target 20x --duration 2`);
    expect(outcomes(report)).toMatchObject({ p95: 'fail', '5xx': 'pass' });
    // The last of 67 is planned after 2 s and served after more than 6.
    expect(report?.steps[0]?.latencyMs.p95).toBeGreaterThan(3000);
    expect(report?.steps[0]?.counts.requests).toBe(67);
    expect(code).toBe(1);
  });

  it('cannot prove the backend without /metrics, which only --strict takes as missed', async () => {
    const { url } = await serve((_, response) => response.end());
    const words = `--url ${url} --target 3x --duration 2 ${PATIENT}`;
    const lenient = await loadTest(words);
    expect(outcomes(lenient.report)).toMatchObject({ '429': 'pass', backend: 'not-provable' });
    expect(lenient.code).toBe(0);
    const strict = await loadTest(`${words} --strict`);
    expect(strict.out).toContain('/metrics answers 404');
    expect(strict.code).toBe(1);
  });

  it('counts answers that are cut off, however good they began', async () => {
    const { url } = await serve((count, response) => {
      response.writeHead(200, { 'content-length': '10' }).write('half ');
      if (count % 10 === 0) setImmediate(() => response.destroy());
      else response.end('done.');
    });
    const { code, report } = await loadTest(`--url ${url} --target 60x --duration 1 ${PATIENT}`);
    expect(report?.steps[0]?.counts).toMatchObject({ requests: 100, good: 90, unanswered: 10 });
    expect(outcomes(report)).toMatchObject({ '5xx': 'fail' });
    expect(code).toBe(1);
  });

  it('follows no redirect to another host', async () => {
    const other = await serve((_, response) => response.end());
    const { url } = await serve((_, response) =>
      response.writeHead(302, { location: `${other.url}/v1/isolation` }).end(),
    );
    const { code, report } = await loadTest(`--url ${url} --target 3x --duration 2 ${PATIENT}`);
    expect(outcomes(report)).toMatchObject({ other: 'fail' });
    expect(other.seen).toEqual([]);
    expect(code).toBe(1);
  });

  it('finds the step at which a threshold breaks', async () => {
    const { url } = await serve((count, response) => response.writeHead(count > 30 ? 500 : 200).end());
    const { code, out, report } = await loadTest(
      `--url ${url} --find-capacity --baseline 300 --duration 1 ${PATIENT}`,
    );
    expect(report?.steps.map(({ counts }) => counts.requests)).toEqual([5, 8, 12, 17]);
    expect(report?.capacity).toEqual({
      lastGoodPerSecond: 11.25,
      brokenPerSecond: 16.875,
      broke: ['5xx'],
      endedBy: 'threshold',
    });
    expect(out).toContain('No threshold was missed up to 11.3 requests/s; at 16.9 broke: 5xx or no answer.');
    expect(code).toBe(0);
  });

  it('ends with 69 when nothing answers there', async () => {
    const { code, err, report } = await loadTest(`--url http://127.0.0.1:${await freePort()} --duration 2`);
    expect(err).toContain('cannot be reached (ECONNREFUSED)');
    expect(report).toBeUndefined();
    expect(code).toBe(69);
  });

  it('asks for the token where one is needed, instead of measuring how fast 401 is', async () => {
    const server = createServer((_, response) => response.writeHead(401).end());
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { code, err } = await loadTest(
      `--url http://127.0.0.1:${(server.address() as AddressInfo).port} --duration 2`,
    );
    expect(err).toContain('answers 401: set OPS_TOKEN');
    expect(code).toBe(64);
  });

  it.each(['--target 10', '--duration -1', '--url ftp://127.0.0.1', '--json /nowhere/at/all.json'])(
    'refuses "%s" with its usage',
    async (words) => {
      const { code, out, err } = await loadTest(words);
      expect({ code, out }).toEqual({ code: 64, out: '' });
      expect(err).toContain('Usage: bulkhead load-test');
    },
  );
});
