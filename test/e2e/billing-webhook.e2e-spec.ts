import { afterAll, beforeAll, expect, it } from 'vitest';
import { EventLog } from '../../src/billing/log/event-log.js';
import type { LogEntry } from '../../src/billing/log/log-entry.js';
import { describeReal } from '../support/redis-availability.js';
import { newAddress } from './auth/caller.js';
import { AuthHouse } from './auth/house.js';
import { StripeSender, freshId, invoiceEvent, nowS, realEvents, signature } from './billing/stripe-sender.js';

const NEW = 'whsec_of_today_and_longer_than_32_bytes';
const OLD = 'whsec_of_yesterday_longer_than_32_bytes';

describeReal('The webhook of Stripe', () => {
  let house: AuthHouse;
  let stripe: StripeSender;
  beforeAll(async () => {
    house = await AuthHouse.open({ env: { STRIPE_WEBHOOK_SECRET: `${NEW},${OLD}` } });
    stripe = new StripeSender(house.first, NEW);
  });
  afterAll(() => house.close());

  const log = () => house.first.app.get(EventLog, { strict: false });
  const entries = (): Promise<LogEntry[]> => log().page({ count: 1000 });
  const entriesOf = async (eventId: string) => (await entries()).filter((one) => one.eventId === eventId);

  const good = JSON.stringify(invoiceEvent('cus_bad_input'));
  const signed = (body: string, secret = NEW, timeS = nowS()) => [
    'stripe-signature',
    signature(body, secret, timeS),
  ];
  type Attempt = {
    readonly body?: string | Buffer;
    readonly headers?: readonly string[];
    readonly type?: string;
  };
  const BAD: Readonly<Record<string, [() => Attempt, number, string]>> = {
    'no signature': [() => ({ headers: [] }), 400, 'missing'],
    'an empty signature': [() => ({ headers: ['stripe-signature', ''] }), 400, 'missing'],
    'two signatures': [() => ({ headers: [...signed(good), ...signed(good)] }), 400, 'doubled'],
    'two in two spellings': [() => ({ headers: [...signed(good), 'Stripe-Signature', 'x'] }), 400, 'doubled'],
    nonsense: [() => ({ headers: ['stripe-signature', 'v1=,t=,,=='] }), 400, 'malformed'],
    'a broken signature': [() => ({ headers: ['stripe-signature', `t=${nowS()},v1=`] }), 400, 'malformed'],
    'a forged signature': [() => ({ headers: signed(good, 'another secret') }), 400, 'forged'],
    'the signature of another body': [() => ({ headers: signed(`${good} `) }), 400, 'forged'],
    'an old signature': [() => ({ headers: signed(good, NEW, nowS() - 330) }), 400, 'old'],
    'a signature of the future': [() => ({ headers: signed(good, NEW, nowS() + 330) }), 400, 'future'],
    'no body': [() => ({ body: '', headers: signed('') }), 400, 'forged'],
    'bytes that are no text': [
      () => ({ body: Buffer.from([0xff, 0xfe]), headers: signed('ÿþ') }),
      400,
      'forged',
    ],
    'another media type': [() => ({ headers: signed(good), type: 'text/plain' }), 415, ''],
    'a form': [() => ({ headers: signed(good), type: 'application/x-www-form-urlencoded' }), 415, ''],
    'more than 512 KiB': [() => ({ body: `"${'x'.repeat(512 * 1024)}"`, headers: signed(good) }), 413, ''],
    ...Object.fromEntries(
      Object.entries({
        'no JSON': '{"id":',
        'a text': '"evt_1"',
        'a list': '[]',
        nothing: 'null',
        'a deep list': '['.repeat(200_000),
        'a deep object': `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`,
        'no id': JSON.stringify({ ...invoiceEvent('cus_1'), id: undefined }),
        'an id that breaks lines': JSON.stringify({ ...invoiceEvent('cus_1'), id: 'evt_1\r\nx' }),
        'a type that breaks lines': JSON.stringify({ ...invoiceEvent('cus_1'), type: 'a\ndata: 1' }),
        'an impossible date': JSON.stringify({ ...invoiceEvent('cus_1'), created: 1e300 }),
      }).map(([name, body]) => [
        `${name}, well signed`,
        [() => ({ body, headers: signed(body) }), 400, 'malformed-event'],
      ]),
    ),
  };

  it.each(Object.keys(BAD))('is told of %s with a problem, and keeps nothing', async (name) => {
    const [attempt, status, reason] = BAD[name] as (typeof BAD)[string];
    const before = (await entries()).length;
    const { body = good, headers = [], type } = attempt();
    const answer = await stripe.post(body, headers, newAddress(), type);
    expect(answer.status).toBe(status);
    expect(answer.headers['content-type']).toContain('application/problem+json');
    expect(answer.body).toMatchObject({ status, instance: '/v1/webhooks/stripe' });
    expect(`${String(answer.body.type)} ${String(answer.body.reason)}`).toContain(reason);
    expect(answer.text).not.toMatch(/whsec|ERR|redis/i);
    expect((await entries()).length).toBe(before);
  });

  it.each(['GET', 'HEAD', 'OPTIONS', 'PUT'])('answers %s with 405', async (method) => {
    const response = await fetch(`${house.first.origin}/v1/webhooks/stripe`, { method });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('limits an address that signs badly, and nobody who signs well', async () => {
    const address = newAddress();
    const forged = () => stripe.deliver(invoiceEvent('cus_x'), { secret: 'a guess', address });
    const answers = [];
    for (let attempt = 0; attempt < 30; attempt += 1) answers.push(await forged());
    expect(answers.slice(0, 20).map(({ status }) => status)).toEqual(Array(20).fill(400));
    expect(answers.at(-1)?.status).toBe(429);
    expect(Number(answers.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
    // More than the default policy lets one address have at once.
    const many = await Promise.all(
      Array.from({ length: 100 }, () => stripe.deliver(invoiceEvent('cus_x'), { address })),
    );
    expect(many.map(({ status }) => status)).toEqual(Array(100).fill(200));
  });

  it.each([
    ['another media type', 415, 'text/plain', '{}'],
    ['more than 512 KiB', 413, 'application/json', `"${'x'.repeat(512 * 1024)}"`],
  ])('limits an address that sends %s by the same limit', async (_what, status, type, body) => {
    const address = newAddress();
    const answers = [];
    for (let attempt = 0; attempt < 10; attempt += 1)
      answers.push(
        await stripe.post(body, signed(body), address, type),
        await stripe.deliver(invoiceEvent('cus_x'), { secret: 'a guess', address }),
      );
    expect(answers.map((answer) => answer.status)).toEqual(Array(10).fill([status, 400]).flat());
    let last = await stripe.post(body, signed(body), address, type);
    // A unit comes back each second.
    for (let more = 0; more < 20 && last.status !== 429; more += 1)
      last = await stripe.post(body, signed(body), address, type);
    expect([last.status, last.body.type]).toEqual([429, '/problems/quota-exceeded']);
    expect((await stripe.deliver(invoiceEvent('cus_x'), { address })).status).toBe(200);
  });

  it('takes 71 events of 71 types, each once and in order', async () => {
    const events = realEvents();
    const before = (await entries()).length;
    for (const event of events) {
      const { status, body } = await stripe.deliver(event);
      expect([event['type'], status, body]).toEqual([
        event['type'],
        200,
        { received: true, duplicate: false, unassigned: true },
      ]);
    }
    const kept = (await entries()).slice(before);
    expect(kept.map(({ eventId, type }) => [eventId, type])).toEqual(
      events.map(({ id, type }) => [id, type]),
    );
    for (const event of events) expect((await stripe.deliver(event)).body.duplicate).toBe(true);
    expect((await entries()).length).toBe(before + 71);
    const [first] = kept;
    expect(JSON.parse((await log().raw(first?.id ?? '')) ?? '')).toEqual(events[0]);
  });

  it('keeps one entry of fifty deliveries that come at once', async () => {
    const event = invoiceEvent('cus_swarm');
    const answers = await Promise.all(Array.from({ length: 50 }, () => stripe.deliver(event)));
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
    expect(answers.filter(({ body }) => body.duplicate === false).length).toBe(1);
    expect(await entriesOf(String(event['id']))).toHaveLength(1);
  });

  it.each(['thin first', 'snapshot first'])(
    'keeps one entry of an event and its thin twin: %s',
    async (order) => {
      const snapshot = invoiceEvent('cus_twin');
      const thin = {
        id: freshId(),
        object: 'v2.core.event',
        type: 'v1.invoice.paid',
        created: new Date().toISOString(),
        livemode: false,
        snapshot_event: snapshot['id'],
        related_object: { id: 'in_cus_twin', type: 'invoice', url: '/v1/invoices/in_cus_twin' },
      };
      const pair = order === 'thin first' ? [thin, snapshot] : [snapshot, thin];
      const twins = () => house.first.metric('billing_webhook_twins_total{type="invoice.paid"}');
      const before = await twins();
      const answers = [];
      for (const event of pair) answers.push((await stripe.deliver(event)).body.duplicate);
      expect(answers).toEqual([false, true]);
      expect((await twins()) - before).toBe(1);
      const kept = await entriesOf(String(snapshot['id']));
      expect(kept).toMatchObject([{ type: 'invoice.paid', objectId: 'in_cus_twin' }]);
      expect(await entriesOf(thin.id)).toEqual([]);
    },
  );

  it('keeps a thin event that has no twin by its own id, with what it names', async () => {
    const id = freshId();
    const created = '2026-11-20T10:00:00.123Z';
    const related_object = { id: 'cus_thin', type: 'customer', url: '/v1/customers/cus_thin' };
    const thin = { id, object: 'v2.core.event', type: 'v2.core.account.closed', created, related_object };
    expect((await stripe.deliver(thin)).status).toBe(200);
    const [kept] = await entriesOf(id);
    expect(kept).toMatchObject({
      objectId: 'cus_thin',
      createdS: Date.parse(created.slice(0, 19) + 'Z') / 1000,
    });
    expect(JSON.parse(kept?.data ?? '')).toMatchObject({
      event_type: 'v2.core.account.closed',
      status: null,
    });
  });

  it('takes what either secret signs while one is rolled, and counts which', async () => {
    const position = (at: number) => house.first.metric(`billing_webhook_secret_total{position="${at}"}`);
    const [first, second] = [await position(1), await position(2)];
    expect((await stripe.deliver(invoiceEvent('cus_roll'), { secret: OLD })).status).toBe(200);
    expect((await stripe.deliver(invoiceEvent('cus_roll'), { secret: NEW })).status).toBe(200);
    expect([(await position(1)) - first, (await position(2)) - second]).toEqual([1, 1]);
  });

  it('counts by known types only', async () => {
    const count = (type: string, result: string) =>
      house.first.metric(`billing_webhook_total{type="${type}",result="${result}"}`);
    const before = await count('other', 'unassigned');
    for (const type of ['made.up', 'made.up.too'])
      await stripe.deliver({ ...invoiceEvent('cus_types'), type });
    expect(await count('other', 'unassigned')).toBe(before + 2);
    expect(await count('none', 'signature')).toBeGreaterThan(0);
    expect(await count('invoice.paid', 'duplicate')).toBeGreaterThan(0);
    expect(await house.first.metric('billing_webhook_verify_seconds_count')).toBeGreaterThan(0);
  });
});
