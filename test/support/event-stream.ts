import { type IncomingHttpHeaders, type IncomingMessage, get } from 'node:http';

/** An answer that may go on for ever, on a connection of its own. */
export interface OpenStream {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** What has arrived so far. */
  readonly text: () => string;
  /** The problem document of an answer that has ended. */
  readonly problem: () => Promise<Record<string, unknown>>;
  /** The client leaves. */
  readonly close: () => void;
}

/**
 * Opens streams as many browsers would: each on a connection of its own, which ends when the client leaves. The fetch
 * of Node keeps connections, and makes new ones to an address that has just cut them.
 */
export class StreamClients {
  private readonly opened = new Set<OpenStream>();

  /** Resolves with the head of the answer. @throws when the connection ends before it */
  async open(url: string, headers: Record<string, string> = {}, signal?: AbortSignal): Promise<OpenStream> {
    const stream = await new Promise<OpenStream>((resolve, reject) => {
      const request = get(url, { agent: false, headers, ...(signal ? { signal } : {}) }, (response) =>
        resolve(streamOf(response)),
      );
      request.once('error', reject);
    });
    this.opened.add(stream);
    return stream;
  }

  closeAll(): void {
    for (const stream of this.opened) stream.close();
    this.opened.clear();
  }
}

function streamOf(response: IncomingMessage): OpenStream {
  let text = '';
  response.setEncoding('utf8');
  response.on('data', (chunk: string) => (text += chunk));
  // A connection that is cut: whoever waits for the end finds the text as it was.
  response.on('error', () => undefined);
  const ended = new Promise((resolve) => response.once('close', resolve));
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    text: () => text,
    problem: async () => {
      await ended;
      return JSON.parse(text) as Record<string, unknown>;
    },
    close: () => void response.destroy(),
  };
}
