import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { render } from '../mail-content.js';
import { KeptMails } from './kept-mails.js';

const TOKEN = `sa.${'r4v-_9'.repeat(16)}`;
const LINK = `http://127.0.0.1:3000/verify-email#token=${TOKEN}`;

describe('Mails that are kept as files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'kept-mails-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const written = async (paragraph: string): Promise<string> => {
    const content = {
      subject: 'Confirm',
      parts: [paragraph, { label: 'Go on', path: '/verify-email', token: TOKEN }],
    };
    await new KeptMails(new ManualClock(), folder).send({
      ...render(content, new URL('http://127.0.0.1:3000')),
      messageId: '<8e2b0d6e@127.0.0.1>',
      from: 'bulkhead@localhost.invalid',
      to: 'ann@example.com',
      headers: { 'X-Kind': 'a' },
    });
    expect(readdirSync(folder)).toHaveLength(1);
    return readFileSync(join(folder, readdirSync(folder)[0] ?? ''), 'utf8');
  };

  it.each(['Plain words.', 'Grüße an „Ann“.'])(
    'have each link on one line, to be copied: %s',
    async (said) => {
      const lines = (await written(said)).split('\n');
      expect(lines).toContain(LINK);
      expect(lines).toContain(said);
      expect(lines.filter((line) => line.includes(`<a href="${LINK}">`))).toHaveLength(1);
    },
  );

  it('say how they are encoded, part by part, under the headers of the mail', async () => {
    const mail = await written('Plain words.');
    expect(mail).toMatch(/^To: ann@example\.com$/m);
    expect(mail).toMatch(/^X-Kind: a$/m);
    expect(
      mail.match(/^Content-Type: text\/\S+ charset=utf-8\nContent-Transfer-Encoding: 8bit$/gm),
    ).toHaveLength(2);
  });

  it('have no line that is longer than a mail may have', async () => {
    const lines = (await written('word '.repeat(300))).split('\n');
    expect(Math.max(...lines.map((line) => Buffer.byteLength(line)))).toBeLessThanOrEqual(998);
  });
});
