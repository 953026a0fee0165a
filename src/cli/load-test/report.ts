import type { Capacity } from './find-capacity.js';
import { type ThresholdName, missed } from './judgement.js';
import type { Machine } from './machine.js';
import { type LoadPlan, firstRate } from './options.js';
import type { StepDocument } from './step-document.js';

/** What was driven, for the report. */
export interface Place {
  readonly kind: 'own' | 'url';
  readonly origin: string;
  /** Of our own application; another one does not say. */
  readonly profile?: string;
  /** What the purpose rateLimit runs on: redis, embedded, or inactive. */
  readonly engine?: string;
}

/** The whole result, as `--json` writes it. */
export interface LoadReport {
  readonly version: string;
  readonly startedAt: string;
  readonly settings: {
    readonly mode: LoadPlan['mode'];
    readonly baselinePerMinute: number;
    /** Multiple of the baseline that was asked for; 1 for the first step of a search. */
    readonly times: number;
    readonly ratePerSecond: number;
    readonly durationSeconds: number;
    readonly maxRatePerSecond: number;
    readonly path: string;
    readonly thresholds: LoadPlan['thresholds'];
  };
  readonly target: Place;
  readonly machine: Machine & { readonly loadBefore: number; readonly loadAfter: number };
  readonly steps: readonly StepDocument[];
  readonly capacity?: CapacityDocument;
  readonly notes: readonly string[];
  readonly passed: boolean;
  readonly exitCode: number;
}

export interface CapacityDocument {
  readonly lastGoodPerSecond: number | null;
  readonly brokenPerSecond: number | null;
  /** Thresholds that were missed at that step. */
  readonly broke: readonly ThresholdName[];
  readonly endedBy: Capacity<StepDocument>['endedBy'];
}

export function capacityDocument(
  { lastGood, broken, endedBy }: Capacity<StepDocument>,
  strict: boolean,
): CapacityDocument {
  return {
    lastGoodPerSecond: lastGood?.ratePerSecond ?? null,
    brokenPerSecond: broken?.ratePerSecond ?? null,
    broke: missed(broken?.verdicts ?? [], strict).map(({ threshold }) => threshold),
    endedBy,
  };
}

export function settingsDocument(plan: LoadPlan): LoadReport['settings'] {
  const { mode, baselinePerMinute, times, durationSeconds, maxRatePerSecond, path, thresholds } = plan;
  const ratePerSecond = firstRate(plan);
  return {
    mode,
    baselinePerMinute,
    times,
    ratePerSecond,
    durationSeconds,
    maxRatePerSecond,
    path,
    thresholds,
  };
}

/** Above this the driver is a part of what it measures. Milliseconds. */
const LATE_MS = 25;

/** What a reader must know to take the figures for what they are. */
export function notesOf(steps: readonly StepDocument[]): string[] {
  const notes: string[] = [];
  const outside = steps.find(({ clients }) => !clients.insideLimits);
  if (outside) {
    const { count, limitPerMinute } = outside.clients;
    notes.push(
      `All requests came from ${count === 1 ? 'one address' : `${count} addresses`}: up to ` +
        `${count * limitPerMinute} a minute are inside the limit; 429 above that is expected and not judged.`,
    );
  }
  const late = Math.max(...steps.map(({ startDelayMs }) => startDelayMs.p99 ?? 0));
  if (late > LATE_MS)
    notes.push(
      `The driver itself started requests up to ${Math.round(late)} ms late (p99): the machine was too busy for ` +
        'this rate, and part of the latency is its own.',
    );
  return notes;
}
