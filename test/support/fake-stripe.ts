import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An event as Stripe would list it. */
export interface FakeEvent {
  readonly id: string;
  readonly object: 'event';
  readonly type: string;
  /** Seconds since the epoch. */
  readonly created: number;
  readonly data: { readonly object: Readonly<Record<string, unknown>> };
}

/** What happens to one request in place of a right answer. */
export type Trouble =
  | { readonly kind: 'limited'; readonly retryAfter?: string }
  | { readonly kind: 'status'; readonly status: number; readonly code?: string }
  /** The body ends in the middle, and so does the connection. */
  | { readonly kind: 'cut' }
  /** 200 with this body. */
  | { readonly kind: 'body'; readonly body: string }
  /** The right answer, after a while. */
  | { readonly kind: 'slow'; readonly ms: number };

export const FAKE_KEY = 'sk_test_of_the_fake_stripe';
const MOST = 100;

/**
 * `GET /v1/events` as Stripe has it: newest first, `limit` up to 100, `starting_after` towards older and `ending_before`
 * towards newer events, adjacent to the one that is named; `created[gte|gt|lte|lt]`; `has_more`. Events of one second stay
 * in the order in which they were added.
 */
export class FakeStripe {
  readonly requests: URLSearchParams[] = [];
  /** Called with every request before it is answered. */
  onRequest: (query: URLSearchParams) => void = () => undefined;
  readonly #server: Server;
  /** Oldest first. */
  #events: { readonly event: FakeEvent; readonly text: string }[] = [];
  readonly #places = new Map<string, number>();
  readonly #troubles: Trouble[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(port = 0): Promise<FakeStripe> {
    const server = createServer((request, response) => void fake.answer(request, response));
    const fake = new FakeStripe(server);
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return fake;
  }

  get base(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get size(): number {
    return this.#events.length;
  }

  add(events: readonly FakeEvent[]): void {
    this.#events.push(...events.map((event) => ({ event, text: JSON.stringify(event) })));
    this.#events.sort((a, b) => a.event.created - b.event.created);
    this.#index();
  }

  /** Stripe keeps events for thirty days. */
  forget(id: string): void {
    this.#events = this.#events.filter(({ event }) => event.id !== id);
    this.#index();
  }

  /** For the next requests, one each. */
  trouble(...troubles: readonly Trouble[]): void {
    this.#troubles.push(...troubles);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://fake');
    const query = url.searchParams;
    this.requests.push(query);
    this.onRequest(query);
    const trouble = this.#troubles.shift();
    if (request.headers.authorization !== `Bearer ${FAKE_KEY}`)
      return refuse(response, 401, 'invalid_api_key');
    if (url.pathname !== '/v1/events') return refuse(response, 404);
    if (trouble && (await this.#spoil(trouble, response))) return;
    const missing = ['starting_after', 'ending_before'].some((name) => {
      const id = query.get(name);
      return id !== null && !this.#places.has(id);
    });
    if (missing) return refuse(response, 400, 'resource_missing');
    json(response, 200, this.#page(query));
  }

  /** @returns whether it was answered by this */
  async #spoil(trouble: Trouble, response: ServerResponse): Promise<boolean> {
    switch (trouble.kind) {
      case 'limited':
        if (trouble.retryAfter !== undefined) response.setHeader('retry-after', trouble.retryAfter);
        refuse(response, 429, 'rate_limit');
        return true;
      case 'status':
        refuse(response, trouble.status, trouble.code);
        return true;
      case 'cut':
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
        response.write('{"object":"list","data":[{"id":"evt_');
        // Out on the wire first, so that it is a body that ends and not a connection that never was.
        response.socket?.end();
        return true;
      case 'body':
        json(response, 200, trouble.body);
        return true;
      case 'slow':
        // Not waited for at the end: whoever asked may have been killed.
        await new Promise((resolve) => setTimeout(resolve, trouble.ms).unref());
        return false;
    }
  }

  #page(query: URLSearchParams): string {
    const limit = Math.min(Number(query.get('limit') ?? 10), MOST);
    const bounds = this.#range(query);
    const before = query.get('ending_before');
    const after = query.get('starting_after');
    let [from, to] = bounds;
    if (before !== null) from = Math.max(from, (this.#places.get(before) ?? 0) + 1);
    if (after !== null) to = Math.min(to, this.#places.get(after) ?? 0);
    // Towards newer ones the page lies at the older end of what is left, else at the newer end.
    const [first, last] =
      before === null ? [Math.max(from, to - limit), to] : [from, Math.min(to, from + limit)];
    const texts = this.#events.slice(first, Math.max(first, last)).map(({ text }) => text);
    const more = before === null ? first > from : last < to;
    return `{"object":"list","url":"/v1/events","has_more":${more},"data":[${texts.toReversed().join(',')}]}`;
  }

  /** Places of the events in the range of time: from the first, up to but without the last. */
  #range(query: URLSearchParams): [number, number] {
    const bound = (name: string) => (query.has(name) ? Number(query.get(name)) : undefined);
    const from = bound('created[gte]') ?? (bound('created[gt]') ?? -2) + 1;
    const to = bound('created[lte]') ?? (bound('created[lt]') ?? Number.POSITIVE_INFINITY) - 1;
    return [this.#firstAt(from), this.#firstAt(to + 1)];
  }

  #firstAt(created: number): number {
    let [low, high] = [0, this.#events.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle]?.event.created ?? 0) < created) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #index(): void {
    this.#places.clear();
    for (const [place, { event }] of this.#events.entries()) this.#places.set(event.id, place);
  }
}

export interface FakeEventsOptions {
  readonly count: number;
  /** `created` of the first, seconds since the epoch. */
  readonly startS: number;
  readonly perSecond?: number;
  readonly customers?: number;
  /** Part of every id, so that two batches share none. */
  readonly name?: string;
  readonly tenantId?: string;
}

const STATUSES = ['trialing', 'active', 'past_due', 'active'] as const;

/** Events of invoices and subscriptions, four kilobytes each, oldest first. */
export function fakeEvents(options: FakeEventsOptions): FakeEvent[] {
  const { count, startS, perSecond = 1, customers = 10, name = 'a', tenantId } = options;
  return Array.from({ length: count }, (_, place): FakeEvent => {
    const customer = `cus_${name}${place % customers}`;
    const created = startS + Math.floor(place / perSecond);
    const subscription = place % 2 === 0;
    return {
      id: `evt_${name}${place}`,
      object: 'event',
      type: subscription ? 'customer.subscription.updated' : 'invoice.paid',
      created,
      data: {
        object: {
          id: `${subscription ? 'sub' : 'in'}_${name}${place % (customers * 2)}`,
          object: subscription ? 'subscription' : 'invoice',
          customer,
          status: subscription ? STATUSES[place % STATUSES.length] : 'paid',
          metadata: tenantId === undefined ? {} : { tenant_id: tenantId },
          lines: { object: 'list', data: LINES },
        },
      },
    };
  });
}

const LINES = Array.from({ length: 4 }, (_, place) => ({
  id: `il_${place}`,
  object: 'line_item',
  amount: 1000 + place,
  description: 'A line of an invoice as long as such lines are. '.repeat(14),
  period: { start: 1_700_000_000, end: 1_702_592_000 },
  quantity: 1,
}));

function refuse(response: ServerResponse, status: number, code?: string): void {
  json(response, status, JSON.stringify({ error: { type: 'invalid_request_error', ...(code && { code }) } }));
}

function json(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });
  response.end(body);
}
