import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { PublicUrlSettings } from '../../src/config/index.js';
import { getDatabaseToken } from '../../src/database/index.js';
import { type Clock, systemClock } from '../../src/kernel/time.js';
import { MailCourier } from '../../src/mail/mail-courier.js';
import { MailDelivery } from '../../src/mail/mail-delivery.js';
import { MailTemplates } from '../../src/mail/mail-templates.js';
import { MailSettings } from '../../src/mail/mail.config.js';
import { mailOutbox } from '../../src/mail/mail.tables.js';
import { mailServerOf } from '../../src/mail/transport/mail-server.js';
import { SmtpTransport } from '../../src/mail/transport/smtp-transport.js';
import { Metrics } from '../../src/telemetry/index.js';
import { freshDatabase } from '../support/postgres.js';
import { SmtpServer } from '../support/smtp-server.js';
import { waitFor } from '../support/wait-for.js';
import { GREETING, type MailHouse, openMailHouse } from './mail.rig.js';

/** Twenty seconds of it are one of ours. */
const FAST = 20;
const fastClock: Clock = {
  nowMs: () => systemClock.nowMs(),
  monotonicMs: () => systemClock.monotonicMs() * FAST,
  after: (ms, run) => systemClock.after(ms / FAST, run),
};

let database: Readonly<Record<string, string>> = {};
beforeAll(async () => {
  if (process.env['ENGINE'] === 'real') database = { DATABASE_URL: await freshDatabase() };
});

