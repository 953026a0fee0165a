import { type IncomingMessage, type RequestOptions, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { type LookupFunction, isIP } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import type { Clock } from '../../kernel/time.js';
import { CLOCK } from '../../telemetry/index.js';
import { StatusSettings } from '../status.config.js';
import { HostResolver } from './host-resolver.js';
import { isLoopback, isPublicAddress } from './public-address.js';
import { WebhookFailure } from './webhook-failure.js';
import { signatureOf } from './webhook-signature.js';
import { hostOf, portOf, readTarget } from './webhook-target.js';

export interface WebhookMessage {
  readonly url: string;
  readonly secret: string;
  /** The same for every attempt. */
  readonly id: string;
  readonly kind: 'challenge' | 'incident';
  /** JSON. */
  readonly body: string;
}

/** An answer has a status; whatever else it says is not read. */
const MOST_HEADER_BYTES = 8192;
const LONGEST_PAUSE_SECONDS = 86_400;

/**
 * Calls webhooks, which strangers have named. A name is resolved once for each call, every address of it is checked, and
 * the connection goes to those addresses and no others, so that a resolver that changes its mind changes nothing. No
 * redirect is followed, no proxy is used, no body is read.
 */
@Injectable()
export class WebhookSender {
  constructor(
    private readonly settings: StatusSettings,
    private readonly resolver: HostResolver,
    @Inject(CLOCK) private readonly clock: Clock,
  ) {}

  /** After so many milliseconds it is over. */
  get longestMs(): number {
    return this.settings.webhookTimeoutMs;
  }

  /** @throws WebhookFailure unless the answer is 2xx */
  async send(message: WebhookMessage, signal?: AbortSignal): Promise<void> {
    // Of its own for each call: what AbortSignal.any() makes stays with the signal of whoever calls.
    const ending = new AbortController();
    const end = (): void => ending.abort();
    const timer = this.clock.after(this.settings.webhookTimeoutMs, end);
    signal?.addEventListener('abort', end, { once: true });
    if (signal?.aborted) end();
    const over = ending.signal;
    try {
      const url = this.readUrl(message.url);
      const addresses = await before(over, this.addressesOf(hostOf(url)));
      await this.post(url, addresses, message, over);
    } catch (error) {
      if (over.aborted) throw new WebhookFailure('timeout');
      throw error instanceof WebhookFailure ? error : new WebhookFailure('connection');
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', end);
    }
  }

  /** Judged again: the rules may be stricter than when it was subscribed. */
  private readUrl(text: string): URL {
    const { webhookPorts: ports, allowLoopback } = this.settings;
    const url = readTarget(text, { ports, allowLoopback });
    if (typeof url === 'string') throw new WebhookFailure('target-refused');
    return url;
  }

  private async addressesOf(host: string): Promise<readonly string[]> {
    const found = isIP(host) > 0 ? [host] : await this.resolve(host);
    if (found.length === 0) throw new WebhookFailure('dns');
    // One that is not public condemns all: it is there to be reached by the second try.
    if (!found.every((address) => this.mayReach(address))) throw new WebhookFailure('address-refused');
    return found;
  }

  private async resolve(name: string): Promise<readonly string[]> {
    try {
      return await this.resolver.addressesOf(name);
    } catch {
      throw new WebhookFailure('dns');
    }
  }

  private mayReach(address: string): boolean {
    return isPublicAddress(address) || (this.settings.allowLoopback && isLoopback(address));
  }

  private async post(
    url: URL,
    addresses: readonly string[],
    message: WebhookMessage,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = url.protocol === 'https:' ? requestHttps : requestHttp;
      const sent = request(this.optionsOf(url, addresses, message, signal), resolve);
      sent.on('error', (error) => reject(failureOf(error)));
      sent.end(message.body);
    });
    response.on('error', () => undefined);
    response.destroy();
    assertTaken(response);
  }

  private optionsOf(
    url: URL,
    addresses: readonly string[],
    { secret, id, kind, body }: WebhookMessage,
    signal: AbortSignal,
  ): RequestOptions & { servername?: string } {
    const host = hostOf(url);
    const seconds = Math.floor(this.clock.nowMs() / 1000);
    return {
      method: 'POST',
      host,
      port: portOf(url),
      path: `${url.pathname}${url.search}`,
      lookup: pinnedTo(addresses),
      // A name; RFC 6066 knows no addresses.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      agent: false,
      maxHeaderSize: MOST_HEADER_BYTES,
      signal,
      headers: {
        host: url.host,
        'content-type': 'application/json',
        'content-length': Buffer.byteLength(body),
        'user-agent': 'Bulkhead-Status/1',
        'x-bulkhead-delivery': id,
        'x-bulkhead-event': kind,
        'x-bulkhead-signature': signatureOf(secret, seconds, body),
      },
    };
  }
}

/** Whatever is looked up, these are its addresses. */
function pinnedTo(addresses: readonly string[]): LookupFunction {
  const pinned = addresses.map((address) => ({ address, family: isIP(address) }));
  return (_name, options, done) => {
    const [first] = pinned;
    if (options.all === true) done(null, pinned);
    else done(null, first?.address ?? '', first?.family ?? 0);
  };
}

function assertTaken({ statusCode = 0, headers }: IncomingMessage): void {
  if (statusCode >= 200 && statusCode < 300) return;
  if (statusCode === 410) throw new WebhookFailure('gone');
  if (statusCode >= 300 && statusCode < 400) throw new WebhookFailure('redirect');
  const reason = statusCode < 500 ? 'status-4xx' : 'status-5xx';
  throw new WebhookFailure(reason, pauseMsOf(headers['retry-after']));
}

function pauseMsOf(header: string | undefined): number | undefined {
  if (header === undefined || !/^\d{1,9}$/.test(header)) return undefined;
  return Math.min(Number(header), LONGEST_PAUSE_SECONDS) * 1000;
}

function failureOf(error: Error): WebhookFailure {
  const code = String(Reflect.get(error, 'code'));
  return new WebhookFailure(/CERT|TLS|SSL|SIGN|VERIFY/.test(code) ? 'tls' : 'connection');
}

function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(new WebhookFailure('timeout'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
