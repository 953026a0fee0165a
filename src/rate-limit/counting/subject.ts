import type { CompiledLimit } from '../policies/compiled-limit.js';
import { Meter } from './meter.js';

/** A limit as a row of its policy: the limit in force for most subjects, and its place among those of its dimension. */
export interface LimitSeat {
  readonly seat: number;
  readonly limit: CompiledLimit;
}

/** What operators have set about a subject. */
export interface Ruling {
  /** Grows with every change. */
  readonly edition: number;
  /** Monotonic milliseconds; 0 where the subject is not blocked. */
  blockedUntilMs(dimension: string, digest: string): number;
  /** The limit in force: the given one, or what overrides it for this subject. */
  limitFor(limit: CompiledLimit, subject: Subject): CompiledLimit;
}

/** Somebody who is counted: a client address, an account, everybody. */
export class Subject {
  /** Blocked by an operator until then; monotonic milliseconds. */
  blockedUntilMs = 0;
  private edition = -1;
  private readonly meters: (Meter | undefined)[] = [];
  /** Where a canary leaves some clients to this process: what those have spent of what they share with the others. */
  private readonly ownMeters: (Meter | undefined)[] = [];

  /**
   * @param value canonical text, which never leaves the process
   * @param digest what Redis knows of it
   */
  constructor(
    readonly dimension: string,
    readonly value: string,
    readonly digest: string,
  ) {}

  /** Looks up what operators have set, where that has changed since the last time. */
  follow(ruling: Ruling): void {
    if (this.edition === ruling.edition) return;
    this.edition = ruling.edition;
    this.blockedUntilMs = ruling.blockedUntilMs(this.dimension, this.digest);
    for (const meters of [this.meters, this.ownMeters])
      for (const meter of meters) meter?.follow(ruling.limitFor(meter.base, this));
  }

  /** @param inRedis whether Redis counts this check; its counts and those of this process are not mixed */
  meter({ seat, limit }: LimitSeat, ruling: Ruling, inRedis = true): Meter {
    const meters = inRedis ? this.meters : this.ownMeters;
    return (meters[seat] ??= new Meter(limit, ruling.limitFor(limit, this), this.digest));
  }
}
