import { randomUUID } from 'node:crypto';
import { eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { Secret } from '../../src/kernel/redact.js';
import { mailOutbox } from '../../src/mail/mail.tables.js';
import { SealedTargets } from '../../src/status/sealed-targets.js';
import { StatusSettings } from '../../src/status/status.config.js';
import { statusDeliveries, statusSubscriptions } from '../../src/status/status.tables.js';
import { type RunningApplication, startApplication } from '../support/application.js';
import { freshDatabase } from '../support/postgres.js';
import { describeReal } from '../support/redis-availability.js';
import { type RedisServer, startRedisServer } from '../support/redis-server.js';
import { type SqlHouse, openSqlHouse } from '../support/sql-house.js';
import { waitFor } from '../support/wait-for.js';
import { Receiver, isSigned } from './status/receiver.js';

const OPS_TOKEN = 'operators-of-the-fleet-tests-only';
const PII_KEYS = 'pii-keys-of-the-fleet-tests'.padEnd(40, '.');
const SECRET = 'whsec_of-the-fleet-tests';
const EACH = 250;
/** Deliveries that one process has in hand. */
const MOST_AT_ONCE = 16;

describeReal('Alerts of a fleet', () => {
  let redis: RedisServer;
  let sql: SqlHouse;
  let receiver: Receiver;
  let url: string;
  beforeAll(async () => {
    url = await freshDatabase();
    redis = await startRedisServer();
    sql = await openSqlHouse({ url, features: { status: 2 } });
    receiver = await Receiver.start();
    receiver.answer = (_call, response) => void setTimeout(() => response.writeHead(204).end(), 20);
  });
  afterAll(async () => {
    await sql?.close();
    await receiver?.stop();
    await redis?.stop();
  });

  const running: RunningApplication[] = [];
  afterEach(async () => {
    for (const application of running.splice(0)) {
      application.process.kill('SIGKILL');
      await application.exit;
    }
  });
  const start = async (): Promise<RunningApplication> => {
    const stems = ['RATE_LIMIT', 'AUTH_CACHE', 'SECURITY_TOKEN', 'BILLING_EVENTS'];
    const application = await startApplication({
      ...Object.fromEntries(stems.map((stem) => [`${stem}_REDIS_URL`, redis.url()])),
      APP_PROFILE: 'test',
      DATABASE_URL: url,
      OPS_TOKEN,
      STATUS_PII_KEYS: PII_KEYS,
      MAIL_OUTBOX_KEY: 'mail-key-of-the-fleet-tests'.padEnd(40, '.'),
      STATUS_WEBHOOK_ALLOW_LOOPBACK: 'true',
      STATUS_WEBHOOK_TIMEOUT_MS: '2s',
    });
    running.push(application);
    return application;
  };
  const subscribers = async (): Promise<void> => {
    const settings = Object.assign(new StatusSettings(), { piiKeys: new Secret(PII_KEYS) });
    const targets = new SealedTargets(settings);
    const rowOf = (channel: 'email' | 'webhook', target: string) => ({
      id: randomUUID(),
      channel,
      severity: 'all' as const,
      target: targets.seal(target),
      targetDigest: targets.digests(channel, target)[0] ?? '',
      secret: channel === 'webhook' ? targets.seal(SECRET) : null,
      confirmedAt: new Date(),
    });
    const rows = Array.from({ length: EACH }, (_, n) => [
      rowOf('email', `s${n}@example.org`),
      rowOf('webhook', receiver.url(`/hook/${n}`)),
    ]).flat();
    await sql.db.run((db) => db.insert(statusSubscriptions).values(rows));
  };

  it('reach each of 500 subscribers though one of two processes is killed on the way', async () => {
    await subscribers();
    const [victim, heir] = [await start(), await start()];
    const posted = await fetch(`${victim.origin}/v1/status/incidents`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${OPS_TOKEN}` },
      body: JSON.stringify({ severity: 'major', title: 'Down', body: 'It is down.' }),
    });
    expect([posted.status, await posted.json()]).toMatchObject([201, { deliveries: 2 * EACH }]);
    await waitFor(() => receiver.calls.length >= 40, { what: 'the first calls', intervalMs: 2 });
    victim.process.kill('SIGKILL');
    await victim.exit;
    const atKill = receiver.calls.length;
    expect(atKill).toBeLessThan(EACH);
    const rows = () => sql.db.run((db) => db.select().from(statusDeliveries));
    await waitFor(async () => (await rows()).every(({ sentAt, failedAt }) => sentAt ?? failedAt), {
      what: 'all deliveries to be settled',
      timeoutMs: 60_000,
    });
    const settled = await rows();
    expect([settled.length, settled.filter(({ sentAt }) => sentAt).length]).toEqual([500, 500]);
    expect(new Set(settled.map(({ subscriptionId }) => subscriptionId)).size).toBe(500);

    const mails = await sql.db.run((db) =>
      db.select().from(mailOutbox).where(eq(mailOutbox.template, 'status-incident')),
    );
    expect(mails).toHaveLength(EACH);

    const ids = new Map<string, Set<unknown>>();
    for (const call of receiver.calls) {
      expect(isSigned(call, SECRET)).toBe(true);
      const known = ids.get(call.path) ?? new Set();
      ids.set(call.path, known.add(call.headers['x-bulkhead-delivery']));
    }
    expect(ids.size).toBe(EACH);
    // Only what was in hand when the process died may have come twice, and a receiver can tell by the id.
    expect([...ids.values()].filter(({ size }) => size > 1)).toEqual([]);
    expect(receiver.calls.length - EACH).toBeLessThanOrEqual(MOST_AT_ONCE);
    console.info(`killed after ${atKill} calls; ${receiver.calls.length - EACH} webhooks were called twice`);
    expect(heir.process.exitCode).toBeNull();
  });
});
