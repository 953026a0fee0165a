/** Where a command writes to. Tests give their own; nothing else in the product prints. */
export interface Output {
  /** The product of the command: what a pipe should get. */
  out(text: string): void;
  /** What a person should see, whoever reads the product. */
  err(text: string): void;
  /** Shows one line in place of the last one of its kind, '' for none; absent where nobody watches. */
  readonly live?: (line: string) => void;
}

/** Back to the beginning of the line, and empty it. */
const REDRAW = '\r\u001b[2K';

export const processOutput: Output = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
  ...(process.stderr.isTTY
    ? { live: (line) => void process.stderr.write(REDRAW + line.slice(0, process.stderr.columns - 1)) }
    : {}),
};
