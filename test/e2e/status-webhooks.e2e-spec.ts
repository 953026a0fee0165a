import { getEventListeners } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { PublicUrlSettings } from '../../src/config/index.js';
import { Secret } from '../../src/kernel/redact.js';
import { systemClock } from '../../src/kernel/time.js';
import { ChallengeCall } from '../../src/status/deliveries/challenge-call.js';
import { SealedTargets } from '../../src/status/sealed-targets.js';
import type { statusDeliveries } from '../../src/status/status.tables.js';
import { HostResolver } from '../../src/status/webhooks/host-resolver.js';
import { WebhookFailure } from '../../src/status/webhooks/webhook-failure.js';
import { WebhookSender } from '../../src/status/webhooks/webhook-sender.js';
import { StatusSettings } from '../../src/status/status.config.js';
import { createTestCertificates } from '../support/certificates.js';
import { Receiver, isSigned } from './status/receiver.js';

const SECRET = 'whsec_of-the-tests';

/** Answers one list after the other, and the last one from then on. */
class ScriptedResolver extends HostResolver {
  asked: string[] = [];
  constructor(private readonly answers: (readonly string[])[]) {
    super();
  }
  override addressesOf(name: string): Promise<readonly string[]> {
    this.asked.push(name);
    const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
    return answer ? Promise.resolve(answer) : Promise.reject(new Error('ENOTFOUND'));
  }
}

function senderWith(answers: (readonly string[])[], more: Partial<StatusSettings> = {}) {
  const resolver = new ScriptedResolver(answers);
  const base = { webhookPorts: [443], webhookTimeoutMs: 5000, allowLoopback: true };
  const settings = Object.assign(new StatusSettings(), base, more);
  return { resolver, sender: new WebhookSender(settings, resolver, systemClock) };
}

const message = (url: string) => ({
  url,
  secret: SECRET,
  id: 'delivery-1',
  kind: 'incident' as const,
  body: '{"type":"incident","title":"Störung"}',
});

async function outcome(work: Promise<void>): Promise<string> {
  try {
    await work;
    return 'sent';
  } catch (error) {
    return error instanceof WebhookFailure ? error.reason : String(error);
  }
}

