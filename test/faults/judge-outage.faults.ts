import { describe, expect, it } from 'vitest';
import type { RateLimitDecision } from '../../src/rate-limit/index.js';
import { judgeOutage } from './support/judge-outage.js';
import type { Told } from './support/limiter-traffic.js';
import type { OutagePolicy } from './support/limiter-policies.js';
import type { OutageEpisode } from './support/outage-episode.js';
import { SILENCE } from './support/sound-episode.js';

const TIMES = {
  startMs: 0,
  struckMs: 1000,
  noticedMs: 1100,
  healingMs: 2000,
  healedMs: 2000,
  backMs: 2500,
  endMs: 3000,
};

type Facts = Pick<RateLimitDecision, 'allowed' | 'state' | 'backend' | 'degraded' | 'retryAfterMs'>;

function tell(startedMs: number, facts: Partial<Facts>, ms = 1): Told {
  const decision: Facts = {
    allowed: true,
    state: 'allow',
    backend: 'redis',
    degraded: false,
    retryAfterMs: 0,
    ...facts,
  };
  return { startedMs, ms, decision: decision as RateLimitDecision };
}

const DEGRADED = { backend: 'memory', degraded: true } as const;
const UNAVAILABLE = { ...DEGRADED, allowed: false, state: 'unavailable', retryAfterMs: 1000 } as const;

/** Made up for the judge, with every promise kept: one call in 50 ms. */
function sound(): OutageEpisode {
  const calls = (away: Partial<Facts>) =>
    Array.from({ length: 60 }, (_, n) =>
      tell(n * 50, n * 50 >= TIMES.struckMs && n * 50 < TIMES.backMs ? away : {}),
    );
  const told = {
    local: calls(DEGRADED),
    deny: calls(UNAVAILABLE),
    allow: calls(DEGRADED),
    audit: calls(DEGRADED),
  };
  return { fault: SILENCE, times: TIMES, told, fallbacks: 120, counted: 60, stallMs: 5 };
}

function withTold(policy: OutagePolicy, change: (told: readonly Told[]) => readonly Told[]): OutageEpisode {
  const episode = sound();
  return { ...episode, told: { ...episode.told, [policy]: change(episode.told[policy]) } };
}

const oneMore = (policy: OutagePolicy, one: Told) => withTold(policy, (told) => [...told, one]);

describe('The judge of outages of the rate limiter', () => {
  it('has nothing to say where every promise was kept', () => {
    expect(judgeOutage(sound())).toEqual([]);
  });

  it.each<[string, RegExp, OutageEpisode]>([
    [
      'a check that was rejected',
      /rejected: gone/,
      oneMore('local', { startedMs: 5, ms: 1, decision: undefined, error: 'gone' }),
    ],
    ['a slow decision', /took 600 ms/, oneMore('allow', tell(5, {}, 600))],
    ['a late return', /3500 ms after/, { ...sound(), times: { ...TIMES, backMs: 5500 } }],
    [
      'a decision without a label',
      /local: 1 of 19 .* not labelled/,
      oneMore('local', tell(1500, { backend: 'cache' })),
    ],
    ['one who passes uncounted', /deny: 1 of 19 .* follow the rule/, oneMore('deny', tell(1500, DEGRADED))],
    ['one who does not pass', /allow: 1 of 19 .* follow the rule/, oneMore('allow', tell(1500, UNAVAILABLE))],
    ['too much admitted', /local: 1.\d+ times the limit/, withTold('local', (told) => [...told, ...told])],
    [
      'degraded decisions of a healthy instance',
      /while nothing was wrong/,
      withTold('audit', (told) => told.map((one) => tell(one.startedMs, DEGRADED))),
    ],
    ['a metric that is not told', /119 substitutes of 120/, { ...sound(), fallbacks: 119 }],
    ['a call that counts twice', /61 calls are counted, but 60/, { ...sound(), counted: 61 }],
    ['calls that are forgotten', /50 calls are counted of 60/, { ...sound(), counted: 50 }],
  ])('sees %s', (_, complaint, episode) => {
    expect(judgeOutage(episode).join('\n')).toMatch(complaint);
  });
});
