import { UsageError } from '../cli-context.js';

/** The options as the command line gives them: texts, with the defaults filled in. */
export interface RawOptions {
  readonly target?: string;
  readonly findCapacity?: boolean;
  readonly duration?: string;
  readonly baseline: string;
  readonly maxRate: string;
  readonly url?: string;
  readonly path: string;
  readonly maxP95Ms: string;
  readonly max5xxPercent: string;
  readonly max429Percent: string;
  readonly strict?: boolean;
  readonly json?: string;
}

export interface Thresholds {
  readonly p95Ms: number;
  readonly errorPercent: number;
  readonly limitedPercent: number;
  /** Whether what cannot be proven counts as missed. */
  readonly strict: boolean;
}

export interface LoadPlan {
  readonly mode: 'target' | 'capacity';
  readonly baselinePerMinute: number;
  /** Multiple of the baseline; 1 for the first step of a search. */
  readonly times: number;
  /** Of the whole run, or of each step of a search. */
  readonly durationSeconds: number;
  readonly maxRatePerSecond: number;
  /** Another deployment; undefined: an application of our own. */
  readonly url?: URL;
  readonly path: string;
  readonly thresholds: Thresholds;
  readonly json?: string;
}

export const DEFAULTS = {
  target: '10x',
  durationSeconds: 60,
  stepSeconds: 10,
  baseline: '100',
  maxRate: '2000',
  path: '/v1/isolation',
  maxP95Ms: '120',
  max5xxPercent: '1',
  max429Percent: '0.5',
} as const;

/** Of one run, and of all steps of a search together. */
export const MOST_REQUESTS = 200_000;
export const MOST_SECONDS = 3600;
const FASTEST_PER_SECOND = 5000;

/** @throws UsageError for whatever would not be the test that was meant */
export function readOptions(raw: RawOptions): LoadPlan {
  if (raw.findCapacity && raw.target !== undefined)
    throw new UsageError(
      '--target and --find-capacity exclude each other: the one holds a rate, the other looks for it',
    );
  const mode = raw.findCapacity ? 'capacity' : 'target';
  const url = raw.url === undefined ? undefined : readUrl(raw.url);
  const duration =
    raw.duration ?? String(mode === 'target' ? DEFAULTS.durationSeconds : DEFAULTS.stepSeconds);
  const plan: LoadPlan = {
    mode,
    times: mode === 'target' ? readTarget(raw.target ?? DEFAULTS.target) : 1,
    baselinePerMinute: number('--baseline', raw.baseline, { most: FASTEST_PER_SECOND * 60 }),
    durationSeconds: number('--duration', duration, { least: 1, most: MOST_SECONDS }),
    maxRatePerSecond: number('--max-rate', raw.maxRate, { most: FASTEST_PER_SECOND }),
    ...(url === undefined ? {} : { url }),
    path: readPath(raw.path),
    thresholds: {
      p95Ms: number('--max-p95-ms', raw.maxP95Ms, { most: 60_000 }),
      errorPercent: number('--max-5xx-percent', raw.max5xxPercent, { zero: true, most: 100 }),
      limitedPercent: number('--max-429-percent', raw.max429Percent, { zero: true, most: 100 }),
      strict: raw.strict ?? false,
    },
    ...(raw.json === undefined ? {} : { json: raw.json }),
  };
  assertBounded(plan);
  return plan;
}

/** Requests per second at the start. */
export function firstRate({ baselinePerMinute, times }: LoadPlan): number {
  return (baselinePerMinute * times) / 60;
}

export function requestCount(ratePerSecond: number, durationSeconds: number): number {
  // 16.666… times 60 may come out a hair above 1000.
  return Math.max(1, Math.ceil(ratePerSecond * durationSeconds - 1e-6));
}

function assertBounded(plan: LoadPlan): void {
  const rate = firstRate(plan);
  if (rate > plan.maxRatePerSecond)
    throw new UsageError(
      `${round(rate)} requests per second are more than the ${plan.maxRatePerSecond} of --max-rate`,
    );
  const count = requestCount(rate, plan.durationSeconds);
  if (count > MOST_REQUESTS)
    throw new UsageError(
      `${round(rate)} requests per second for ${plan.durationSeconds} s are ${count} requests, and ${MOST_REQUESTS} ` +
        'are the most: choose a shorter --duration or a lower rate',
    );
}

function readTarget(text: string): number {
  const times = /^(\d{1,6}(?:\.\d{1,3})?)x$/i.exec(text)?.[1];
  if (times === undefined || Number(times) === 0)
    throw new UsageError(`--target must be a multiple of the baseline such as 10x or 2.5x, not "${text}"`);
  return Number(times);
}

function number(
  option: string,
  text: string,
  { least = 0, most, zero = false }: { least?: number; most: number; zero?: boolean },
): number {
  const value = /^\d{1,9}(?:\.\d{1,6})?$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most && (zero || value > 0)) return value;
  const range = least > 0 || zero ? `from ${least} to ${most}` : `above 0, up to ${most}`;
  throw new UsageError(`${option} must be a number ${range}, not "${text}"`);
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:')
    throw new UsageError('--url must be the address of a deployment, http://… or https://…');
  // It stands in the report, and the application takes no such credentials.
  if (url.username || url.password) throw new UsageError('--url must hold no user and no password');
  if (url.search || url.hash)
    throw new UsageError('--url must end before "?" and "#"; --path may have a query');
  return url;
}

function readPath(text: string): string {
  if (/^\/[\x21-\x7e]*$/.test(text) && !text.includes('#')) return text;
  throw new UsageError('--path must begin with "/" and hold neither blanks nor "#"');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
