import * as http from 'node:http';
import * as https from 'node:https';
import type { Target } from './target.js';

/** Either it was answered in full, or it was not. */
export type Answer = { readonly status: number } | { readonly failure: string };

export interface Page {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/** Above the worst that a person waits for; a request that takes longer has no answer. */
export const ANSWER_WITHIN_MS = 10_000;
/** Open requests at once, hence open sockets in use. */
export const MOST_OPEN = 512;
/** Idle sockets are closed before servers with short keep-alive times (5 s) close them under a request. */
const IDLE_MS = 4000;
const LARGEST_PAGE_BYTES = 4 * 1024 * 1024;

/** Sends requests to one target, over connections that are kept. */
export class HttpDriver {
  private readonly agent: http.Agent;
  private readonly request: typeof http.request;
  private readonly options: http.RequestOptions;

  /** @param manyAddresses whether requests come from many addresses, of which each keeps few connections */
  constructor(
    private readonly target: Target,
    { manyAddresses = false, userAgent = 'bulkhead-load-test' } = {},
  ) {
    const module = target.secure ? https : http;
    this.request = module.request;
    this.agent = new module.Agent({
      keepAlive: true,
      maxSockets: MOST_OPEN,
      // Pools are by source address; a free socket more in each of a thousand pools is a thousand.
      maxFreeSockets: manyAddresses ? 1 : MOST_OPEN,
      timeout: IDLE_MS,
    });
    this.options = {
      host: target.hostname,
      port: target.port,
      headers: {
        accept: '*/*',
        'user-agent': userAgent,
        ...(target.token === undefined ? {} : { authorization: `Bearer ${target.token}` }),
      },
    };
  }

  /** Counts as answered when the whole body has arrived. Never rejects. */
  send(path: string, localAddress?: string): Promise<Answer> {
    return new Promise((resolve) => {
      const request = this.request(this.asked(path, { agent: this.agent, localAddress }), (response) => {
        const status = response.statusCode ?? 0;
        response.on('end', () => finish({ status }));
        response.on('error', (error) => finish({ failure: failureOf(error) }));
        response.on('close', () => finish({ failure: 'ABORTED' }));
        response.resume();
      });
      const timer = setTimeout(() => {
        finish({ failure: 'TIMEOUT' });
        request.destroy();
      }, ANSWER_WITHIN_MS);
      const finish = (answer: Answer) => {
        clearTimeout(timer);
        resolve(answer);
      };
      request.on('error', (error) => finish({ failure: failureOf(error) }));
      request.end();
    });
  }

  /**
   * One page, on a connection of its own.
   *
   * @throws Error whose message is a failure as in an Answer
   */
  async page(path: string, { localAddress, withinMs = 5000 }: PageOptions = {}): Promise<Page> {
    const signal = AbortSignal.timeout(withinMs);
    try {
      const response = await new Promise<http.IncomingMessage>((resolve, reject) => {
        this.request(this.asked(path, { agent: false, localAddress, signal }), resolve)
          .on('error', reject)
          .end();
      });
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of response as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        if (bytes > LARGEST_PAGE_BYTES) throw new Error('TOO_LARGE');
        chunks.push(chunk);
      }
      const body = Buffer.concat(chunks).toString('utf8');
      return { status: response.statusCode ?? 0, headers: response.headers, body };
    } catch (error) {
      throw new Error(signal.aborted ? 'TIMEOUT' : failureOf(error), { cause: error });
    }
  }

  /** Closes every connection, those in use as well. */
  close(): void {
    this.agent.destroy();
  }

  private asked(path: string, { localAddress, ...rest }: AskedOptions): http.RequestOptions {
    const source = localAddress === undefined ? {} : { localAddress };
    return { ...this.options, path: this.target.basePath + path, ...source, ...rest };
  }
}

interface PageOptions {
  readonly localAddress?: string | undefined;
  readonly withinMs?: number;
}

interface AskedOptions {
  readonly agent: http.Agent | false;
  readonly localAddress: string | undefined;
  readonly signal?: AbortSignal;
}

/** A closed set of short names: codes of the system and of TLS, and never a text that a server chose. */
function failureOf(error: unknown): string {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined;
  if (typeof code === 'string' && /^[A-Z][A-Z0-9_]{2,50}$/.test(code)) return code;
  return error instanceof Error && error.message === 'TOO_LARGE' ? 'TOO_LARGE' : 'FAILED';
}
