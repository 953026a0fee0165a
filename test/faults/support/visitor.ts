import { setTimeout as sleep } from 'node:timers/promises';
import type { BuiltInPurpose } from '../../../src/redis/index.js';
import type { EndpointRow } from './endpoint-table.js';
import { OPS_TOKEN } from './house.js';

/** What the application said to one request. Times are of `performance.now()`. */
export interface Answer {
  readonly endpoint: EndpointRow;
  readonly startedMs: number;
  readonly endedMs: number;
  /** 0 when there was no answer. */
  readonly status: number;
  /** The `status` of the document, where it has one. */
  readonly said?: string;
  /** State of each compartment, in the answer that names them all. */
  readonly states?: Readonly<Record<string, string>>;
}

/** A state and its reason, as readiness shows them. */
export interface SeenState {
  readonly status: string;
  readonly reason?: string;
}

interface StatusDocument {
  readonly status?: unknown;
  readonly purposes?: Readonly<Record<string, SeenState>>;
}

let visits = 0;

/** Asks every endpoint of the table, one after the other, again and again. */
export class Visitor {
  /** Requests that have ended, since the start. */
  asked = 0;
  private answers: Answer[] = [];
  private going = false;
  private round: Promise<void> = Promise.resolve();

  constructor(
    private readonly origin: string,
    private readonly table: readonly EndpointRow[],
    private readonly pace: { pauseMs: number } = { pauseMs: 5 },
  ) {}

  start(): this {
    this.going = true;
    this.round = this.walk();
    return this;
  }

  /** What was answered since the last time. */
  take(): readonly Answer[] {
    const taken = this.answers;
    this.answers = [];
    return taken;
  }

  async stop(): Promise<readonly Answer[]> {
    this.going = false;
    await this.round;
    return this.take();
  }

  async state(purpose: BuiltInPurpose): Promise<SeenState> {
    const { document } = await this.fetch('GET', '/readyz');
    return document.purposes?.[purpose] ?? { status: 'missing' };
  }

  async ask(endpoint: EndpointRow): Promise<Answer> {
    const startedMs = performance.now();
    const answer = await this.fetch(endpoint.method, endpoint.path).catch(() => undefined);
    const endedMs = performance.now();
    if (!answer) return { endpoint, startedMs, endedMs, status: 0 };
    const { status, document } = answer;
    const { status: said, purposes } = document;
    const states = purposes && Object.entries(purposes).map(([name, seen]) => [name, seen.status] as const);
    return {
      endpoint,
      startedMs,
      endedMs,
      status,
      ...(typeof said === 'string' ? { said } : {}),
      ...(states ? { states: Object.fromEntries(states) } : {}),
    };
  }

  private async walk(): Promise<void> {
    while (this.going) {
      for (const endpoint of this.table) {
        const answer = await this.ask(endpoint);
        this.answers.push(answer);
        this.asked += 1;
        await sleep(this.pace.pauseMs);
      }
    }
  }

  private async fetch(method: string, path: string): Promise<{ status: number; document: StatusDocument }> {
    const response = await fetch(`${this.origin}${path}`, { method, headers: headers() });
    const text = await response.text();
    const json = (response.headers.get('content-type') ?? '').includes('json');
    return { status: response.status, document: json ? (JSON.parse(text) as StatusDocument) : {} };
  }
}

/** Requests come from 256 addresses in turn: none meets its rate limit, and they need no more keys than that. */
function headers(): Record<string, string> {
  visits += 1;
  return { authorization: `Bearer ${OPS_TOKEN}`, 'x-forwarded-for': `198.18.0.${visits & 255}` };
}
