import { describe, expect, it } from 'vitest';
import type { BuiltInPurpose } from '../../src/redis/index.js';
import type { Attempt } from './support/callers.js';
import type { Episode } from './support/episode.js';
import type { FaultRow } from './support/fault-row.js';
import { judge } from './support/judge.js';
import type { Answer } from './support/visitor.js';
import { Report } from './support/report.js';
import { SILENCE, STRUCK, call, soundEpisode } from './support/sound-episode.js';

const SPARED: BuiltInPurpose = 'billingEvents';

/** The judge is what all other fault tests rely on, so each of its promises is broken once on purpose. */
describe('The judge of the fault tests', () => {
  it('has nothing to say of an episode in which every promise was kept', () => {
    expect(judge(soundEpisode())).toEqual([]);
  });

  const failed = { outcome: 'unavailable', maybeExecuted: false } as const;

  it.each<[string, RegExp, (sound: Episode) => Episode]>([
    ['a call that ran twice', /1 calls executed twice/, (e) => withCall(e, STRUCK, call(), 2)],
    ['an acknowledged call that is lost', /acknowledged and lost/, (e) => withCall(e, SPARED, call(), 0)],
    [
      'a call that ran although the error denies it',
      /the error says that it was not/,
      (e) => withCall(e, STRUCK, call({ ...failed, reason: 'timeout' }), 1),
    ],
    ['a call beyond its budget', /over 458 ms/, (e) => withCall(e, STRUCK, call({ ms: 460 }), 1)],
    ['a call that never ends', /without an end/, (e) => withWait(e, 5000)],
    [
      'an error of somebody else',
      /error that is not ours/,
      (e) => withCall(e, STRUCK, call({ outcome: 'foreign error', text: 'TypeError' }), 0),
    ],
    [
      'a secret in an error',
      /shows a secret/,
      (e) => withCall(e, STRUCK, call({ ...failed, reason: 'timeout', leaks: true }), 0),
    ],
    [
      'a reason that the row does not have',
      /for another reason than timeout/,
      (e) => withCall(e, STRUCK, call({ ...failed, reason: 'oom' }), 0),
    ],
    [
      'a spared compartment that fails',
      /although nothing was wrong with the purpose/,
      (e) => withCall(e, SPARED, call({ ...failed, reason: 'reset' }), 0),
    ],
    [
      'slow calls while nobody answers',
      /silent: p99/,
      (e) =>
        Array.from({ length: 10 }).reduce<Episode>((all) => withCall(all, STRUCK, call({ ms: 240 }), 1), e),
    ],
    ['no failure of a lost purpose', /no call failed/, (e) => withCalls(e, STRUCK, [call()], [1])],
    ['a lost purpose that is up', /up at the end of the window/, (e) => withReason(e, undefined)],
    ['a wrong reason of the status', /gives tls as the reason/, (e) => withReason(e, 'tls')],
    [
      'another answer than the table promises',
      /GET \/readyz\/authCache: 200 ok, but promised is 503/,
      (e) => withAnswers(e, '/readyz/authCache', (answer) => ({ ...answer, status: 200, said: 'ok' })),
    ],
    [
      'an answer that hides that it is degraded',
      /GET \/readyz: 200 ok, but promised is 200 degraded/,
      (e) => withAnswers(e, '/readyz', (answer) => ({ ...answer, said: 'ok' })),
    ],
    ['no answer', /GET \/livez: 0/, (e) => withAnswers(e, '/livez', (a) => ({ ...a, status: 0 }))],
    [
      'a slow answer',
      /GET \/livez: over 508 ms/,
      (e) => withAnswers(e, '/livez', (answer) => ({ ...answer, endedMs: answer.startedMs + 600 })),
    ],
    [
      'readiness that names a spared purpose',
      /billingEvents is down while it is up/,
      (e) => withAnswers(e, '/readyz', (a) => ({ ...a, states: { ...a.states, billingEvents: 'down' } })),
    ],
    [
      'a connection left over',
      /2 connections to authCache instead of 1/,
      (e) => ({ ...e, connections: { ...e.connections, authCache: { before: ['a'], after: ['a', 'a'] } } }),
    ],
    ['a flood of log', /999 lines of log/, (e) => ({ ...e, log: { ...e.log, others: 999 } })],
    ['long lines', /bytes of log/, (e) => ({ ...e, log: { ...e.log, bytes: 1e6 } })],
    ['a line per request too many', /request lines/, (e) => ({ ...e, log: { ...e.log, requests: 1e4 } })],
    ['a secret in the log', /a secret in the output/, (e) => ({ ...e, log: { ...e.log, secrets: 1 } })],
    ['a bare stack', /not a line of JSON/, (e) => ({ ...e, log: { ...e.log, strays: ['  at x'] } })],
    ['an unhandled rejection', /was not handled/, (e) => ({ ...e, unhandled: [new Error('lost')] })],
  ])('sees %s', (_, complaint, breaking) => {
    expect(judge(breaking(soundEpisode())).join('\n')).toMatch(complaint);
  });

  it('lets a purpose that flaps come and go, and one that is slowed stay', () => {
    const up = (e: Episode) =>
      withAnswers(e, '/readyz/authCache', (a) => ({ ...a, status: 200, said: 'up' }));
    for (const change of [{ flaps: true }, { effect: 'slowed' }] as const)
      expect(judge(withReason(up(withFault(soundEpisode(), change)), undefined))).toEqual([]);
  });

  it('excuses time-outs while the machine stood still, and nothing else', () => {
    const late = call({ ...failed, reason: 'timeout', ms: 700 });
    const still = (sound: Episode) => ({ ...sound, stallMs: 600 });
    const many = (sound: Episode, attempt: Attempt) =>
      Array.from({ length: 30 }).reduce<Episode>((all) => withCall(all, SPARED, attempt, 0), sound);
    expect(judge(many(soundEpisode(), late))).not.toEqual([]);
    expect(judge(still(many(soundEpisode(), late)))).toEqual([]);
    expect(judge(still(many(soundEpisode(), { ...late, reason: 'reset' })))).not.toEqual([]);
    expect(judge(still(withCall(soundEpisode(), SPARED, call(), 2)))).not.toEqual([]);
    const report = new Report();
    report.add(still(soundEpisode()));
    expect(report.complaints(0)).toEqual(['1 of 1 episodes were disturbed: too many to be the machine']);
  });

  it('excuses one short moment of a spared compartment, which the report counts', () => {
    const blip = (lastMs: number) => {
      const starts = Array.from({ length: 30 }, (_, n) => 1500 + (n * lastMs) / 29);
      return starts.reduce<Episode>(
        (all, startedMs) => withCall(all, SPARED, call({ ...failed, reason: 'timeout', startedMs }), 0),
        soundEpisode(),
      );
    };
    expect(judge(blip(300))).toEqual([]);
    expect(judge(blip(600)).join()).toMatch(/30 of 630 calls failed/);
    const report = new Report();
    report.add(blip(300));
    expect(report.complaints(0).join()).toMatch(/1 of 1 episodes were disturbed/);
  });

  it('does not look for what a server has forgotten by order', () => {
    const episode = withFault(soundEpisode(), { forgets: true });
    expect(judge(withCall(episode, STRUCK, call(), 0))).toEqual([]);
  });

  it('has the report refuse a slow recovery, a leak and a secret, but not the recovery of a link that flaps', () => {
    const [strike] = soundEpisode().strikes;
    if (!strike) throw new Error('The sound episode has no strike');
    const slow = { ...soundEpisode(), strikes: [{ ...strike, coreMs: 3500 }] };
    const report = new Report();
    report.add(slow);
    expect(report.complaints(21 * 1024 * 1024)).toEqual([
      'recovery p95 is 3500 ms',
      'recovery of authCache in the core (silence) took 3500 ms',
      'the application grew by 21.0 MiB',
    ]);
    const flapping = new Report();
    flapping.add(withFault(slow, { flaps: true }));
    expect(flapping.complaints(0)).toEqual([]);
    const leaking = new Report();
    leaking.add({ ...soundEpisode(), log: { ...soundEpisode().log, secrets: 1 } });
    expect(leaking.complaints(0)).toEqual(['1 secrets were shown']);
  });
});

