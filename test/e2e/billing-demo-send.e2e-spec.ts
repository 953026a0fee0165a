import { execFile } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../architecture/project-files.js';
import { type RunningApplication, startApplication } from '../support/application.js';
import { removeTemporaryDirectory, temporaryDirectory } from '../support/clean-up.js';
import { waitFor } from '../support/wait-for.js';

const SEND = 'billing send --type invoice.paid --tenant acme';

describe('A demo and the command line beside it', () => {
  const folder = temporaryDirectory('demo');
  let demo: RunningApplication;
  let kept: string;
  beforeAll(async () => {
    demo = await startApplication({ APP_PROFILE: 'demo' }, { cwd: folder, listensWithinMs: 90_000 });
    kept = join(folder, `.bulkhead/demo-${new URL(demo.origin).port}.json`);
    await waitFor(() => demo.output().includes('billing send'), {
      what: 'the lines for newcomers',
      timeoutMs: 20_000,
    });
  });
  afterAll(async () => {
    demo?.process.kill('SIGKILL');
    await demo?.exit;
    removeTemporaryDirectory(folder);
  });

  const cli = (words: string, cwd = folder, env: Record<string, string> = {}) =>
    new Promise<{ code: number; text: string }>((resolve) => {
      // As `npm run cli` does it, which sets no profile.
      const child = execFile(
        process.execPath,
        [join(root, 'dist/cli.js'), ...words.split(' ')],
        { cwd, env: { PATH: process.env.PATH ?? '', ...env } },
        (_error, out, err) => resolve({ code: child.exitCode ?? -1, text: out + err }),
      );
    });

  it('takes what is sent word by word as it says, and a customer of its tenant has it', async () => {
    expect(demo.output()).toContain(`npm run cli -- ${SEND} --url ${demo.origin}`);
    const { code, text } = await cli(`${SEND} --url ${demo.origin}`);
    expect([code, text]).toEqual([
      0,
      expect.stringMatching(/^Taken in: invoice\.paid evt_sample_\w+ of cus_acme, at http:/),
    ]);
    expect(text).toContain(`at ${demo.origin}/v1/webhooks/stripe.`);
    expect(text).not.toContain('belongs to nobody');
    const account = /Sign in as (\S+) with (\S+);/.exec(demo.output());
    const login = await fetch(`${demo.origin}/v1/auth/token`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: account?.[1], password: account?.[2] }),
    });
    const { access_token: token } = (await login.json()) as { access_token: string };
    const events = await fetch(`${demo.origin}/v1/billing/events?limit=500`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(await events.text()).toContain(/evt_sample_\w+/.exec(text)?.[0] ?? 'no event');
  });

  it('says what to do about an event of a customer that nobody has', async () => {
    const { code, text } = await cli(`billing send --tenant stranger --url ${demo.origin}`);
    expect(code).toBe(0);
    expect(text).toContain(`belongs to nobody yet: PUT ${demo.origin}/v1/billing/customers/cus_stranger`);
    expect(text).toContain('billing replay --tenant _unassigned --to assign --yes');
  });

  it('is found by PORT, and named where another port was meant', async () => {
    const { port } = new URL(demo.origin);
    expect((await cli(SEND, folder, { PORT: port })).text).toContain(`at ${demo.origin}/v1/webhooks/stripe.`);
    const other = await cli(`${SEND} --url http://127.0.0.1:1`);
    expect(other.code).not.toBe(0);
    expect(other.text).toContain(
      `A demo that was started in this folder runs at ${demo.origin}: give --url.`,
    );
  });

  it('has an administrator, whose password stands on the terminal only', async () => {
    const [, email, password] = /Administrator of this demo: (\S+) with (\S+)/.exec(demo.output()) ?? [];
    const post = (path: string, body: object, token = '') =>
      fetch(`${demo.origin}/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) },
        body: JSON.stringify(body),
      });
    const login = (await (await post('auth/token', { email, password })).json()) as { access_token: string };
    const me = await fetch(`${demo.origin}/v1/auth/me`, {
      headers: { authorization: `Bearer ${login.access_token}` },
    });
    expect(((await me.json()) as { scopes: string[] }).scopes).toContain('users:admin');
    const hint = await (await fetch(`${demo.origin}/console/settings.json`)).text();
    expect(hint).toContain('demo@example.com');
    expect(hint).not.toContain(email);
    expect(hint).not.toContain(password);
  });

  it('shows the mails that it would have sent where its banner says', async () => {
    const [, outbox = ''] = /curl -s (\S+\/dev\/outbox)$/m.exec(demo.output()) ?? [];
    const registered = await fetch(`${demo.origin}/v1/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ann@example.com', password: 'a sentence that is long' }),
    });
    expect(registered.status).toBe(202);
    await waitFor(async () => (await (await fetch(outbox)).text()).includes('/verify-email#token='), {
      what: 'the mail in the outbox',
      timeoutMs: 20_000,
    });
  });

  it('keeps the secret for its own user, and out of what it prints', () => {
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    const { secret } = JSON.parse(readFileSync(kept, 'utf8')) as { secret: string };
    expect(secret.length).toBeGreaterThan(30);
    expect(demo.output()).not.toContain(secret);
  });

  it('is not reached from another folder', async () => {
    const elsewhere = temporaryDirectory('elsewhere');
    expect((await cli(`${SEND} --url ${demo.origin}`, elsewhere)).code).toBe(78);
    removeTemporaryDirectory(elsewhere);
  });

  it('takes the file away when it ends', async () => {
    demo.process.kill('SIGTERM');
    expect((await demo.exit).code).toBe(0);
    expect(existsSync(kept)).toBe(false);
    expect((await cli(`${SEND} --url ${demo.origin}`)).text).toContain('STRIPE_WEBHOOK_SECRET is not known');
  });
});
