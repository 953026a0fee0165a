import { OUTAGE_RULES, type OutageRule } from './limiter-policies.js';
import { admittedShare, inOutage, slowestMs } from './judge-outage.js';
import type { OutageEpisode } from './outage-episode.js';

/** The outage table: a line for each fault and rule. */
export class OutageReport {
  private readonly lines: string[] = [];

  add(episode: OutageEpisode): void {
    this.lines.push(...OUTAGE_RULES.map((rule) => `  ${lineOf(episode, rule)}\n`));
  }

  get table(): string {
    return this.lines.join('');
  }
}

function lineOf(episode: OutageEpisode, rule: OutageRule): string {
  const { fault, told, times, counted, fallbacks, stallMs } = episode;
  return [
    fault.name.padEnd(30),
    rule.padEnd(6),
    `slowest ${slowestMs(told[rule]).toFixed(0)} ms`.padEnd(16),
    labelsOf(episode, rule).padEnd(44),
    `admitted ${admittedShare(episode, rule).toFixed(2)} x the limit`.padEnd(28),
    `back after ${(times.backMs - times.healedMs).toFixed(0)} ms`.padEnd(20),
    ...(rule === 'local' ? [`counted ${counted} of ${told.audit.length}, ${fallbacks} substitutes`] : []),
    ...(rule === 'local' && stallMs > 50 ? [`machine stood still for ${stallMs.toFixed(0)} ms`] : []),
  ].join('  ');
}

/** What decisions of the outage were called, each once. */
function labelsOf(episode: OutageEpisode, rule: OutageRule): string {
  const during = inOutage(episode, rule).flatMap(({ decision }) => decision ?? []);
  const labels = during.map(
    ({ backend, state, degraded }) => `${backend} ${state}${degraded ? ' degraded' : ''}`,
  );
  return [...new Set(labels)].join(', ');
}
