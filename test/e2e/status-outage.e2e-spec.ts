import { count, sql as text } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { statusDeliveries, statusSubscriptions } from '../../src/status/status.tables.js';
import { UnsubscribeLinks } from '../../src/status/subscriptions/unsubscribe-links.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Caller } from './auth/caller.js';
import { AuthHouse, OPS_TOKEN } from './auth/house.js';
import { Receiver } from './status/receiver.js';

const SUBSCRIPTIONS = '/v1/status/subscriptions';
const CONFIRM = 'Confirm your status alerts';

describeReal('Status alerts that cannot be delivered', () => {
  let house: AuthHouse;
  let receiver: Receiver;
  beforeAll(async () => {
    house = await AuthHouse.open({ separate: true, env: { STATUS_WEBHOOK_ALLOW_LOOPBACK: 'true' } });
    receiver = await Receiver.start();
  });
  afterAll(async () => {
    await house.close();
    await receiver.stop();
  });

  const db = () => house.first.app.get<FeatureDatabase>(getDatabaseToken('status'), { strict: false });
  const post = (path: string, body: unknown, token?: string) =>
    new Caller(house.first).post(path, body, token);
  const incident = () =>
    post('/v1/status/incidents', { severity: 'major', title: 'x', body: 'x' }, OPS_TOKEN);
  const subscription = async () => (await db().run((sql) => sql.select().from(statusSubscriptions)))[0];
  const dueNow = () => db().run((sql) => sql.update(statusDeliveries).set({ dueAt: text`now()` }));
  const lastCall = (calls: number) =>
    waitFor(() => receiver.calls.length >= calls, { what: `call ${calls}`, timeoutMs: 20_000 });

  it('are tried again; a webhook that took nothing for days is not called any more until it asks again', async () => {
    const subscribe = () =>
      post(SUBSCRIPTIONS, { channel: 'webhook', target: receiver.url(), severity: 'all' });
    const answerChallenge = async (from: number) => {
      await lastCall(from);
      const { token } = JSON.parse(receiver.calls.at(-1)?.body ?? '{}') as { token: string };
      expect((await post(`${SUBSCRIPTIONS}/challenge`, { token })).status).toBe(200);
    };
    await subscribe();
    await answerChallenge(1);
    receiver.answer = (_call, response) => void response.writeHead(500).end();
    expect((await incident()).body.deliveries).toBe(1);
    await lastCall(2);
    await waitFor(async () => (await subscription())?.failingSince, {
      what: 'the failure',
      timeoutMs: 10_000,
    });
    expect((await subscription())?.disabledAt).toBeNull();
    // As if that had been four days ago: the third attempt of a delivery is one too many.
    await db().run((sql) =>
      sql.update(statusSubscriptions).set({ failingSince: text`now() - interval '4 days'` }),
    );
    await waitFor(
      async () => {
        await dueNow();
        return (await subscription())?.disabledAt;
      },
      { what: 'the webhook to be disabled', timeoutMs: 20_000, intervalMs: 200 },
    );
    expect((await incident()).body.deliveries).toBe(0);
    await waitFor(
      async () => {
        await dueNow();
        const rows = await db().run((sql) => sql.select().from(statusDeliveries));
        return rows.some(({ failedAt, lastReason }) => failedAt && lastReason === 'disabled');
      },
      { what: 'the delivery to be given up', timeoutMs: 20_000, intervalMs: 200 },
    );
    receiver.answer = (_call, response) => void response.writeHead(204).end();
    const calls = receiver.calls.length;
    await subscribe();
    await answerChallenge(calls + 1);
    expect(await subscription()).toMatchObject({ failingSince: null, disabledAt: null });
    expect((await incident()).body.deliveries).toBe(1);
    await lastCall(calls + 2);
  });

  it('are neither asked for nor confirmed while securityTokens is away, and are ended all the same', async () => {
    const target = 'outage@example.org';
    const wish = { channel: 'email', target, severity: 'all' };
    expect((await post(SUBSCRIPTIONS, wish)).status).toBe(202);
    const token = await house.mailedToken(target, CONFIRM);
    const state = async () => [
      (await db().run((sql) => sql.select({ n: count() }).from(statusSubscriptions)))[0]?.n,
      await house.first.mailCount(),
    ];
    const before = await state();
    const row = (await db().run((sql) => sql.select().from(statusSubscriptions))).find(
      ({ channel }) => channel === 'email',
    );
    const links = house.first.app.get(UnsubscribeLinks, { strict: false });
    await house.redis('SECURITY_TOKEN').kill9();
    const closed = { status: 503, problem: 'compartment-unavailable' };
    const answers = [
      await post(SUBSCRIPTIONS, { ...wish, target: 'other@example.org' }),
      await post(SUBSCRIPTIONS, { ...wish, channel: 'webhook', target: receiver.url('/other') }),
      await post(`${SUBSCRIPTIONS}/verify`, { token }),
    ];
    for (const answer of answers) {
      expect(answer).toMatchObject(closed);
      expect(answer.headers.has('retry-after')).toBe(true);
    }
    expect(await state()).toEqual(before);
    expect((await incident()).status).toBe(201);
    const link = links.linkOf({ id: row?.id ?? '', linkEpoch: row?.linkEpoch ?? 0 });
    expect((await post(`${SUBSCRIPTIONS}/unsubscribe`, { token: link.token })).status).toBe(200);
    await house.redis('SECURITY_TOKEN').restart();
    // It had ended meanwhile: the consent of before is none any more.
    const late = await waitFor(
      async () => {
        const answer = await post(`${SUBSCRIPTIONS}/verify`, { token });
        return answer.status === 503 ? undefined : answer;
      },
      { what: 'securityTokens to be back', timeoutMs: 20_000 },
    );
    expect(late.status).toBe(400);
  });
});
