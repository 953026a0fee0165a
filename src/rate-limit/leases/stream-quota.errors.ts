import { AppError } from '../../kernel/errors.js';
import type { StreamDecision } from './stream-decision.js';
import { streamFields } from './stream-quota.headers.js';

/** The problem types of the draft that defines the headers, as for requests. */
const KINDS = {
  throttle: {
    code: 'STREAM_QUOTA_EXCEEDED',
    status: 429,
    slug: 'quota-exceeded',
    title: 'Too many requests',
    detail: (names: string) => `As many streams are open as the limit ${names} allows.`,
  },
  unavailable: {
    code: 'STREAM_QUOTA_UNAVAILABLE',
    status: 503,
    slug: 'temporary-reduced-capacity',
    title: 'Temporarily reduced capacity',
    detail: () => 'Open streams cannot be counted at present, and nobody passes uncounted.',
  },
  block: {
    code: 'STREAM_BLOCKED',
    status: 429,
    slug: 'abnormal-usage-detected',
    title: 'Abnormal usage detected',
    detail: () => 'An operator has blocked this client for a while.',
  },
} as const;

/** How a denied stream is told to an HTTP caller: 429, or 503 where nobody can count. */
export class StreamDeniedError extends AppError {
  readonly code: string;
  readonly status: number;
  readonly slug: string;
  readonly title: string;
  override readonly retryAfterMs: number | undefined;
  private readonly violated: readonly string[];

  constructor(readonly decision: StreamDecision) {
    const { state, limits, retryAfterMs } = decision;
    const { code, status, slug, title, detail } = KINDS[state === 'allow' ? 'throttle' : state];
    const violated = limits.filter((limit) => limit.state !== 'allow').map(({ limit }) => limit.name);
    super(detail(`"${violated.join('", "')}"`));
    this.code = code;
    this.status = status;
    this.slug = slug;
    this.title = title;
    this.retryAfterMs = retryAfterMs;
    this.violated = violated;
  }

  override get extensions(): Record<string, unknown> {
    return { 'violated-policies': this.violated };
  }

  override get headers(): Record<string, string> {
    const { policy, limit } = streamFields(this.decision);
    return policy === '' ? {} : { 'ratelimit-policy': policy, ratelimit: limit };
  }
}

/** The client left while its stream was being counted: nobody will read what the handler would send. */
export class ClientGoneError extends AppError {
  readonly code = 'CLIENT_GONE';
  readonly status = 499;
  readonly slug = 'client-gone';
  readonly title = 'The client has left';

  constructor() {
    super('The connection was closed before there was an answer.');
  }
}
