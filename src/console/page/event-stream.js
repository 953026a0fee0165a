// Reads an event stream. The browser's own EventSource hands out events to those who know their names beforehand, and does
// not say why it was refused; here every event is heard, and the status of an answer is seen.

const LINE_END = /\r\n|\r|\n/;

/** An answer that is no event stream. */
export class StreamRefused extends Error {
  /** @param {Response} response */
  constructor(response) {
    super(`Refused with ${response.status}`);
    this.status = response.status;
    this.retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1000;
  }
}

/**
 * Reads until the stream ends.
 *
 * @param {string} url
 * @param {{ lastEventId: string, signal: AbortSignal, onOpen: () => void, onRetry: (ms: number) => void,
 *   onEvent: (event: { type: string, data: string, id: string }) => void }} client
 * @throws {StreamRefused} and TypeError where nobody answers, or the connection is lost
 */
export async function readEvents(url, { lastEventId, signal, onOpen, onRetry, onEvent }) {
  const headers = { accept: 'text/event-stream', ...(lastEventId ? { 'last-event-id': lastEventId } : {}) };
  const response = await fetch(url, { headers, signal, cache: 'no-store' });
  const type = response.headers.get('content-type') ?? '';
  if (!response.ok || !type.startsWith('text/event-stream')) throw new StreamRefused(response);
  onOpen();
  const blocks = new Blocks(lastEventId, { onRetry, onEvent });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    blocks.take(value);
  }
}

/** Fields of the stream, put together to events: an empty line ends each. */
class Blocks {
  constructor(id, client) {
    this.id = id;
    this.client = client;
    this.rest = '';
    this.begin();
  }

  take(text) {
    // A line may come in pieces, and so may its end.
    const whole = this.rest + text;
    const cut = whole.endsWith('\r') ? whole.length - 1 : whole.length;
    const lines = whole.slice(0, cut).split(LINE_END);
    this.rest = lines.pop() + whole.slice(cut);
    for (const line of lines) this.line(line);
  }

  begin() {
    this.type = '';
    this.data = [];
  }

  line(line) {
    if (line === '') return this.end();
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === 'event') this.type = value;
    else if (field === 'data') this.data.push(value);
    else if (field === 'id') this.id = value;
    else if (field === 'retry') this.client.onRetry(Number(value));
  }

  /** One without data only moves the place. */
  end() {
    this.client.onEvent({ type: this.type || 'message', data: this.data.join('\n'), id: this.id });
    this.begin();
  }
}
