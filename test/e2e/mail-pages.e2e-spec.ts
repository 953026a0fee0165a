import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AUTH_MAILS } from '../../src/auth/auth.mails.js';
import { MAIL_PAGE_PATHS } from '../../src/console/mail-pages/mail-pages.controller.js';
import type { MailTemplate } from '../../src/mail/index.js';
import { STATUS_MAILS } from '../../src/status/status.mails.js';
import { read } from '../architecture/project-files.js';
import { type RunningApplication, startApplication } from '../support/application.js';
import { startBrowser } from '../support/browser.js';
import { waitFor } from '../support/wait-for.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const EMAIL = 'ann@example.com';
const OLD = 'a sentence that is long';
const NEW = 'another sentence as long';

describe('The pages that mails lead to', () => {
  let demo: RunningApplication;
  let browser: Browser;
  beforeAll(async () => {
    [browser, demo] = await Promise.all([
      startBrowser(),
      startApplication({ APP_PROFILE: 'demo' }, { listensWithinMs: 90_000 }),
    ]);
  });
  afterAll(async () => {
    await browser?.close();
    demo?.process.kill('SIGKILL');
    await demo?.exit;
  });

  let page: Page;
  let posted: string[];
  beforeEach(async () => {
    page = await browser.newPage();
    posted = [];
    page.on('request', (request) => {
      if (request.method() !== 'GET') posted.push(new URL(request.url()).pathname);
    });
  });
  afterEach(() => page.close());

  const post = (path: string, body: object) =>
    fetch(`${demo.origin}/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });

  /** The link of the newest mail that leads to this page. */
  const linkTo = async (path: string): Promise<string> => {
    let link: string | undefined;
    const pattern = new RegExp(`${demo.origin}${path}#token=\\S+`);
    await waitFor(
      async () => {
        const outbox = await fetch(`${demo.origin}/dev/outbox`);
        const { mails } = (await outbox.json()) as { mails: { text: string }[] };
        link = mails.flatMap(({ text }) => pattern.exec(text)?.[0] ?? [])[0];
        return link !== undefined;
      },
      { what: `a mail that leads to ${path}`, timeoutMs: 20_000 },
    );
    return link ?? '';
  };
  const outcome = async (text: RegExp) =>
    await page.getByRole('status').filter({ hasText: text }).waitFor({ timeout: 20_000 });

  it('are there for every link of every mail, and in docs/auth.md', () => {
    const values = { token: 't', tenant: 't', severity: 'all', title: 't', body: 't' };
    const links = ([...AUTH_MAILS, ...STATUS_MAILS] as MailTemplate<object>[])
      .flatMap(({ compose }) => compose(values).parts)
      .flatMap((part) => (typeof part === 'string' ? [] : [part.path]));
    const pages = MAIL_PAGE_PATHS.filter((path) => !path.startsWith('dev/')).map((path) => `/${path}`);
    expect(pages.toSorted()).toEqual([...new Set(links)].toSorted());
    for (const path of pages) expect(read('docs/auth.md')).toContain(`| \`${path}\` `);
  });

  it('confirm an address when the button is pressed, and not before', async () => {
    expect((await post('auth/register', { email: EMAIL, password: OLD })).status).toBe(202);
    await page.goto(await linkTo('/verify-email'));
    const button = page.getByRole('button', { name: 'Confirm the address' });
    await button.waitFor();
    expect(posted).toEqual([]);
    await button.click();
    await outcome(/^Done \(200\)/);
    expect(posted).toEqual(['/v1/auth/email/verify']);
    await button.click();
    await outcome(/^Refused \(400\)/);
    expect(await page.locator('#answer').textContent()).toContain('invalid-or-expired-token');
  });

  it('take a new password, and one logs in with it', async () => {
    await page.goto(`${demo.origin}/forgot-password`);
    await page.getByLabel('E-mail').fill(EMAIL);
    await page.getByRole('button').click();
    await outcome(/^Done \(202\)/);
    await page.goto(await linkTo('/reset-password'));
    await page.getByLabel('New password').fill(NEW);
    await page.getByRole('button').click();
    await outcome(/^Done \(204\)/);
    expect((await post('auth/token', { email: EMAIL, password: NEW })).status).toBe(200);
  });

  it('load nothing from elsewhere, and say so to the browser', async () => {
    const { headers } = await fetch(`${demo.origin}/verify-email`);
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('referrer-policy')).toBe('no-referrer');
  });

  it.each(['/reset-password', '/accept-invitation', '/status/unsubscribe'])(
    'have no fault of accessibility: %s',
    async (path) => {
      await page.goto(`${demo.origin}${path}#token=t`);
      await page.getByRole('button').waitFor();
      await page.evaluate(AXE);
      const { violations } = await page.evaluate<AxeResults>('axe.run()');
      expect(violations.map(({ id }) => id)).toEqual([]);
    },
  );
});
