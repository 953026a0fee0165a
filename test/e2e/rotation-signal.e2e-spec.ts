import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT } from '../../src/kernel/errors.js';
import { PURPOSES } from '../../src/redis/index.js';
import { type RunningApplication, startApplication } from '../support/application.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { waitFor } from '../support/wait-for.js';
import {
  LANES,
  PURPOSE_NAMES,
  authCalls,
  killLanes,
  lanesOn,
  setPasswords,
  usersOf,
} from './rotation/rig.js';
import { SecretFolder } from './rotation/secret-folder.js';

const OLD = 'canary-old-7Qz';
const NEW = 'canary-new-8Rx';
const VISITORS = 50;
const NOTHING_NEW = 'nothing has changed';

describeReal('SIGHUP to the built application', () => {
  const secrets = new SecretFolder();
  let server: RedisServer;
  let app: RunningApplication;

  beforeAll(async () => {
    server = await startRedisServer({ acl: usersOf(OLD), appendonly: true });
    secrets.write('password', OLD);
    const env = PURPOSE_NAMES.flatMap((purpose) => [
      [`${PURPOSES[purpose].env}_URL`, `redis://${purpose}@127.0.0.1:${server.port}`],
      [`${PURPOSES[purpose].env}_PASSWORD_FILE`, secrets.path('password')],
    ]);
    app = await startApplication({
      APP_PROFILE: 'development',
      REDIS_CREDENTIALS_CHECK_MS: '1h',
      ...(Object.fromEntries(env) as Record<string, string>),
    });
  });

  afterAll(async () => {
    app.process.kill('SIGKILL');
    await app.exit;
    await server.stop();
  });

  const applied = async (): Promise<number> => {
    const metrics = await (await fetch(`${app.origin}/metrics`)).text();
    const line = /^infra_redis_credential_rotations_total\{purpose="\w+",outcome="applied"\} (\d+)$/gm;
    return [...metrics.matchAll(line)].reduce((sum, [, count]) => sum + Number(count), 0);
  };

  it('says so when nothing has changed, and goes on', async () => {
    app.process.kill('SIGHUP');
    await waitFor(() => app.output().includes(NOTHING_NEW), { what: 'a log line' });
    expect((await fetch(`${app.origin}/readyz`)).status).toBe(200);
    expect(app.output().split(NOTHING_NEW)).toHaveLength(2);
  });

  it('a thousand times in a second says it a few times, and requests are answered', async () => {
    const before = app.output().split(NOTHING_NEW).length;
    const startMs = performance.now();
    const statuses: number[] = [];
    for (let times = 0; times < 1000; times += 1) {
      app.process.kill('SIGHUP');
      if (times % 100 === 0) statuses.push((await fetch(`${app.origin}/readyz`)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([200]));
    const said = () => app.output().split(NOTHING_NEW).length - before;
    await waitFor(() => said() >= 1, { what: 'a log line' });
    const seconds = Math.ceil((performance.now() - startMs) / 1000);
    expect(said()).toBeLessThanOrEqual(seconds + 1);
  });

  it('takes up what lies in the files, while requests go on and none fails', async () => {
    const visits = visit(app.origin);
    const before = await lanesOn(server);
    const asked = await authCalls(server);
    await setPasswords(server, `>${NEW}`);
    secrets.replace('password', NEW);
    expect(await applied(), 'nobody looks by himself within the hour').toBe(0);
    app.process.kill('SIGHUP');
    await waitFor(async () => (await applied()) === PURPOSE_NAMES.length, { what: 'four rotations' });
    await setPasswords(server, `<${OLD}`);
    const { answers, bad } = await visits.stop();

    console.info(`SIGHUP: ${answers} requests, ${bad.length} failed`);
    // The first few say enough: a test that fails would else print hundreds.
    expect(bad.slice(0, 5)).toEqual([]);
    expect(answers).toBeGreaterThan(VISITORS);
    expect(await lanesOn(server), 'the same connections').toEqual(before);
    expect((await authCalls(server)) - asked).toBe(LANES + PURPOSE_NAMES.length);
    expect(app.output()).toMatch(/New credentials of billingEvents from BILLING_EVENTS_REDIS_PASSWORD_FILE/);
    expect(app.lines(/canary/)).toEqual([]);
    await killLanes(server);
    await waitFor(async () => (await fetch(`${app.origin}/readyz/billingEvents`)).status === 200, {
      what: 'billingEvents to be back',
    });
  });

  it('is not the end: that is SIGTERM', async () => {
    app.process.kill('SIGTERM');
    expect((await app.exit).code).toBe(EXIT.ok);
  });
});

/** Requests that never stop. One that Redis limits is answered as it should be. */
function visit(origin: string) {
  const bad: string[] = [];
  let answers = 0;
  let going = true;
  const paths = ['/v1/isolation', ...PURPOSE_NAMES.map((purpose) => `/readyz/${purpose}`)];
  const visitors = Array.from({ length: VISITORS }, async (_, visitor) => {
    for (let n = visitor; going; n += 1) {
      const path = paths[n % paths.length] ?? '/readyz';
      const status = await fetch(origin + path).then(
        (response) => response.status,
        (error: unknown) => String(error),
      );
      answers += 1;
      if (status !== 200 && status !== 429) bad.push(`${path}: ${status}`);
    }
  });
  return {
    stop: async () => {
      going = false;
      await Promise.all(visitors);
      return { answers, bad };
    },
  };
}
