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
  /** False where surely nobody is blocked, which spares looking. */
  readonly anyBlocked: boolean;
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
  /** Who floods is denied by the same limit again and again: the last one, and among which limits it was asked. */
  private denier: Meter | undefined;
  private deniedAmong: readonly unknown[] | undefined;
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
    this.deniedAmong = undefined;
    this.blockedUntilMs = ruling.blockedUntilMs(this.dimension, this.digest);
    for (const meters of [this.meters, this.ownMeters])
      for (const meter of meters) meter?.follow(ruling.limitFor(meter.base, this));
  }

  /** Keeps in mind which limit denied, where it is one of this subject. @param among the limits that were asked */
  denied(meter: Meter, among: readonly unknown[]): void {
    if (!this.meters.includes(meter)) return;
    this.denier = meter;
    this.deniedAmong = among;
  }

  /** The limit of this subject that denied last among the same limits, if operators have changed nothing since. */
  lastDenier(among: readonly unknown[]): Meter | undefined {
    return this.deniedAmong === among ? this.denier : undefined;
  }

  /** @param inRedis whether Redis counts this check; its counts and those of this process are not mixed */
  meter({ seat, limit }: LimitSeat, ruling: Ruling, inRedis: boolean): Meter {
    const meters = inRedis ? this.meters : this.ownMeters;
    return (meters[seat] ??= new Meter(limit, ruling.limitFor(limit, this), this.digest));
  }
}
