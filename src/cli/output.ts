/** Where a command writes to. Tests give their own; nothing else in the product prints. */
export interface Output {
  /** The product of the command: what a pipe should get. */
  out(text: string): void;
  /** What a person should see, whoever reads the product. */
  err(text: string): void;
}

export const processOutput: Output = {
  out: (text) => void process.stdout.write(`${text}\n`),
  err: (text) => void process.stderr.write(`${text}\n`),
};
