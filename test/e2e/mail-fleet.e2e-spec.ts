import { describe, expect, it } from 'vitest';
import { mailOutbox } from '../../src/mail/mail.tables.js';
import { openMailHouse } from '../contract/mail.rig.js';
import { freshDatabase } from '../support/postgres.js';
import { SmtpServer } from '../support/smtp-server.js';
import { waitFor } from '../support/wait-for.js';

describe('Two applications', () => {
  it('send each of fifty mails once', async () => {
    const smtp = await SmtpServer.start();
    const env = { DATABASE_URL: await freshDatabase(), MAIL_URL: smtp.url };
    const [one, other] = await Promise.all([openMailHouse(env), openMailHouse(env)]);
    await one.db.run((sql) => sql.delete(mailOutbox));
    const tokens = Array.from({ length: 50 }, (_, n) => `token-${n}-`);
    await Promise.all(tokens.map((token, n) => (n % 2 ? one : other).send(token)));
    await waitFor(() => smtp.mails.length >= 50, { what: 'fifty mails', timeoutMs: 30_000 });
    await Promise.all([one.app.close(), other.app.close()]);
    await smtp.stop();
    for (const token of tokens)
      expect(smtp.mails.filter(({ data }) => data.includes(`#token=${token}`))).toHaveLength(1);
  });
});
