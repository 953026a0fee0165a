/** What the command line asks of the fan-out benchmark. */
export interface FanOut {
  readonly subscribers: number;
  /** Of the contestants, in the order of the report. */
  readonly names: readonly string[];
}

/** `--name=5000` of the command line. @throws Error for what is no count */
export function numberOption(name: string, otherwise: number): number {
  const text = option(name);
  if (text === undefined) return otherwise;
  if (!/^[1-9]\d{0,6}$/.test(text))
    throw new Error(`--${name} must be a number from 1, such as --${name}=5000`);
  return Number(text);
}

/** `--name=one,two`: some of `known`, in that order. @throws Error for a word that is not known */
export function wordsOption(name: string, known: readonly string[]): readonly string[] {
  const words = option(name)?.split(',') ?? known;
  const unknown = words.find((word) => !known.includes(word));
  if (unknown !== undefined) throw new Error(`--${name} knows ${known.join(', ')}, not ${unknown}`);
  return words;
}

export const SHORT: boolean = process.argv.includes('--short');

function option(name: string): string | undefined {
  const start = `--${name}=`;
  return process.argv.find((word) => word.startsWith(start))?.slice(start.length);
}
