import { Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

export interface HttpAnswer {
  readonly status: number;
  /** Value of Retry-After as it came. */
  readonly retryAfter: string | undefined;
  readonly body: Buffer;
}

/** There is no answer, or not all of one. It may be asked again. */
export class NoAnswerError extends Error {}

/** From the first byte sent to the last one read. */
const ANSWER_MS = 30_000;
/** A hundred events; one may have half a megabyte, and hardly any has. */
const LARGEST_ANSWER_BYTES = 96 * 1024 * 1024;

/**
 * Asks one server over connections that stay open. Redirects are not followed: the key would go wherever they lead. The
 * package of Stripe is not used here, because it does not wait when it is limited, and asks for a version of its own
 * instead of the account's, so that fetched events would have another shape than delivered ones.
 */
export class StripeHttp {
  private readonly agent: HttpAgent | HttpsAgent;
  private readonly base: string;
  private readonly send: typeof httpRequest;

  /** @param base origin and path without a slash at the end */
  constructor(
    base: string,
    private readonly key: string,
    private readonly answerMs = ANSWER_MS,
  ) {
    this.base = base;
    const secure = base.startsWith('https:');
    const options = { keepAlive: true, maxSockets: 2 };
    this.agent = secure ? new HttpsAgent(options) : new HttpAgent(options);
    this.send = secure ? httpsRequest : httpRequest;
  }

  /** @param path with its query. @throws NoAnswerError, also when `signal` aborts */
  get(path: string, signal: AbortSignal): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => reject(new NoAnswerError(error.message, { cause: error }));
      const request = this.send(
        `${this.base}${path}`,
        {
          agent: this.agent,
          signal: AbortSignal.any([signal, AbortSignal.timeout(this.answerMs)]),
          headers: { authorization: `Bearer ${this.key}`, accept: 'application/json' },
        },
        (answer) => void read(answer).then(resolve, fail),
      );
      request.once('error', fail);
      request.end();
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

async function read(answer: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop closes the connection.
    if (bytes > LARGEST_ANSWER_BYTES) throw new Error('the answer is too large');
    chunks.push(chunk);
  }
  // Cut off in the middle of a body of known length, Node ends it with an error; of chunks, too.
  return {
    status: answer.statusCode ?? 0,
    retryAfter: answer.headers['retry-after'],
    body: Buffer.concat(chunks, bytes),
  };
}
