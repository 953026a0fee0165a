import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import type { AxeResults } from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { startBrowser } from '../support/browser.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { type ConsoleHouse, openConsoleHouse } from './console/console-house.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PATIENCE_MS = 20_000;
/** A stream ends within a heartbeat of its session. */
const BEATS = { BILLING_SSE_HEARTBEAT_MS: '500' };

describeReal('The console in a browser', () => {
  let browser: Browser;
  let house: ConsoleHouse;
  let account: { readonly email: string; readonly password: string };
  beforeAll(async () => {
    [browser, house] = await Promise.all([startBrowser(), openConsoleHouse(BEATS)]);
    // The account is opened once the demo listens.
    account = await waitFor(
      async () => {
        const settings = await fetch(`${house.url}/settings.json`);
        return ((await settings.json()) as { sign_in?: typeof account }).sign_in;
      },
      { what: 'the account of the demo', timeoutMs: PATIENCE_MS },
    );
  });
  afterAll(async () => {
    await browser?.close();
    await house?.stop();
  });

  /** The second process of a demo finds the account and does not know its password. */
  const fillIn = async () => {
    await page.getByLabel('E-mail').fill(account.email);
    await page.getByLabel('Password').fill(account.password);
  };
  const follow = async () => {
    await fillIn();
    await page.getByRole('button', { name: 'Follow' }).click();
  };

  let page: Page;
  let errors: string[];
  let elsewhere: string[];
  beforeEach(async () => {
    page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    errors = [];
    elsewhere = [];
    page.on('pageerror', (error) => errors.push(String(error)));
    page.on('request', (request) => {
      if (!request.url().startsWith(house.application().origin)) elsewhere.push(request.url());
    });
    await page.goto(house.url);
  });
  afterEach(async () => {
    await page.close();
    const wrong = [...errors, ...elsewhere.filter((url) => !url.startsWith('data:'))];
    if (wrong.length > 0)
      throw new Error(`Faults of the page, or what it loaded from elsewhere: ${wrong.join(', ')}`);
  });

  const row = (purpose: string) =>
    page.getByRole('row').filter({ has: page.getByRole('rowheader', { name: purpose, exact: true }) });
  const figure = async (name: string) => Number(await page.locator(`#${name}`).textContent());
  const events = () => page.getByRole('log').getByRole('listitem');

  /** @returns when the page shows `count` events or more */
  const received = (count: number) =>
    waitFor(async () => (await figure('received')) >= count, {
      what: `${count} events`,
      timeoutMs: PATIENCE_MS,
    });

  it('shows each compartment with its state, and names the one that is away', async () => {
    for (const purpose of ['rateLimit', 'authCache', 'securityTokens', 'billingEvents', 'sql'])
      await row(purpose).getByText('up', { exact: true }).waitFor();
    await house.servers.securityTokens.freeze();
    await row('securityTokens').getByText(/^down/).waitFor();
    expect(await row('authCache').getByText('up', { exact: true }).count()).toBe(1);
    expect(await page.locator('#changes').textContent()).toContain('securityTokens is down');
    house.servers.securityTokens.thaw();
    await row('securityTokens').getByText('up', { exact: true }).waitFor();
  });

  it('shows what the limiter answered, by policy', async () => {
    await page.locator('#decisions').getByRole('rowheader', { name: 'default' }).first().waitFor();
    expect(await page.locator('#limiter').textContent()).toContain('Counts in redis');
  });

  it('follows the billing events of the tenant over a crash and a restart of the server', async () => {
    // A demo has filled in whom to sign in as.
    await page.getByRole('button', { name: 'Follow' }).click();
    await received(3);
    const position = await page.locator('#position').textContent();
    await house.restart();
    const before = await figure('received');
    await received(before + 3);
    expect(await figure('connects')).toBeGreaterThan(1);
    expect(await page.locator('#position').textContent()).not.toBe(position);
    expect({ twice: await figure('twice'), missing: await figure('missing') }).toEqual({
      twice: 0,
      missing: 0,
    });
    expect(await events().count()).toBe(await figure('received'));
  });

  it('follows only the types that it was asked for', async () => {
    await page.getByLabel(/^Types/).fill('invoice.*');
    await follow();
    await received(2);
    for (const text of await events().allTextContents()) expect(text).toContain('invoice.');
  });

  it('hears events of types that nobody here knows, and misses none of them', async () => {
    await follow();
    await received(1);
    expect(await house.deliver('customer.unheard_of')).toBe(200);
    await events().filter({ hasText: 'customer.unheard_of' }).waitFor();
    await received((await figure('received')) + 2);
    expect({ twice: await figure('twice'), missing: await figure('missing') }).toEqual({
      twice: 0,
      missing: 0,
    });
  });

  it('says that the session has ended, asks no more, and goes on when somebody signs in again', async () => {
    const answers: number[] = [];
    page.on('response', (response) => {
      if (new URL(response.url()).pathname === '/v1/billing/stream') answers.push(response.status());
    });
    await page.clock.install();
    await follow();
    await received(1);
    const { origin } = house.application();
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(account);
    const login = await fetch(`${origin}/v1/auth/token`, { method: 'POST', headers, body });
    const { access_token: token } = (await login.json()) as { access_token: string };
    const ended = await fetch(`${origin}/v1/auth/logout/all`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
    });
    expect(ended.status).toBe(204);
    await page
      .locator('#stream-state')
      .getByText(/session has ended/)
      .waitFor();
    await page.clock.fastForward(600_000);
    // The figures have been asked for since: whatever the page would ask for, it has.
    await page.waitForResponse((response) => response.url().endsWith('/v1/isolation'));
    expect(answers).toEqual([200, 401]);
    await page.getByRole('button', { name: 'Follow' }).click();
    await received(2);
    expect(answers).toEqual([200, 401, 200]);
  });

  it('says that a password is wrong', async () => {
    await fillIn();
    await page.getByLabel('Password').fill('not the password of anybody');
    await page.getByRole('button', { name: 'Follow' }).click();
    await page
      .locator('#stream-state')
      .getByText(/password is wrong/)
      .waitFor();
    expect(await figure('connects')).toBe(0);
  });

  it('has nothing that the rules of WCAG 2.2 AA find fault with', async () => {
    await follow();
    await received(1);
    await page.evaluate(AXE);
    const { violations } = await page.evaluate<AxeResults>(
      `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] })`,
    );
    expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
  });

  it('works with the keyboard alone', async () => {
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('To the compartments');
    await fillIn();
    await page.getByLabel('Password').focus();
    await page.keyboard.press('Enter');
    await received(1);
    expect(await figure('connects')).toBe(1);
  });
});

describeReal('The console where operators have a token', () => {
  const OPS_TOKEN = 'console-ops-token-'.padEnd(40, 'x');
  let browser: Browser;
  let house: ConsoleHouse;
  beforeAll(async () => {
    [browser, house] = await Promise.all([startBrowser(), openConsoleHouse({ OPS_TOKEN })]);
  });
  afterAll(async () => {
    await browser?.close();
    await house?.stop();
  });

  it('shows no figure without it', async () => {
    const page = await browser.newPage();
    await page.goto(house.url);
    await page.getByText('For operators.').waitFor();
    expect(await page.locator('#purposes tbody tr').count()).toBe(0);
    await page.getByLabel('OPS_TOKEN').fill(OPS_TOKEN);
    await page.getByRole('button', { name: 'Look' }).click();
    await page.getByRole('rowheader', { name: 'rateLimit', exact: true }).waitFor();
    await page.close();
  });

  it('is not there where it is off, and loads nothing from elsewhere where it is on', async () => {
    const answer = await fetch(house.url);
    expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
    const path = await fetch(`${house.url}/..%2f..%2fpackage.json`);
    expect(path.status).toBe(404);
  });
});
