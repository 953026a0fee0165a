import { beforeEach, describe, expect, it } from 'vitest';
import { ManualClock } from '../../kernel/manual-clock.js';
import { HandshakeError } from '../handshake-error.js';
import { LiveAccess } from '../live-access.js';
import {
  LISTEN_AGAIN_MS,
  PING_MS,
  SentinelWatch,
  WATCHED_CHANNELS,
  type WatchScout,
} from './sentinel-watch.js';

/** One connection; what it answers is set before it is opened. */
interface Played extends WatchScout {
  say(channel: string, message: string): void;
  end(): void;
  pings: number;
  closed: boolean;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const refusal = (message: string) => Object.assign(new Error(message), { name: 'ReplyError' });

describe('SentinelWatch', () => {
  let clock: ManualClock;
  let scouts: Played[];
  let heard: unknown[];
  let watch: SentinelWatch;
  let subscribing: () => Promise<void>;
  let pinging: () => Promise<unknown>;

  beforeEach(() => {
    clock = new ManualClock();
    [scouts, heard] = [[], []];
    subscribing = () => Promise.resolve();
    pinging = () => Promise.resolve(['pong', '']);
    const address = { host: 'sentinel', port: 26379 };
    watch = new SentinelWatch({
      informant: { address, tls: false, access: new LiveAccess({}, {}), timeoutMs: 1, clock },
      name: 'tokens',
      promoting: (replica) => heard.push(['promoting', replica]),
      switched: (from, to) => heard.push(['switched', from, to]),
      gaveUp: () => heard.push('gave up'),
      resumed: () => heard.push('resumed'),
      scout: () => play(),
      random: () => 0.5,
    });
  });

  function play(): Played {
    let on: (channel: string, message: string) => void;
    let over: () => void;
    const played: Played = {
      connect: () => Promise.resolve(),
      subscribe: (channels, news, ended) => {
        expect(channels).toEqual(WATCHED_CHANNELS);
        [on, over] = [news, ended];
        return subscribing();
      },
      ask: () => {
        played.pings += 1;
        return pinging();
      },
      close: () => (played.closed = true),
      say: (channel, message) => on(channel, message),
      end: () => over(),
      pings: 0,
      closed: false,
    };
    scouts.push(played);
    return played;
  }

  async function pass(ms: number): Promise<void> {
    clock.advance(ms);
    await settled();
  }

  async function opened(): Promise<Played> {
    watch.open();
    await settled();
    return scouts.at(-1) as Played;
  }

  it.each([
    ['+switch-master', 'tokens a 1 b 2', ['switched', { host: 'a', port: 1 }, { host: 'b', port: 2 }]],
    [
      '+failover-state-send-slaveof-noone',
      'slave b:2 b 2 @ tokens a 1',
      ['promoting', { host: 'b', port: 2 }],
    ],
    ['-failover-abort-slave-timeout', 'master tokens a 1', 'gave up'],
  ])('tells what %s says', async (channel, message, told) => {
    (await opened()).say(channel, message);
    expect(heard).toEqual([told]);
  });

  it.each([
    ['+switch-master', 'others a 1 b 2'],
    ['+switch-master', 'tokens a 1 b 99999'],
    ['+switch-master', 'tokens'],
    ['+failover-state-send-slaveof-noone', 'slave b:2 b 2 @ others a 1'],
    ['-failover-abort-slave-timeout', 'master others a 1'],
  ])('does not tell %s of others, or in another form: %s', async (channel, message) => {
    (await opened()).say(channel, message);
    expect(heard).toEqual([]);
  });

  it('notices by a PING that a connection is dead, says so, and listens anew', async () => {
    const dead = await opened();
    pinging = () => Promise.reject(new HandshakeError('timeout', 'no answer'));
    await pass(PING_MS);
    expect([dead.pings, dead.closed]).toEqual([1, true]);
    expect(watch.trouble?.message).toBe('the Sentinel at sentinel:26379: no answer');
    await pass(LISTEN_AGAIN_MS);
    expect([scouts.length, watch.trouble, heard]).toEqual([2, undefined, ['resumed']]);
  });

  it('goes on where a PING is answered, or refused', async () => {
    const scout = await opened();
    await pass(PING_MS);
    pinging = () => Promise.reject(refusal('NOPERM no right to ping'));
    await pass(PING_MS);
    await pass(PING_MS);
    expect([scout.pings, scout.closed, watch.trouble]).toEqual([3, false, undefined]);
  });

  it('says that SUBSCRIBE is refused, and tries again', async () => {
    subscribing = () => Promise.reject(refusal('NOPERM no channel'));
    await opened();
    expect([watch.trouble?.reason, watch.trouble?.suspect]).toEqual(['noperm', 'sentinel-grants']);
    expect(watch.trouble?.message).toContain('the Sentinel at sentinel:26379 grants no SUBSCRIBE');
    await pass(LISTEN_AGAIN_MS);
    expect(scouts.length).toBe(2);
  });

  it('listens anew once, where a connection ends in more than one way', async () => {
    const scout = await opened();
    scout.end();
    scout.end();
    await pass(LISTEN_AGAIN_MS);
    scout.end();
    await pass(LISTEN_AGAIN_MS);
    expect([scouts.length, watch.trouble]).toEqual([2, undefined]);
  });

  it('opens nothing once it was closed, and closes what it opens', async () => {
    const scout = await opened();
    watch.close();
    scout.end();
    await pass(2 * LISTEN_AGAIN_MS);
    watch.open();
    expect([scouts.length, scout.closed]).toEqual([1, true]);
  });

  it('cannot be opened after it was closed', async () => {
    watch.close();
    watch.open();
    await settled();
    expect(scouts).toEqual([]);
  });
});
