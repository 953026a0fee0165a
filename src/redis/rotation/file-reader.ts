/** Reads the content of the file at a path, in whatever form. Rejects where it cannot be read. */
export type ReadFile<T> = (path: string) => Promise<T>;

/** Of the threads with which the process reads files and resolves host names; one is left for the names. */
const MOST_AT_ONCE = 3;

/**
 * Reads files that may never answer, as on a network drive that is away. Such a read holds a thread for good, so
 * no file is read twice at a time, and few at all.
 */
export class FileReader<T> {
  private readonly running = new Map<string, Promise<T>>();
  private readonly waiting: (() => void)[] = [];
  private busy = 0;

  constructor(private readonly readFile: ReadFile<T>) {}

  /** Joins a read of the same file that is running. */
  read(path: string): Promise<T> {
    let reading = this.running.get(path);
    if (!reading) {
      reading = this.inTurn(path).finally(() => this.running.delete(path));
      this.running.set(path, reading);
    }
    return reading;
  }

  isReading(path: string): boolean {
    return this.running.has(path);
  }

  private async inTurn(path: string): Promise<T> {
    if (this.busy === MOST_AT_ONCE) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else this.busy += 1;
    try {
      return await this.readFile(path);
    } finally {
      const next = this.waiting.shift();
      if (next) next();
      else this.busy -= 1;
    }
  }
}
