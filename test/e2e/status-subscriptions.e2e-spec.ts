import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type FeatureDatabase, getDatabaseToken } from '../../src/database/index.js';
import { statusDeliveries, statusSubscriptions } from '../../src/status/status.tables.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { Caller, textOf } from './auth/caller.js';
import { AuthHouse, OPS_TOKEN, type KeptMail, PUBLIC_URL } from './auth/house.js';
import { Person } from './auth/person.js';
import { Receiver, isSigned } from './status/receiver.js';

const SUBSCRIPTIONS = '/v1/status/subscriptions';
const CONFIRM = 'Confirm your status alerts';

let addresses = 0;
const newAddress = (): string => `alerts${(addresses += 1)}@example.org`;

describeReal('Status alerts', () => {
  let house: AuthHouse;
  let receiver: Receiver;
  beforeAll(async () => {
    house = await AuthHouse.open({
      env: { STATUS_WEBHOOK_ALLOW_LOOPBACK: 'true', STATUS_WEBHOOK_TIMEOUT_MS: '5s' },
    });
    receiver = await Receiver.start();
  });
  afterAll(async () => {
    await house.close();
    await receiver.stop();
  });
  beforeEach(() => {
    receiver.calls.length = 0;
    receiver.answer = (_call, response) => void response.writeHead(204).end();
  });

  const db = () => house.first.app.get<FeatureDatabase>(getDatabaseToken('status'), { strict: false });
  const anybody = () => new Caller(house.first);
  const subscribe = (fields: Record<string, unknown>, token?: string) =>
    anybody().post(SUBSCRIPTIONS, { channel: 'email', severity: 'all', ...fields }, token);
  const say = (path: string, token: string) => anybody().post(`${SUBSCRIPTIONS}/${path}`, { token });
  const confirmed = async (fields: Record<string, unknown> = {}, token?: string): Promise<string> => {
    const target = newAddress();
    expect((await subscribe({ target, ...fields }, token)).status).toBe(202);
    expect((await say('verify', await house.mailedToken(target, CONFIRM))).status).toBe(200);
    return target;
  };
  const incident = (fields: Record<string, unknown> = {}) =>
    anybody().post(
      '/v1/status/incidents',
      { severity: 'major', title: `Down ${(addresses += 1)}`, body: 'It is down.\nWe look.', ...fields },
      OPS_TOKEN,
    );
  const alert = (address: string, title: string) => house.mail(address, `[major] ${title}`);
  const oneClickUrl = (mail: KeptMail): string => {
    const { headers } = mail as unknown as { headers: Record<string, string> };
    expect(headers['List-Unsubscribe-Post']).toBe('List-Unsubscribe=One-Click');
    const link = /^<(.*)>$/.exec(headers['List-Unsubscribe'] ?? '')?.[1] ?? '';
    expect(link.startsWith(`${PUBLIC_URL}${SUBSCRIPTIONS}/unsubscribe/`)).toBe(true);
    return link.slice(PUBLIC_URL.length);
  };
  const challenge = async (path: string) => {
    const call = await waitFor(
      () => receiver.calls.find((one) => one.path === path && one.body.includes('challenge')),
      { what: `a challenge at ${path}`, timeoutMs: 15_000 },
    );
    return { call, token: (JSON.parse(call.body) as { token: string }).token };
  };

  it('are sent to an address that has confirmed, and end with one click', async () => {
    const address = newAddress();
    const asked = await subscribe({ target: address });
    expect([asked.status, asked.headers.get('cache-control')]).toEqual([202, 'no-store']);
    expect(asked.body).not.toHaveProperty('secret');
    const before = await incident();
    expect([before.status, before.body.deliveries]).toEqual([201, 0]);
    const token = await house.mailedToken(address, CONFIRM);
    expect((await say('verify', token)).status).toBe(200);
    expect(await say('verify', token)).toMatchObject({ status: 400, problem: 'invalid-or-expired-token' });
    const { body } = await incident({ title: 'Queues are slow' });
    expect(body.deliveries).toBe(1);
    const mail = await alert(address, 'Queues are slow');
    expect(mail.text).toContain('It is down.\nWe look.');
    const link = oneClickUrl(mail);
    for (const [method, status] of Object.entries({ GET: 405, HEAD: 405, PUT: 405, DELETE: 405 }))
      expect([method, (await anybody().call(link, { method })).status]).toEqual([method, status]);
    const click = (form: string, type = 'application/x-www-form-urlencoded') =>
      anybody().call(link, { body: form, headers: { 'content-type': type } });
    expect((await click('List-Unsubscribe=Two')).status).toBe(400);
    expect((await anybody().post(link, {})).status).toBe(400);
    expect((await anybody().post(link)).status).toBe(400);
    expect((await incident()).body.deliveries).toBe(1);
    for (let times = 0; times < 3; times += 1)
      expect(await click('List-Unsubscribe=One-Click')).toMatchObject({ status: 200 });
    const part =
      '--b\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--b--\r\n';
    expect((await click(part, 'multipart/form-data; boundary=b')).status).toBe(200);
    expect((await incident()).body.deliveries).toBe(0);
    const elsewhere = await anybody().call(`${SUBSCRIPTIONS}/verify`, {
      body: 'List-Unsubscribe=One-Click',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    expect(elsewhere.status).toBe(415);
  });

  it('that have begun anew are not ended by links from before', async () => {
    const address = await confirmed();
    await incident({ title: 'First' });
    const old =
      oneClickUrl(await alert(address, 'First'))
        .split('/')
        .at(-1) ?? '';
    expect((await say('unsubscribe', old)).status).toBe(200);
    expect((await say('unsubscribe', old)).status).toBe(200);
    await subscribe({ target: address.toUpperCase().replace('EXAMPLE.ORG', 'example.org') });
    const again = address.replace('alerts', 'ALERTS');
    expect((await say('verify', await house.mailedToken(again, CONFIRM))).status).toBe(200);
    expect(await say('unsubscribe', old)).toMatchObject({ status: 400, problem: 'invalid-or-expired-token' });
    await incident({ title: 'Second' });
    const fresh =
      oneClickUrl(await alert(again, 'Second'))
        .split('/')
        .at(-1) ?? '';
    expect((await say('unsubscribe', fresh)).status).toBe(200);
  });

  it('go by severity', async () => {
    const wanted = { all: await confirmed(), major: '', maintenance: '' };
    wanted.major = await confirmed({ severity: 'major' });
    wanted.maintenance = await confirmed({ severity: 'maintenance' });
    const heard: Record<string, string[]> = {};
    for (const severity of ['major', 'maintenance', 'minor']) {
      const title = `Of ${severity}`;
      const { body } = await incident({ severity, title });
      const rows = await waitFor(
        async () => {
          const found = await db().run((sql) =>
            sql
              .select()
              .from(statusDeliveries)
              .where(eq(statusDeliveries.incidentId, String(body.id))),
          );
          return found.every(({ sentAt }) => sentAt) && found;
        },
        { what: 'the deliveries', timeoutMs: 15_000 },
      );
      expect(rows).toHaveLength(Number(body.deliveries));
      const subject = `[${severity}] ${title}`;
      const got: string[] = [];
      for (const [kind, address] of Object.entries(wanted)) {
        const expected = kind === 'all' || kind === severity;
        if (expected) await house.mail(address, subject);
        if ((await house.mailsTo(address)).some((mail) => mail.subject === subject)) got.push(kind);
      }
      heard[severity] = got;
    }
    expect(heard).toEqual({ major: ['all', 'major'], maintenance: ['all', 'maintenance'], minor: ['all'] });
  });

  it('are sent to a webhook that has answered its challenge, signed with the secret that was shown once', async () => {
    const path = '/hook/one';
    const asked = await subscribe({ channel: 'webhook', target: receiver.url(path) });
    const secret = textOf(asked, 'secret');
    const { call, token } = await challenge(path);
    expect(isSigned(call, secret)).toBe(true);
    expect(JSON.parse(call.body)).toEqual({
      type: 'challenge',
      token,
      confirm_url: `${PUBLIC_URL}${SUBSCRIPTIONS}/challenge`,
    });
    expect((await say('verify', token)).status).toBe(400);
    expect((await incident()).status).toBe(201);
    expect((await say('challenge', token)).status).toBe(200);
    expect((await say('challenge', token)).status).toBe(400);
    const { body } = await incident({ title: 'For the hook' });
    const told = await waitFor(() => receiver.calls.find((one) => one.body.includes('For the hook')), {
      what: 'the alert',
      timeoutMs: 15_000,
    });
    expect(isSigned(told, secret)).toBe(true);
    expect(JSON.parse(told.body)).toMatchObject({ type: 'incident', incident: { id: body.id } });
    expect(receiver.calls.filter((one) => one.path === path)).toHaveLength(2);
    // A stranger who asks for the same URL learns nothing and changes nothing.
    const stranger = await subscribe({
      channel: 'webhook',
      target: receiver.url(path),
      severity: 'maintenance',
    });
    expect(stranger.status).toBe(202);
    expect(textOf(stranger, 'secret')).not.toBe(secret);
    await incident({ title: 'Still signed alike' });
    const still = await waitFor(() => receiver.calls.find((one) => one.body.includes('Still signed')), {
      what: 'the next alert',
      timeoutMs: 15_000,
    });
    expect(isSigned(still, secret)).toBe(true);
    const stored = await db().run((sql) => sql.select().from(statusSubscriptions));
    expect(JSON.stringify(stored)).not.toMatch(/example\.org|127\.0\.0\.1|whsec_/);
    const sealed = await db().run((sql) => sql.select().from(statusDeliveries));
    expect(sealed.filter((row) => row.sealed !== null && row.sentAt)).toEqual([]);
  });

  it('to a webhook that is gone are not tried again', async () => {
    const path = '/hook/gone';
    await subscribe({ channel: 'webhook', target: receiver.url(path) });
    const { token } = await challenge(path);
    await say('challenge', token);
    receiver.answer = (call, response) => void response.writeHead(call.path === path ? 410 : 204).end();
    const { body } = await incident();
    await waitFor(
      async () => {
        const rows = await db().run((sql) =>
          sql
            .select()
            .from(statusDeliveries)
            .where(eq(statusDeliveries.incidentId, String(body.id))),
        );
        return rows.some(({ failedAt, lastReason }) => failedAt && lastReason === 'gone');
      },
      { what: 'the delivery to be given up', timeoutMs: 15_000 },
    );
    const calls = receiver.calls.filter((call) => call.path === path).length;
    await incident();
    expect(receiver.calls.filter((call) => call.path === path)).toHaveLength(calls);
  });

  it('belong to the tenant that asked for them: others neither see nor delete them', async () => {
    const owners = [await Person.verified(house), await Person.verified(house)] as const;
    const tokens = [(await owners[0].login()).access, (await owners[1].login()).access] as const;
    const mine = await confirmed({}, tokens[0]);
    await subscribe({ target: newAddress() }, tokens[1]);
    const list = async (token: string) =>
      (await anybody().get(SUBSCRIPTIONS, token)).body.subscriptions as { id: string; target: string }[];
    const [shown] = await list(tokens[0]);
    expect(shown?.target).toBe(mine.replace(/^(.).*@/, '$1***@'));
    expect(await list(tokens[1])).toEqual([]);
    const remove = (token?: string, id = shown?.id) =>
      anybody().call(`${SUBSCRIPTIONS}/${id}`, { method: 'DELETE', ...(token ? { token } : {}) });
    expect((await remove()).status).toBe(401);
    expect((await remove(tokens[1])).status).toBe(404);
    expect((await remove(tokens[0], 'not-an-id')).status).toBe(404);
    expect(await list(tokens[0])).toHaveLength(1);
    expect((await remove(tokens[0])).status).toBe(204);
    expect((await remove(tokens[0])).status).toBe(404);
    expect((await anybody().get(SUBSCRIPTIONS)).status).toBe(401);
    const unverified = await Person.registered(house);
    const { access } = await unverified.login();
    expect((await anybody().get(SUBSCRIPTIONS, access)).status).toBe(403);
    expect((await subscribe({ target: newAddress() }, access)).status).toBe(403);
    expect((await subscribe({ target: newAddress() }, 'x.y.z')).status).toBe(401);
  });

  it('may be asked for five times an hour for a target, and twenty times from an address', async () => {
    const target = newAddress();
    const statuses: number[] = [];
    for (let times = 0; times < 6; times += 1) statuses.push((await subscribe({ target })).status);
    expect(statuses).toEqual([202, 202, 202, 202, 202, 429]);
    const spelt = await subscribe({ target: target.toUpperCase() });
    expect([spelt.status, spelt.problem, spelt.headers.has('retry-after')]).toEqual([
      429,
      'quota-exceeded',
      true,
    ]);
    await expect.poll(() => house.mailsTo(target), { timeout: 15_000 }).toHaveLength(5);
    const one = anybody();
    const from: number[] = [];
    for (let times = 0; times < 21; times += 1)
      from.push(
        (await one.post(SUBSCRIPTIONS, { channel: 'email', severity: 'all', target: newAddress() })).status,
      );
    expect([from.filter((status) => status === 202).length, from.at(-1)]).toEqual([20, 429]);
  });

  it('tell an incident once, however often operators ask with its id', async () => {
    const address = await confirmed();
    const id = '6f1c2d3e-0000-4000-8000-00000000abcd';
    const fields = { id, title: 'Asked twice' };
    const [one, other] = [await incident(fields), await incident(fields)];
    expect([one.body.id, one.body.deliveries]).toEqual([id, other.body.deliveries]);
    expect(await incident({ ...fields, body: 'Other' })).toMatchObject({
      status: 409,
      problem: 'incident-conflict',
    });
    await alert(address, 'Asked twice');
    await incident({ title: 'Afterwards' });
    await alert(address, 'Afterwards');
    expect(
      (await house.mailsTo(address)).filter(({ subject }) => subject.includes('Asked twice')),
    ).toHaveLength(1);
    const refused = await anybody().post('/v1/status/incidents', {
      severity: 'major',
      title: 'x',
      body: 'x',
    });
    expect(refused.status).toBe(401);
  });
});
