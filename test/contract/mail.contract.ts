import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mailOutbox } from '../../src/mail/mail.tables.js';
import { freshDatabase } from '../support/postgres.js';
import { SmtpServer } from '../support/smtp-server.js';
import { waitFor } from '../support/wait-for.js';
import { GREETING, type MailHouse, openMailHouse } from './mail.rig.js';

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
