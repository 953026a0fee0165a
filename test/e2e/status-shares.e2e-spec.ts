import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { SealedTargets } from '../../src/status/sealed-targets.js';
import { type Channel, statusSubscriptions } from '../../src/status/status.tables.js';
import { type PostgresServer, startPostgres } from '../support/postgres.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Caller } from './auth/caller.js';
import { AuthHouse, OPS_TOKEN } from './auth/house.js';
import { Receiver } from './status/receiver.js';

/** Webhooks that one process calls at a time. */
const MOST_AT_ONCE = 16;
const WEBHOOKS = 40;

describeReal('Alerts by mail beside webhooks that do not answer', () => {
  let postgres: PostgresServer;
  let house: AuthHouse;
  let receiver: Receiver;
  beforeAll(async () => {
    postgres = await startPostgres();
    house = await AuthHouse.open({
      databaseUrl: postgres.url(),
      // Longer than the test waits for its mail.
      env: { STATUS_WEBHOOK_ALLOW_LOOPBACK: 'true', STATUS_WEBHOOK_TIMEOUT_MS: '30s' },
    });
    receiver = await Receiver.start();
    receiver.answer = () => undefined;
  });
  afterAll(async () => {
    await receiver?.stop();
    await house?.close();
    await postgres?.stop();
  });

  const subscribe = (channel: Channel, targets: readonly string[]) => {
    const sealed = house.first.app.get(SealedTargets, { strict: false });
    const db = house.first.app.get<FeatureDatabase>(getDatabaseToken('status'), { strict: false });
    const rows = targets.map((target) => ({
      id: randomUUID(),
      channel,
      severity: 'all' as const,
      target: sealed.seal(target),
      targetDigest: sealed.digests(channel, target)[0] ?? '',
      secret: channel === 'webhook' ? sealed.seal('whsec_of-the-tests') : null,
      confirmedAt: new Date(),
    }));
    return db.run((sql) => sql.insert(statusSubscriptions).values(rows));
  };
  const post = async (title: string) => {
    const incident = { severity: 'major', title, body: 'It is down.' };
    const { body } = await new Caller(house.first).post('/v1/status/incidents', incident, OPS_TOKEN);
    return body.deliveries;
  };
  const scrape = () =>
    fetch(`${house.first.origin}/metrics`, { headers: { authorization: `Bearer ${OPS_TOKEN}` } }).then(
      (response) => response.text(),
    );
  const pending = async (worker: string) => {
    const found = new RegExp(`^due_rows_pending\\{worker="${worker}"\\} (\\d+)$`, 'm').exec(await scrape());
    return found ? Number(found[1]) : undefined;
  };

  it('leave at once', async () => {
    const urls = Array.from({ length: WEBHOOKS }, (_, n) => receiver.url(`/hook/${n}`));
    await subscribe('webhook', urls);
    expect(await post('First')).toBe(WEBHOOKS);
    await waitFor(() => receiver.calls.length === MOST_AT_ONCE, { what: 'every webhook slot to be taken' });
    await subscribe('email', ['reader@example.org']);
    expect(await post('Second')).toBe(WEBHOOKS + 1);
    const mails = await waitFor(
      async () => {
        const found = await house.mailsTo('reader@example.org');
        return found.length > 0 && found;
      },
      { what: 'the mail', timeoutMs: 10_000 },
    );
    expect(mails).toHaveLength(1);
    expect(receiver.calls).toHaveLength(MOST_AT_ONCE);
  });

  it('are counted apart, while SQL says what is left to do', async () => {
    await waitFor(async () => (await pending('status-webhook')) === 2 * WEBHOOKS, {
      what: 'the webhooks that wait',
      timeoutMs: 10_000,
    });
    expect([await pending('status-mail'), await pending('mail')]).toEqual([0, 0]);
    const oldest = /^due_rows_oldest_seconds\{worker="status-webhook"\} [1-9]/m;
    await waitFor(async () => oldest.test(await scrape()), {
      what: 'a webhook that has waited for a second',
      timeoutMs: 15_000,
    });
    await postgres.stop();
    // What was read a moment ago holds for a few seconds.
    await waitFor(async () => !(await scrape()).includes('due_rows_pending{'), {
      what: 'the gauges to be absent',
      timeoutMs: 20_000,
    });
  });
});
