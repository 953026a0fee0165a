import type { Timer } from '../../kernel/time.js';
import type { Address } from '../dialer.js';
import { HandshakeError } from '../handshake-error.js';
import { type Informant, Scout, asHandshakeError } from './scout.js';
import { describeAddress } from './topology.js';

/** The connection of a watch; tests play its news. */
export type WatchScout = Pick<Scout, 'connect' | 'subscribe' | 'ask' | 'close'>;

export interface SentinelWatchOptions {
  readonly informant: Informant;
  readonly name: string;
  /**
   * The Sentinel is about to promote a replica: what the old primary takes from now on is lost.
   *
   * @param replica the one to be promoted, undefined where it does not say
   */
  readonly promoting: (replica: Address | undefined) => void;
  /** The Sentinel announced that another primary took over. */
  readonly switched: (from: Address, to: Address) => void;
  /** It gave the promotion up; the primary stays. */
  readonly gaveUp: () => void;
  /** The watch stands again after it was interrupted, so that an announcement may have been missed. */
  readonly resumed: () => void;
  readonly scout?: (informant: Informant) => WatchScout;
  /** From 0 to 1, without 1. */
  readonly random?: () => number;
}

/** From half of it to one and a half, so that the watches of a fleet do not return in step. */
export const LISTEN_AGAIN_MS = 2000;
/** A connection on which nothing is said for hours may have ended unnoticed. */
export const PING_MS = 10_000;

const PROMOTING = '+failover-state-send-slaveof-noone';
const SWITCHED = '+switch-master';
const GAVE_UP: readonly string[] = [
  '-failover-abort-not-elected',
  '-failover-abort-no-good-slave',
  '-failover-abort-slave-timeout',
];

export const WATCHED_CHANNELS: readonly string[] = [PROMOTING, SWITCHED, ...GAVE_UP];

/**
 * Listens to one Sentinel, so that the connections to a primary that was replaced are given up at the
 * announcement and not at the first write that it refuses: until somebody tells it, which takes a Sentinel ten
 * seconds and more, it takes all of them.
 */
export class SentinelWatch {
  private scout: WatchScout | undefined;
  private timer: Timer | undefined;
  private opened = false;
  private closed = false;
  private interrupted = false;
  private failure: HandshakeError | undefined;

  constructor(private readonly options: SentinelWatchOptions) {}

  /** Why the Sentinel is not heard, in words for a person; undefined while it is, or was not tried yet. */
  get trouble(): HandshakeError | undefined {
    return this.failure;
  }

  /** Begins, unless it has begun. */
  open(): void {
    if (this.opened || this.closed) return;
    this.opened = true;
    void this.listen();
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.scout?.close();
  }

  private async listen(): Promise<void> {
    const { informant, resumed } = this.options;
    const scout = (this.options.scout ?? ((whom) => new Scout(whom)))(informant);
    this.scout = scout;
    try {
      await scout.connect();
      await scout.subscribe(
        WATCHED_CHANNELS,
        (channel, message) => this.read(channel, message),
        () => this.ended(scout, new HandshakeError('reset', 'the connection was closed by the other side')),
      );
    } catch (error) {
      this.ended(scout, asHandshakeError(error as Error));
      return;
    }
    if (this.scout !== scout || this.closed) return;
    this.failure = undefined;
    this.pingLater(scout);
    if (this.interrupted) resumed();
    this.interrupted = false;
  }

  private pingLater(scout: WatchScout): void {
    this.timer = this.options.informant.clock.after(PING_MS, () => void this.ping(scout));
  }

  private async ping(scout: WatchScout): Promise<void> {
    try {
      await scout.ask('PING');
    } catch (error) {
      // A refusal, as where the right to PING is not granted, is a sign of life.
      if ((error as Error).name !== 'ReplyError') {
        this.ended(scout, asHandshakeError(error as Error));
        return;
      }
    }
    if (this.scout === scout && !this.closed) this.pingLater(scout);
  }

  /** `<name> <old host> <old port> <new host> <new port>` of a switch, `master <name> …` of the others. */
  private read(channel: string, message: string): void {
    const words = message.split(' ');
    const { name, promoting, switched, gaveUp } = this.options;
    if (channel === SWITCHED) {
      const [from, to] = [addressAt(words, 1), addressAt(words, 3)];
      if (words[0] === name && from && to) switched(from, to);
      return;
    }
    // A promotion is told of the replica, with its primary behind the @.
    if (words[1] !== name && words[words.indexOf('@') + 1] !== name) return;
    if (channel === PROMOTING) promoting(addressAt(words, 2));
    else gaveUp();
  }

  /** A connection ends once, whoever notices first. */
  private ended(scout: WatchScout, failure: HandshakeError): void {
    if (this.scout !== scout) return;
    this.scout = undefined;
    scout.close();
    this.interrupted = true;
    this.timer?.cancel();
    if (this.closed) return;
    this.failure = blameWatch(failure, this.options.informant.address);
    const { random = Math.random, informant } = this.options;
    const pauseMs = LISTEN_AGAIN_MS * (0.5 + random());
    this.timer = informant.clock.after(pauseMs, () => void this.listen());
  }
}

function addressAt(words: readonly string[], at: number): Address | undefined {
  const [host, port] = [words[at], Number(words[at + 1])];
  return host && port > 0 && port < 65_536 ? { host, port } : undefined;
}

function blameWatch({ reason, message }: HandshakeError, sentinel: Address): HandshakeError {
  const who = `the Sentinel at ${describeAddress(sentinel)}`;
  return reason === 'noperm'
    ? new HandshakeError(reason, `${who} grants no SUBSCRIBE to its announcements`, 'sentinel-grants')
    : new HandshakeError(reason, `${who}: ${message}`);
}
