import { PURPOSES } from '../../../src/redis/index.js';
import { percentile } from './figures.js';
import type { Episode, StrikeRecord } from './episode.js';
import { PURPOSE_NAMES } from './house.js';
import { sift } from './judge-answers.js';
import { callsInWindow, isSilent, sparedTimeouts } from './judge-calls.js';

/** Of the recoveries of a whole run; a link that flaps is kept waiting on purpose and does not count. */
const RECOVERY_P95_MS = 1000;
const RECOVERY_MAX_MS = 3000;
/** Share of the episodes in which the machine may have been the cause of a time-out. */
const DISTURBED_SHARE = 0.2;
/** A shorter pause disturbs an episode only by the time-outs that it causes, which are counted themselves. */
const DISTURBING_MS = 100;
/** What the application may hold after the whole run beyond what it held when warm. */
const GROWTH_BYTES = 20 * 1024 * 1024;

/** Adds up a run: a line for each strike, the sums at the end, and what they must not exceed. */
export class Report {
  private readonly lines: string[] = [];
  private readonly recoveries: { who: string; ms: number }[] = [];
  private readonly flapping = new Set<string>();
  private episodes = 0;
  private secrets = 0;
  private disturbed = 0;

  /** @returns the lines of the episode */
  add(episode: Episode): string {
    this.episodes += 1;
    this.secrets += secretsIn(episode);
    if (disturbances(episode).length > 0) this.disturbed += 1;
    const lines = episode.strikes.map((strike) => `  ${lineOf(episode, strike)}\n`);
    this.lines.push(...lines);
    for (const strike of episode.strikes) this.noteRecovery(strike);
    return lines.join('');
  }

  get table(): string {
    return this.lines.join('');
  }

  /** @param growthBytes that the application holds beyond what it held after its warm-up */
  complaints(growthBytes: number): string[] {
    const ms = this.recoveries.map((recovery) => recovery.ms);
    const late = this.recoveries.filter((recovery) => recovery.ms > RECOVERY_MAX_MS);
    const p95 = percentile(ms, 0.95);
    return [
      ...(p95 > RECOVERY_P95_MS ? [`recovery p95 is ${p95.toFixed(0)} ms`] : []),
      ...late.map((recovery) => `recovery of ${recovery.who} took ${recovery.ms.toFixed(0)} ms`),
      ...(growthBytes > GROWTH_BYTES ? [`the application grew by ${mebibytes(growthBytes)} MiB`] : []),
      ...(this.disturbed > this.episodes * DISTURBED_SHARE
        ? [`${this.disturbed} of ${this.episodes} episodes were disturbed: too many to be the machine`]
        : []),
      ...(this.secrets > 0 ? [`${this.secrets} secrets were shown`] : []),
    ];
  }

  sums(growthBytes: number): string {
    const ms = this.recoveries.map((recovery) => recovery.ms);
    const [median, p95, max] = [0.5, 0.95, 1].map((share) => percentile(ms, share).toFixed(0));
    const excepted = this.flapping.size > 0 ? `, without ${[...this.flapping].join(' and ')}` : '';
    const sums = [
      `${this.episodes} episodes`,
      `recovery median ${median} ms, p95 ${p95} ms, max ${max} ms (${ms.length} of core and application${excepted})`,
      `memory ${growthBytes < 0 ? '' : '+'}${mebibytes(growthBytes)} MiB`,
      `${this.secrets} secrets`,
      `${this.disturbed} disturbed`,
    ];
    return `  ${sums.join(' · ')}\n`;
  }

  private noteRecovery({ fault, purpose, coreMs, appMs }: StrikeRecord): void {
    if (fault.flaps) {
      this.flapping.add(fault.name);
      return;
    }
    if (fault.effect === 'unnoticed') return;
    for (const [who, ms] of [['core', coreMs] as const, ['application', appMs] as const])
      this.recoveries.push({ who: `${purpose} in the ${who} (${fault.name})`, ms });
  }
}

function secretsIn({ log, attempts }: Episode): number {
  return (
    log.secrets +
    Object.values(attempts)
      .flat()
      .filter(({ leaks }) => leaks).length
  );
}

function lineOf(episode: Episode, strike: StrikeRecord): string {
  const { fault, purpose, coreReason, appReason, coreMs, appMs } = strike;
  const { attempts, answers, connections, log } = episode;
  const own = attempts[purpose];
  const failed = own.filter(({ outcome }) => outcome !== 'ok');
  const unknown = failed.filter(({ maybeExecuted }) => maybeExecuted).length;
  const columns = [
    purpose.padEnd(14),
    fault.name.padEnd(36),
    `${coreReason ?? '-'}/${appReason ?? '-'}`.padEnd(17),
    `calls ${own.length} failed ${failed.length} unknown ${unknown} slowest ${slowest(own)} ms`.padEnd(52),
    `answers ${answers.length} slowest ${percentile(
      answers.map(({ startedMs, endedMs }) => endedMs - startedMs),
      1,
    ).toFixed(0)} ms`.padEnd(26),
    `back ${coreMs.toFixed(0)}/${appMs.toFixed(0)} ms`.padEnd(17),
    `connections ${connections[purpose].after.length}`,
    `log ${log.requests}+${log.others} lines ${(log.bytes / 1024).toFixed(1)} KiB`.padEnd(26),
    `${mebibytes(episode.residentBytes)} MiB`,
    ...disturbances(episode),
    ...(isSilent(fault) ? [silence(episode, strike)] : []),
  ];
  return columns.join('  ');
}

/** What a shared machine may have done to an episode; the judge lets it pass while it is rare. */
function disturbances(episode: Episode): string[] {
  const { stallMs, answers } = episode;
  const blurred = sift(episode).blurred.length;
  return [
    ...(stallMs > DISTURBING_MS ? [`disturbed: machine stood still for ${stallMs.toFixed(0)} ms`] : []),
    ...PURPOSE_NAMES.flatMap((name) => {
      const timeouts = sparedTimeouts(episode, name);
      return timeouts > 0 ? [`disturbed: ${timeouts} time-outs of ${name}`] : [];
    }),
    ...(blurred > 0 ? [`disturbed: ${blurred} of ${answers.length} answers`] : []),
  ];
}

function silence(episode: Episode, { purpose }: StrikeRecord): string {
  const calls = callsInWindow(episode, purpose);
  const ms = calls.map((attempt) => attempt.ms);
  const { commandMs } = PURPOSES[purpose].lanes.command;
  const waited = ms.filter((each) => each > commandMs / 2).length;
  return `silent: ${calls.length} calls p99 ${percentile(ms, 0.99).toFixed(1)} ms max ${slowest(calls)} ms, ${waited} waited`;
}

function slowest(attempts: readonly { readonly ms: number }[]): string {
  return percentile(
    attempts.map(({ ms }) => ms),
    1,
  ).toFixed(0);
}

function mebibytes(bytes: number): string {
  return (bytes / 1024 / 1024).toFixed(1);
}
