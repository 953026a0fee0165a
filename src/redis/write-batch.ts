/** The socket, as far as a batch needs it. */
export interface BatchTarget {
  write(data: string | Buffer): unknown;
}

/** Sent at either size before the turn is over, so that the server works on the first while the next are written. */
const FULL_COMMANDS = 50;
const FULL_SIZE = 1024;

/**
 * Gathers the commands of one turn of callbacks and sends them as one write: one system call, and under TLS
 * one record, instead of one per command. The client library writes each command into what looks to it like
 * the stream.
 */
export class WriteBatch {
  open = false;
  private commands = 0;
  /** Characters and bytes. */
  private size = 0;
  private text = '';
  private readonly parts: Buffer[] = [];

  /** Commands come as text, or as bytes when an argument is binary. */
  write(data: string | Buffer): void {
    this.commands += 1;
    this.size += data.length;
    if (typeof data === 'string') {
      this.text += data;
      return;
    }
    this.settleText();
    this.parts.push(data);
  }

  get full(): boolean {
    return this.commands >= FULL_COMMANDS || this.size >= FULL_SIZE;
  }

  /** Sends what was gathered, if anything was. */
  flushTo(target: BatchTarget): void {
    if (!this.open) return;
    this.open = false;
    this.commands = 0;
    this.size = 0;
    if (this.parts.length === 0) {
      const text = this.text;
      this.text = '';
      if (text !== '') target.write(text);
      return;
    }
    this.settleText();
    target.write(Buffer.concat(this.parts));
    this.parts.length = 0;
  }

  /** The connection is gone; what was gathered for it is not sent on the next one. */
  discard(): void {
    this.open = false;
    this.commands = 0;
    this.size = 0;
    this.text = '';
    this.parts.length = 0;
  }

  private settleText(): void {
    if (this.text === '') return;
    this.parts.push(Buffer.from(this.text));
    this.text = '';
  }
}
