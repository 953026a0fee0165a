import type { Counter } from 'prom-client';
import type { Clock } from '../../../kernel/time.js';
import { InterruptedError, StripeRefusedError, StripeUnavailableError } from '../ops.errors.js';
import { pauseMs, retryAfterMs } from './patience.js';
import { type HttpAnswer, NoAnswerError, type StripeHttp } from './stripe-http.js';
import { sleep } from './sleep.js';

/** Told when Stripe is asked again after so many milliseconds, and why: completes "Stripe …". */
export type WaitListener = (ms: number, why: string) => void;

export interface StripeApiOptions {
  readonly http: StripeHttp;
  readonly clock: Clock;
  readonly requests: Counter<'result'>;
  readonly random?: () => number;
  readonly onWait?: WaitListener;
}

/** With pauses of up to two minutes each. */
const MOST_TRIES = 12;

/** Asks Stripe, and again where that makes sense: it is busy, it has a failure, what it said is no JSON. */
export class StripeApi {
  constructor(private readonly options: StripeApiOptions) {}

  /**
   * @param read what it makes of the JSON; undefined where that is not what was asked for
   * @throws StripeRefusedError, StripeUnavailableError, InterruptedError
   */
  async get<T>(path: string, read: (value: unknown) => T | undefined, signal: AbortSignal): Promise<T> {
    const { clock, requests, http, random = Math.random, onWait } = this.options;
    for (let tries = 1; ; tries += 1) {
      const answer = await ask(http, path, signal);
      const found = answer?.status === 200 ? parsed(answer.body, read) : undefined;
      if (found !== undefined) {
        requests.inc({ result: 'ok' });
        return found;
      }
      if (answer && isRefusal(answer.status)) {
        requests.inc({ result: 'refused' });
        throw new StripeRefusedError(answer.status, codeOf(answer.body));
      }
      requests.inc({ result: answer?.status === 429 ? 'limited' : 'failed' });
      const why = whyOf(answer);
      if (tries === MOST_TRIES)
        throw new StripeUnavailableError(`${why}, ${tries} times in a row`, remedyOf(answer));
      const ms = pauseMs(tries, retryAfterMs(answer?.retryAfter, clock.nowMs()), random());
      onWait?.(ms, why);
      await sleep(ms, clock, signal);
    }
  }
}

/** @returns undefined where there is no answer */
async function ask(http: StripeHttp, path: string, signal: AbortSignal): Promise<HttpAnswer | undefined> {
  try {
    return await http.get(path, signal);
  } catch (error) {
    if (signal.aborted) throw new InterruptedError();
    if (error instanceof NoAnswerError) return undefined;
    throw error;
  }
}

/** 408 and 409 are told where it may be tried again, as 429 is. A redirect leads where nobody has asked for. */
function isRefusal(status: number): boolean {
  return status >= 300 && status < 500 && status !== 408 && status !== 409 && status !== 429;
}

function remedyOf(answer: HttpAnswer | undefined): string | undefined {
  return answer ? undefined : 'See that STRIPE_API_BASE is right and may be reached from here.';
}

function whyOf(answer: HttpAnswer | undefined): string {
  if (!answer) return 'did not answer';
  if (answer.status === 200) return 'answered with what is no list of events';
  return answer.status === 429 ? 'asked to come later (429)' : `answered ${answer.status}`;
}

function parsed<T>(body: Buffer, read: (value: unknown) => T | undefined): T | undefined {
  try {
    return read(JSON.parse(body.toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The word of Stripe for what is wrong, such as `resource_missing`. */
function codeOf(body: Buffer): string | undefined {
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { error?: { code?: unknown } };
    return typeof error?.code === 'string' ? error.code : undefined;
  } catch {
    return undefined;
  }
}
