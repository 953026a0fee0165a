import { accessSync, constants, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { EXIT } from '../../kernel/errors.js';
import { redactText } from '../../kernel/redact.js';
import { systemClock } from '../../kernel/time.js';
import { type CliContext, type ExitCode, THRESHOLD_MISSED, UsageError } from '../cli-context.js';
import { DEFAULT_PER_MINUTE, announcedPerMinute, clientsFor } from './clients.js';
import { findCapacity } from './find-capacity.js';
import { HttpDriver } from './http-driver.js';
import { loadOfLastMinute, machine } from './machine.js';
import { type LoadPlan, MOST_REQUESTS, MOST_SECONDS, firstRate } from './options.js';
import { type OpenPlace, openDeployment, openOwnApplication, reconnoitre } from './place.js';
import { Progress } from './progress.js';
import { type LoadReport, capacityDocument, notesOf, settingsDocument } from './report.js';
import { reportText } from './report-text.js';
import { runStep } from './run-step.js';
import { type StepDocument, stepDocument } from './step-document.js';
import { TargetError } from './target.js';

/** Drives a target as planned and judges it. Nothing that it started outlives it. */
export async function conduct(plan: LoadPlan, context: CliContext): Promise<ExitCode> {
  if (plan.json !== undefined) assertWritable(plan.json);
  const stop = new Stop();
  try {
    const place = plan.url
      ? openDeployment(plan.url, context)
      : await openOwnApplication(context, stop.signal);
    try {
      return await measure(plan, place, { context, stop });
    } finally {
      await place.leave();
    }
  } catch (error) {
    if (!(error instanceof TargetError)) throw error;
    context.output.err(redactText(error.message));
    return stop.code ?? error.exitCode;
  } finally {
    stop.release();
  }
}

interface Circumstances {
  readonly context: CliContext;
  readonly stop: Stop;
}

async function measure(
  plan: LoadPlan,
  place: OpenPlace,
  { context, stop }: Circumstances,
): Promise<ExitCode> {
  const { output, version } = context;
  const startedAt = new Date();
  const loadBefore = loadOfLastMinute();
  output.err(`Driving ${place.about.origin}${plan.path}`);
  const { policy, manyAddresses } = await reconnoitre(place, plan.path);
  const limitPerMinute = announcedPerMinute(policy) ?? DEFAULT_PER_MINUTE;
  const driver = new HttpDriver(place.target, { manyAddresses, userAgent: `bulkhead-load-test/${version}` });
  const progress = new Progress(output, systemClock);
  stop.signal.addEventListener('abort', () => driver.close());

  const hold = async (ratePerSecond: number): Promise<StepDocument | undefined> => {
    const clients = clientsFor(ratePerSecond, limitPerMinute, manyAddresses);
    const step = { path: plan.path, ratePerSecond, durationSeconds: plan.durationSeconds, clients };
    const tools = { driver, clock: systemClock, signal: stop.signal };
    const result = await runStep(step, { ...tools, watch: (running) => progress.watch(running) });
    progress.end();
    return result.aborted ? undefined : stepDocument(result, plan.thresholds);
  };

  const outcome = await (plan.mode === 'target' ? holdTarget(plan, hold) : search(plan, hold));
  driver.close();
  if (stop.code !== undefined) {
    output.err('Stopped: nothing is judged.');
    return stop.code;
  }
  const passed = outcome.steps[0]?.passed ?? false;
  const report: LoadReport = {
    version,
    startedAt: startedAt.toISOString(),
    settings: settingsDocument(plan),
    target: place.about,
    machine: { ...machine(), loadBefore, loadAfter: loadOfLastMinute() },
    ...outcome,
    notes: [...place.notes, ...notesOf(outcome.steps), ...place.aftermath()],
    passed,
    exitCode: passed ? EXIT.ok : THRESHOLD_MISSED,
  };
  output.out(reportText(report));
  if (plan.json !== undefined) writeFileSync(plan.json, `${JSON.stringify(report, null, 2)}\n`);
  return report.exitCode;
}

type Outcome = Pick<LoadReport, 'steps' | 'capacity'>;
type Hold = (ratePerSecond: number) => Promise<StepDocument | undefined>;

async function holdTarget(plan: LoadPlan, hold: Hold): Promise<Outcome> {
  const step = await hold(firstRate(plan));
  return { steps: step ? [step] : [] };
}

async function search(plan: LoadPlan, hold: Hold): Promise<Outcome> {
  const ramp = {
    firstRate: firstRate(plan),
    maxRate: plan.maxRatePerSecond,
    durationSeconds: plan.durationSeconds,
    mostRequests: MOST_REQUESTS,
    mostSeconds: MOST_SECONDS,
  };
  const capacity = await findCapacity(ramp, hold);
  return { steps: capacity.steps, capacity: capacityDocument(capacity, plan.thresholds.strict) };
}

/** Asked before the test and not after it: nobody wants to repeat five minutes for a misspelt folder. */
function assertWritable(file: string): void {
  try {
    accessSync(dirname(file), constants.W_OK);
    if (!statSync(file, { throwIfNoEntry: false })?.isDirectory()) return;
  } catch {
    // Falls through to the one message that both deserve.
  }
  throw new UsageError(`--json: ${file} cannot be written`);
}

/** The first SIGINT or SIGTERM ends the test in order; a second one ends the process as usual. */
class Stop {
  private readonly abort = new AbortController();
  readonly signal = this.abort.signal;
  /** As shells give it: 128 and the number of the signal. */
  code: ExitCode | undefined;

  constructor() {
    process.once('SIGINT', this.onInterrupt).once('SIGTERM', this.onTerminate);
  }

  release(): void {
    process.off('SIGINT', this.onInterrupt).off('SIGTERM', this.onTerminate);
  }

  private readonly onInterrupt = () => this.end(130);
  private readonly onTerminate = () => this.end(143);

  private end(code: ExitCode): void {
    this.code = code;
    this.abort.abort();
  }
}
