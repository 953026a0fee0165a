import { type IncomingHttpHeaders, type IncomingMessage, get } from 'node:http';

/** A block of an event stream, as a browser dispatches it; a block without data only moves the cursor. */
export interface StreamEvent {
  readonly id: string | undefined;
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface SourceOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Cursor of the first connect. */
  readonly lastEventId?: string;
}

/** An EventSource that a test can look into: it reads as a browser does, and comes back only when it is told to. */
export class TestSource {
  readonly events: StreamEvent[] = [];
  lastEventId: string;
  retryMs: number | undefined;
  comments = 0;
  status = 0;
  headers: IncomingHttpHeaders = {};
  /** What an answer that is no stream said. */
  text = '';
  connects = 0;
  private response: IncomingMessage | undefined;
  private ended: Promise<void> = Promise.resolve();
  private rest = '';

  constructor(
    public url: string,
    private readonly options: SourceOptions = {},
  ) {
    this.lastEventId = options.lastEventId ?? '';
  }

  static async open(url: string, options: SourceOptions = {}): Promise<TestSource> {
    const source = new TestSource(url, options);
    await source.connect();
    return source;
  }

  /** Resolves with the head of the answer. */
  async connect(): Promise<this> {
    this.connects += 1;
    const cursor = this.lastEventId === '' ? {} : { 'last-event-id': this.lastEventId };
    const headers = { accept: 'text/event-stream', ...cursor, ...this.options.headers };
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      get(this.url, { agent: false, headers }, resolve).once('error', reject);
    });
    this.response = response;
    this.rest = '';
    this.status = response.statusCode ?? 0;
    this.headers = response.headers;
    response.setEncoding('utf8');
    response.on('data', (text: string) => this.read(text));
    // Cut: what had come, has come.
    response.on('error', () => undefined);
    this.ended = new Promise((resolve) => response.once('close', () => resolve()));
    return this;
  }

  /** The connection is lost, without a word. */
  async cut(): Promise<void> {
    this.response?.destroy();
    await this.ended;
  }

  get closed(): Promise<void> {
    return this.ended;
  }

  pause(): void {
    this.response?.pause();
  }

  /** Those that Stripe's types name, in the order of their arrival. */
  get billing(): readonly StreamEvent[] {
    return this.events.filter(({ id, type }) => id !== undefined && type !== 'message');
  }

  of(type: string): readonly StreamEvent[] {
    return this.events.filter((event) => event.type === type);
  }

  private read(text: string): void {
    if (this.status !== 200) {
      this.text += text;
      return;
    }
    const blocks = (this.rest + text).split('\n\n');
    this.rest = blocks.pop() ?? '';
    for (const block of blocks) this.dispatch(block);
  }

  private dispatch(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      if (line.startsWith(':')) this.comments += 1;
      else fields.set(line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2));
    }
    const [id, retry, data] = [fields.get('id'), fields.get('retry'), fields.get('data')];
    if (id !== undefined) this.lastEventId = id;
    if (retry !== undefined) this.retryMs = Number(retry);
    if (data === undefined) return;
    const type = fields.get('event') ?? 'message';
    this.events.push({ id, type, data: JSON.parse(data) as Record<string, unknown> });
  }
}
