import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import type { Address } from '../dialer.js';
import { HandshakeError } from '../handshake-error.js';
import { LiveAccess } from '../live-access.js';
import { SPREADING_MS } from './primary-memory.js';
import { HOLD_MS } from './promotion-hold.js';
import { SentinelLocator } from './sentinel-locator.js';
import type { Converse } from './sentinel-question.js';
import { describeAddress } from './topology.js';

const A: Address = { host: 'a', port: 1 };
const B: Address = { host: 'b', port: 2 };
const SENTINELS = ['s1', 's2', 's3'].map((host) => ({ host, port: 26379 }));

/** What a Sentinel says, or why it says nothing. */
type Said = readonly [primary: Address, epoch: number] | HandshakeError;
type News = (channel: string, message: string) => void;

const away = new HandshakeError('refused', 'nothing listens there');
const PROMOTING = ['+failover-state-send-slaveof-noone', 'slave b:2 b 2 @ tokens a 1'] as const;
const SWITCHED = ['+switch-master', 'tokens a 1 b 2'] as const;
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('SentinelLocator', () => {
  let clock: ManualClock;
  let said: Said[];
  let news: Map<string, News>;
  let told: string[];
  let questions: number;
  /** Answers, which have been given by then, travel for as long as this. */
  let travelling: Promise<unknown>;
  let locator: SentinelLocator;

  const converse: Converse = async (informant, talk) => {
    questions += 1;
    const answer = said[SENTINELS.indexOf(informant.address)] as Said;
    await travelling;
    if (answer instanceof Error) throw answer;
    const [{ host, port }, epoch] = answer;
    return talk((_, what) =>
      Promise.resolve(what === 'MASTER' ? ['name', 'tokens', 'config-epoch', `${epoch}`] : [host, `${port}`]),
    );
  };

  beforeEach(() => {
    clock = new ManualClock();
    [news, told, questions, travelling] = [new Map(), [], 0, Promise.resolve()];
    all([A, 1], [A, 1], [A, 1]);
    locator = new SentinelLocator({
      name: 'tokens',
      sentinels: SENTINELS,
      tls: false,
      access: new LiveAccess({}, {}),
      firstAnswerMs: 1000,
      clock,
      leaving: () => told.push('leaving'),
      moved: (primary) => told.push(`moved to ${primary.host}`),
      converse,
      scout: ({ address }) => ({
        connect: () => Promise.resolve(),
        subscribe: (_, heard) => {
          news.set(address.host, heard);
          return Promise.resolve();
        },
        ask: () => Promise.resolve('PONG'),
        close: () => news.delete(address.host),
      }),
    });
  });

  function all(...next: Said[]): void {
    said = next;
  }

  function announce(sentinel: string, [channel, message]: readonly [string, string]): void {
    news.get(sentinel)?.(channel, message);
  }

  async function knowingA(): Promise<void> {
    expect(await locator.locate()).toEqual(A);
    await settled();
    expect([...news.keys()]).toEqual(['s1', 's2', 's3']);
  }

  function delayed(): () => void {
    let arrive = (): void => undefined;
    travelling = new Promise<void>((resolve) => (arrive = resolve));
    return () => {
      travelling = Promise.resolve();
      arrive();
    };
  }

  it('sends nobody to a primary that is being replaced', async () => {
    await knowingA();
    announce('s1', PROMOTING);
    expect(told).toEqual(['leaving']);
    await expect(locator.locate()).rejects.toMatchObject({ reason: 'readonly' });
    clock.advance(HOLD_MS);
    expect(await locator.locate()).toEqual(A);
  });

  it('lets everybody go to the new primary as soon as one Sentinel names it, before it is announced', async () => {
    await knowingA();
    announce('s1', PROMOTING);
    all([B, 2], [A, 1], [A, 1]);
    expect(await locator.locate()).toEqual(B);
    expect(await locator.confirm(B)).toBe(true);
    announce('s1', SWITCHED);
    expect(told).toEqual(['leaving', 'moved to b']);
  });

  it('waits no longer for a promotion whose Sentinel is away', async () => {
    await knowingA();
    announce('s1', PROMOTING);
    all(away, [A, 1], [A, 1]);
    expect(await locator.locate()).toEqual(A);
  });

  it('leaves once for a promotion that is announced again and again', async () => {
    await knowingA();
    for (let turn = 0; turn < 15; turn += 1) {
      announce('s1', PROMOTING);
      clock.advance(1000);
    }
    expect(told).toEqual(['leaving']);
    expect(await locator.locate()).toEqual(A);
  });

  it('does not leave the new primary for the announcement of its promotion, where that comes late', async () => {
    await knowingA();
    all([B, 2], [B, 2], [B, 2]);
    await locator.locate();
    announce('s3', PROMOTING);
    expect(told).toEqual(['moved to b']);
    expect(await locator.locate()).toEqual(B);
  });

  it('does not return for an answer that was given before the switch and arrived after it', async () => {
    await knowingA();
    const arrive = delayed();
    const asked = locator.locate();
    announce('s1', SWITCHED);
    arrive();
    expect(await asked).toEqual(B);
    expect(told).toEqual(['moved to b']);
  });

  it('does not follow one Sentinel into the past, and says so', async () => {
    all([B, 5], [B, 5], [A, 4]);
    expect(await locator.locate()).toEqual(B);
    clock.advance(SPREADING_MS);
    all(away, away, [A, 4]);
    await expect(locator.confirm(A)).rejects.toMatchObject({
      reason: 'readonly',
      message: '1 of 3 Sentinels answer, and name a primary of the past',
    });
    expect(told).toEqual([]);
  });

  it('follows most of them back, as when they were set up anew', async () => {
    all([B, 5], [B, 5], [B, 5]);
    await locator.locate();
    clock.advance(SPREADING_MS);
    all([A, 0], [A, 0], away);
    expect(await locator.locate()).toEqual(A);
    expect(told).toEqual(['moved to a']);
  });

  it('asks, where an announcement does not begin at the primary that it knows', async () => {
    await knowingA();
    all([B, 3], [A, 1], [A, 1]);
    announce('s2', ['+switch-master', 'tokens c 3 b 2']);
    await settled();
    await settled();
    expect(told).toEqual(['moved to b']);
  });

  it('confirms by a question that was asked after the connection stood', async () => {
    await knowingA();
    const arrive = delayed();
    const before = locator.locate();
    all([B, 2], [B, 2], [B, 2]);
    const confirmed = locator.confirm(A);
    arrive();
    expect(await before).toEqual(A);
    expect(await confirmed).toBe(false);
  });

  it('asks once for those who confirm at the same time', async () => {
    await knowingA();
    expect(await Promise.all([A, A, B].map((one) => locator.confirm(one)))).toEqual([true, true, false]);
    expect(questions).toBe(2 * SENTINELS.length);
  });

  it('opens no watch when it was closed before the answers came', async () => {
    const arrive = delayed();
    const asked = locator.locate();
    locator.close();
    arrive();
    await expect(asked).rejects.toMatchObject({ reason: 'reset' });
    await settled();
    expect([...news.keys()]).toEqual([]);
  });

  it('tells of several failures the one that points to a setting', async () => {
    all(away, new HandshakeError('auth', 'refused'), away);
    const wanted = { reason: 'auth', suspect: 'sentinel-credentials' };
    await expect(locator.locate()).rejects.toMatchObject(wanted);
  });

  it('says which Sentinels do not answer, do not agree, or all is well', async () => {
    await knowingA();
    expect(locator.proof()).toEqual({
      fact: 'sentinels',
      verdict: 'proven',
      detail: 'all 3 Sentinels agree',
    });
    all([A, 1], away, [B, 0]);
    await locator.locate();
    expect(locator.proof().detail).toContain(`1 of 3 Sentinels do not name the primary`);
    expect(locator.proof().detail).toContain(describeAddress(SENTINELS[1] as Address));
    all([A, 1], [A, 1], [B, 0]);
    await locator.locate();
    expect(locator.proof().detail).toBe('they name a:1 and b:2');
  });
});