function withCall(episode: Episode, name: BuiltInPurpose, attempt: Attempt, times: number): Episode {
  const { attempts, counts } = episode;
  return withCalls(episode, name, [...attempts[name], attempt], [...counts[name], times]);
}

function withCalls(episode: Episode, name: BuiltInPurpose, calls: Attempt[], times: number[]): Episode {
  const { attempts, counts } = episode;
  return { ...episode, attempts: { ...attempts, [name]: calls }, counts: { ...counts, [name]: times } };
}

function withWait(episode: Episode, ms: number): Episode {
  return { ...episode, waitingMs: { ...episode.waitingMs, [STRUCK]: ms } };
}

function withReason(episode: Episode, reason: 'tls' | undefined): Episode {
  const strikes = episode.strikes.map((strike) => ({ ...strike, coreReason: reason, appReason: reason }));
  return { ...episode, strikes };
}

function withFault(episode: Episode, change: Partial<FaultRow>): Episode {
  return {
    ...episode,
    strikes: episode.strikes.map((strike) => ({ ...strike, fault: { ...SILENCE, ...change } })),
  };
}

function withAnswers(episode: Episode, path: string, change: (answer: Answer) => Answer): Episode {
  const answers = episode.answers.map((answer) => (answer.endpoint.path === path ? change(answer) : answer));
  return { ...episode, answers };
}
