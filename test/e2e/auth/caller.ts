import type { Instance } from './house.js';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Of a JSON body; empty without one. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Last part of the problem type; undefined for what is no problem document. */
  readonly problem: string | undefined;
  readonly ms: number;
}

export interface Call {
  readonly method?: string;
  /** Sent as JSON; undefined: no body. A text is sent as it is. */
  readonly body?: unknown;
  /** Access token. */
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

let networks = 0;

/** An address in a network that no other caller of this process has: limits count by both. */
export function newAddress(): string {
  networks += 1;
  return `10.${networks >> 8}.${networks & 255}.7`;
}

/** Somebody who calls from one address. */
export class Caller {
  readonly address = newAddress();

  constructor(readonly instance: Instance) {}

  async call(path: string, { method = 'POST', body, token, headers = {} }: Call = {}): Promise<Answer> {
    const startMs = performance.now();
    const response = await fetch(`${this.instance.origin}${path}`, {
      method,
      headers: {
        'x-forwarded-for': this.address,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    const parsed = (isJson && text !== '' ? JSON.parse(text) : {}) as Record<string, unknown>;
    const isProblem = /problem\+json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      body: parsed,
      problem: isProblem ? String(parsed.type).split('/').at(-1) : undefined,
      ms: performance.now() - startMs,
    };
  }

  post(path: string, body?: unknown, token?: string): Promise<Answer> {
    return this.call(path, { body, ...(token === undefined ? {} : { token }) });
  }

  get(path: string, token?: string): Promise<Answer> {
    return this.call(path, { method: 'GET', ...(token === undefined ? {} : { token }) });
  }
}

/** A field of an answer that has to be a text. */
export function textOf({ body, status }: Answer, field: string): string {
  const value = body[field];
  if (typeof value !== 'string')
    throw new Error(`No ${field} in an answer with ${status}: ${JSON.stringify(body)}`);
  return value;
}