describe('a webhook that is called', () => {
  let receiver: Receiver;
  beforeEach(async () => {
    receiver = await Receiver.start();
  });
  afterEach(() => receiver.stop());

  it('gets the body, signed, under the name that it was given', async () => {
    const { sender } = senderWith([['127.0.0.1']]);
    const url = `http://localhost:${receiver.port}/hook?k=1`;
    expect(await outcome(sender.send(message(url)))).toBe('sent');
    const [call] = receiver.calls;
    expect(call).toMatchObject({
      path: '/hook?k=1',
      body: message('').body,
      headers: {
        host: `localhost:${receiver.port}`,
        'content-type': 'application/json',
        'x-bulkhead-delivery': 'delivery-1',
        'x-bulkhead-event': 'incident',
      },
    });
    expect(call && isSigned(call, SECRET)).toBe(true);
    expect(call && isSigned(call, `${SECRET}x`)).toBe(false);
  });

  it('is asked for once, and called at the address that was checked: rebinding changes nothing', async () => {
    const { sender, resolver } = senderWith([['127.0.0.1'], ['10.0.0.1']]);
    const url = `http://localhost:${receiver.port}/`;
    expect(await outcome(sender.send(message(url)))).toBe('sent');
    expect([resolver.asked, receiver.calls.length]).toEqual([['localhost'], 1]);
    // By then the name leads elsewhere, and that is noticed before anything is sent.
    expect(await outcome(sender.send(message(url)))).toBe('address-refused');
    expect([resolver.asked.length, receiver.calls.length]).toEqual([2, 1]);
  });

  it.each([
    ['a private address', ['10.0.0.1']],
    ['the metadata of a cloud', ['169.254.169.254']],
    ['a mapped one', ['::ffff:127.0.0.1']],
    ['a ULA', ['fd00::1']],
    ['this machine', ['127.0.0.1']],
    ['one public and one private', ['93.184.216.34', '10.0.0.1']],
    ['one private and one public', ['10.0.0.1', '93.184.216.34']],
    ['no address at all', ['not an address']],
  ])('is not, when its name leads to %s', async (_, answer) => {
    const { sender, resolver } = senderWith([answer], { allowLoopback: false });
    expect(await outcome(sender.send(message('https://hooks.example.com/')))).toBe('address-refused');
    expect([resolver.asked, receiver.calls.length]).toEqual([['hooks.example.com'], 0]);
  });

  it('is not, when its literal address may not be called any more', async () => {
    const { sender, resolver } = senderWith([], { allowLoopback: false });
    for (const url of [receiver.url(), 'https://10.0.0.1/', 'https://[::1]/', 'http://hooks.example.com/'])
      expect([url, await outcome(sender.send(message(url)))]).toEqual([url, 'target-refused']);
    expect([resolver.asked, receiver.calls.length]).toEqual([[], 0]);
  });

  it('is not followed elsewhere', async () => {
    const other = await Receiver.start();
    const { sender } = senderWith([['127.0.0.1']]);
    for (const status of [301, 302, 303, 307, 308]) {
      receiver.answer = (_call, response) => void response.writeHead(status, { location: other.url() }).end();
      expect(await outcome(sender.send(message(receiver.url())))).toBe('redirect');
    }
    expect([receiver.calls.length, other.calls.length]).toEqual([5, 0]);
    await other.stop();
  });

  it.each([
    [200, 'sent'],
    [204, 'sent'],
    [299, 'sent'],
    [400, 'status-4xx'],
    [404, 'status-4xx'],
    [410, 'gone'],
    [429, 'status-4xx'],
    [500, 'status-5xx'],
    [503, 'status-5xx'],
  ])('that answers %d counts as %s', async (status, expected) => {
    receiver.answer = (_call, response) => void response.writeHead(status).end('x');
    const { sender } = senderWith([['127.0.0.1']]);
    expect(await outcome(sender.send(message(receiver.url())))).toBe(expected);
  });

  it.each([
    [410, 1, 'Given up: gone'],
    [404, 1, 'The webhook did not take the message (status-4xx)'],
    [404, 6, 'Given up: status-4xx'],
  ])('that answers a challenge with %d at attempt %d: %s', async (status, attempts, said) => {
    receiver.answer = (_call, response) => void response.writeHead(status).end();
    const { sender } = senderWith([['127.0.0.1']]);
    const targets = new SealedTargets(Object.assign(new StatusSettings(), { piiKeys: new Secret('k') }));
    const place = Object.assign(new PublicUrlSettings(), { publicUrl: new URL('https://x.example') });
    const sealed = targets.seal(JSON.stringify({ url: receiver.url(), secret: SECRET, token: 't' }));
    const row = { id: '1', sealed, attempts } as typeof statusDeliveries.$inferSelect;
    const call = new ChallengeCall(targets, sender, place).make(row, new AbortController().signal);
    await expect(call).rejects.toThrow(said);
  });

  it('leaves nothing at the signal of whoever calls, and ends with it', async () => {
    const { sender } = senderWith([['127.0.0.1']]);
    const ending = new AbortController();
    expect(await outcome(sender.send(message(receiver.url()), ending.signal))).toBe('sent');
    expect(getEventListeners(ending.signal, 'abort')).toEqual([]);
    receiver.answer = () => ending.abort();
    expect(await outcome(sender.send(message(receiver.url()), ending.signal))).toBe('timeout');
    expect(await outcome(sender.send(message(receiver.url()), ending.signal))).toBe('timeout');
    expect(receiver.calls).toHaveLength(2);
  });

  it('may ask to be left alone for a while', async () => {
    receiver.answer = (_call, response) => void response.writeHead(503, { 'retry-after': '120' }).end();
    const { sender } = senderWith([['127.0.0.1']]);
    await expect(sender.send(message(receiver.url()))).rejects.toMatchObject({ retryAfterMs: 120_000 });
  });

  it('is not listened to: an endless answer ends with its head', async () => {
    let hungUp = false;
    receiver.answer = (_call, response) => {
      response.once('close', () => (hungUp = true));
      response.writeHead(200);
      const more = (): void => {
        if (hungUp) return;
        if (response.write(Buffer.alloc(65_536))) setImmediate(more);
        else response.once('drain', more);
      };
      more();
    };
    const { sender } = senderWith([['127.0.0.1']]);
    expect(await outcome(sender.send(message(receiver.url())))).toBe('sent');
    await expect.poll(() => hungUp, { timeout: 10_000 }).toBe(true);
  });

  it('with a head without end is given up', async () => {
    receiver.answer = (_call, response) =>
      void response.writeHead(200, { 'x-long': 'x'.repeat(60_000) }).end();
    const { sender } = senderWith([['127.0.0.1']]);
    expect(await outcome(sender.send(message(receiver.url())))).toBe('connection');
  });

  it('that never answers is given up in time', async () => {
    receiver.answer = () => undefined;
    const { sender } = senderWith([['127.0.0.1']], { webhookTimeoutMs: 500 });
    expect(await outcome(sender.send(message(receiver.url())))).toBe('timeout');
  });

  it('whose name is not found, or whose resolver hangs, is given up', async () => {
    const { sender } = senderWith([]);
    expect(await outcome(sender.send(message('https://hooks.example.com/')))).toBe('dns');
    const hanging = senderWith([], { webhookTimeoutMs: 500 });
    hanging.resolver.addressesOf = () => new Promise(() => undefined);
    expect(await outcome(hanging.sender.send(message('https://hooks.example.com/')))).toBe('timeout');
  });

  it('is called off with its worker', async () => {
    const ending = new AbortController();
    receiver.answer = () => ending.abort();
    const { sender } = senderWith([['127.0.0.1']]);
    expect(await outcome(sender.send(message(receiver.url()), ending.signal))).toBe('timeout');
  });

  it('has to show a certificate that is trusted, for the name that was asked for', async () => {
    const { server: files } = await createTestCertificates();
    const names: string[] = [];
    const options = { cert: readFileSync(files.cert), key: readFileSync(files.key) };
    const tls = createTlsServer(
      {
        ...options,
        SNICallback: (name, done) => {
          names.push(name);
          done(null);
        },
      },
      (_request, response) => void response.end(),
    );
    await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
    const { port } = tls.address() as AddressInfo;
    const { sender } = senderWith([['127.0.0.1']], { webhookPorts: [port] });
    expect(await outcome(sender.send(message(`https://hooks.example.com:${port}/`)))).toBe('tls');
    expect(names).toEqual(['hooks.example.com']);
    await new Promise((resolve) => tls.close(resolve));
  });
});