describe('Mails', () => {
  let smtp: SmtpServer;
  const houses: MailHouse[] = [];
  const open = async (env: Readonly<Record<string, string>>) => {
    const house = await openMailHouse({ ...database, ...env });
    houses.push(house);
    return house;
  };
  const rows = (house: MailHouse) => house.db.run((sql) => sql.select().from(mailOutbox));
  beforeEach(async () => {
    smtp = await SmtpServer.start();
  });
  afterEach(async () => {
    await Promise.all(houses.splice(0).map(({ app }) => app.close()));
    await smtp.stop();
  });

  it('leave after the commit, and never without one; nothing of them stays', async () => {
    const house = await open({ MAIL_URL: smtp.url });
    await house.db.run((sql) => sql.delete(mailOutbox));
    const rolledBack = house.db.transaction(async (tx) => {
      await house.outbox.add(tx, { template: GREETING, to: 'bob@example.com', values: { token: 'no' } });
      throw new Error('on second thoughts');
    });
    await expect(rolledBack).rejects.toThrow('on second thoughts');
    await house.send('canary-token');
    await waitFor(async () => (await rows(house)).every(({ sentAt }) => sentAt !== null), {
      what: 'the mail to be sent',
    });
    expect(smtp.mails).toHaveLength(1);
    const [{ to, data } = { to: [], data: '' }] = smtp.mails;
    expect(to).toEqual(['<ann@example.com>']);
    expect(data).toContain('#token=canary-token');
    const [row] = await rows(house);
    expect(data).toContain(`Message-ID: <${row?.id}@127.0.0.1>`);
    expect(JSON.stringify(row)).not.toMatch(/canary|ann@/);
  });

  it('wait for a server that refuses, and are given up where it never takes them', async () => {
    const house = await open({ MAIL_URL: smtp.url });
    await house.db.run((sql) => sql.delete(mailOutbox));
    smtp.mood = 'defer';
    await house.send('one');
    await waitFor(async () => (await rows(house))[0]?.lastReason === 'deferred', { what: 'a first attempt' });
    expect((await rows(house))[0]).toMatchObject({ sentAt: null, failedAt: null });
    smtp.mood = 'accept';
    await waitFor(() => smtp.mails.length === 1, { what: 'a further attempt', timeoutMs: 20_000 });

    smtp.mood = 'reject';
    await house.send('two');
    await waitFor(async () => (await rows(house)).some(({ failedAt }) => failedAt !== null), {
      what: 'the mail to be given up',
    });
    const failed = (await rows(house)).find(({ failedAt }) => failedAt !== null);
    expect(failed).toMatchObject({ lastReason: 'rejected', sealed: '' });
    expect(smtp.mails).toHaveLength(1);
  });

  it('cost their sender nothing while the server hangs', async () => {
    smtp.mood = 'hang';
    const house = await open({ MAIL_URL: smtp.url, MAIL_TIMEOUT_MS: '1s' });
    await house.db.run((sql) => sql.delete(mailOutbox));
    const startMs = performance.now();
    await house.send('one');
    expect(performance.now() - startMs).toBeLessThan(5000);
    await waitFor(async () => (await rows(house))[0]?.lastReason === 'timeout', {
      what: 'the attempt to time out',
      timeoutMs: 20_000,
    });
    smtp.mood = 'accept';
    await waitFor(() => smtp.mails.length === 1, { what: 'the next attempt', timeoutMs: 20_000 });
  });

  /** A courier by the fast clock, in place of that of the house. */
  const courierOf = async ({ app }: MailHouse, timeoutMs: number): Promise<MailCourier> => {
    await app.get(MailCourier, { strict: false }).beforeApplicationShutdown();
    const transport = new SmtpTransport({ server: mailServerOf(smtp.url), timeoutMs, demandTls: false });
    const [settings, place, templates, metrics] = [
      MailSettings,
      PublicUrlSettings,
      MailTemplates,
      Metrics,
    ].map((type) => app.get<unknown>(type, { strict: false })) as [
      MailSettings,
      PublicUrlSettings,
      MailTemplates,
      Metrics,
    ];
    const delivery = new MailDelivery(settings, place, templates, transport);
    const courier = new MailCourier(
      delivery,
      app.get(getDatabaseToken('mail'), { strict: false }),
      fastClock,
      metrics,
    );
    courier.onApplicationBootstrap();
    return courier;
  };

  it('are sent once to a server that takes forty seconds for each, as it may', async () => {
    const house = await open({ MAIL_URL: smtp.url });
    await house.db.run((sql) => sql.delete(mailOutbox));
    const courier = await courierOf(house, 60_000);
    smtp.slowMs = 40_000 / FAST;
    for (const token of ['one', 'two', 'three', 'four']) await house.send(token);
    await waitFor(async () => (await rows(house)).every(({ sentAt }) => sentAt !== null), {
      what: 'the mails to be settled',
      timeoutMs: 20_000,
    });
    await courier.beforeApplicationShutdown();
    expect((await rows(house)).map(({ attempts }) => attempts)).toEqual([1, 1, 1, 1]);
    expect(smtp.mails).toHaveLength(4);
  });

  it('that are called off end the connection that they are on', async () => {
    smtp.mood = 'hang';
    const transport = new SmtpTransport({
      server: mailServerOf(smtp.url),
      timeoutMs: 60_000,
      demandTls: false,
    });
    const ending = new AbortController();
    const mail = { messageId: '<1@x>', from: 'a@example.com', to: 'b@example.com', headers: {} };
    const sending = transport.send({ ...mail, subject: 's', text: 't', html: 't' }, ending.signal);
    await waitFor(() => smtp.open === 1, { what: 'a connection' });
    ending.abort();
    await expect(sending).rejects.toThrow('did not take a mail');
    await waitFor(() => smtp.open === 0, { what: 'the connection to end' });
    transport.close();
  });

  it('that may have arrived are sent again under the same Message-ID', async () => {
    smtp.mood = 'cut-after-data';
    const house = await open({ MAIL_URL: smtp.url });
    await house.db.run((sql) => sql.delete(mailOutbox));
    await house.send('one');
    await waitFor(async () => (await rows(house))[0]?.lastReason !== null, { what: 'a cut attempt' });
    smtp.mood = 'accept';
    await waitFor(() => smtp.mails.length >= 2, { what: 'the second attempt', timeoutMs: 20_000 });
    const ids = new Set(smtp.mails.map(({ data }) => /^Message-ID: (.*)$/m.exec(data)?.[1]));
    expect(ids.size).toBe(1);
  });

  it('are kept to be looked at where there is no server', async () => {
    const house = await open({});
    await house.send('to-look-at');
    await waitFor(() => house.kept.list().length === 1, { what: 'the mail to be kept' });
    expect(house.kept.list()[0]).toMatchObject({ to: 'ann@example.com', subject: 'Hello' });
    expect(house.kept.list()[0]?.text).toContain('to-look-at');
  });
});
