import type { CompiledLimit } from '../policies/compiled-limit.js';
import { Meter, type MeterWatcher } from './meter.js';

/** A limit as a row of its policy: the limit in force for most subjects, and its place among those of its dimension. */
export interface LimitSeat {
  readonly seat: number;
  readonly limit: CompiledLimit;
}

/** What a denial that is kept in mind rests on; one object for all subjects that are denied on the same grounds. */
export interface Denial {
  /** Of one plan, and only for as long as nothing changes by which other limits would be asked or trusted. */
  readonly scope: object;
  /** The limit in force. */
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

/**
 * Somebody who is counted: a client address, an account, everybody. There may be a hundred thousand, and what is far
 * apart in memory costs more to look at than to compare: what a known denial looks at stands first.
 */
export class Subject implements MeterWatcher {
  /** Until when its denier denies one unit; whole monotonic milliseconds, which need no object of their own. */
  private deniedUntilMs = 0;
  private denial: Denial | undefined;
  /** The limit of this subject that denied last; undefined: it stands otherwise since. */
  denier: Meter | undefined;
  readonly dimension: string;
  /** Canonical text, which never leaves the process. */
  readonly value: string;
  /** What Redis knows of it. */
  readonly digest: string;
  /** Blocked by an operator until then; monotonic milliseconds. */
  blockedUntilMs = 0;
  private edition = -1;
  private meters: Seats = NONE;
  /** Where a canary leaves some clients to this process: what those have spent of what they share with the others. */
  private ownMeters: Seats = NONE;

  constructor(dimension: string, value: string, digest: string) {
    this.dimension = dimension;
    this.value = value;
    this.digest = digest;
  }

  /** Looks up what operators have set, where that has changed since the last time. */
  follow(ruling: Ruling): void {
    if (this.edition === ruling.edition) return;
    this.edition = ruling.edition;
    this.blockedUntilMs = ruling.blockedUntilMs(this.dimension, this.digest);
    for (const meters of [this.meters, this.ownMeters])
      for (const meter of meters) meter?.follow(ruling.limitFor(meter.base, this));
  }

  /** Whether Redis counts this limit for this subject, not for another one of the same check. */
  has(meter: Meter): boolean {
    return this.meters.includes(meter);
  }

  /** Keeps in mind that this limit of the subject denies one unit. @param untilMs whole monotonic milliseconds */
  denied(meter: Meter, denial: Denial, untilMs: number): void {
    meter.watchedBy(this);
    this.denier = meter;
    this.denial = denial;
    this.deniedUntilMs = untilMs;
  }

  /** By what one unit is denied now, as far as that is kept in mind. */
  deniedBy(nowMs: number): Denial | undefined {
    return nowMs < this.deniedUntilMs ? this.denial : undefined;
  }

  meterChanged(): void {
    this.deniedUntilMs = 0;
    this.denial = undefined;
    this.denier = undefined;
  }

  /** @param inRedis whether Redis counts this check; its counts and those of this process are not mixed */
  meter({ seat, limit }: LimitSeat, ruling: Ruling, inRedis: boolean): Meter {
    const known = (inRedis ? this.meters : this.ownMeters)[seat];
    if (known) return known;
    const made = new Meter(limit, ruling.limitFor(limit, this), this.digest);
    if (inRedis) this.meters = seated(this.meters, seat, made);
    else this.ownMeters = seated(this.ownMeters, seat, made);
    return made;
  }
}

type Seats = readonly (Meter | undefined)[];

/** Shared by all who have none. */
const NONE: Seats = [];

/** As long as it has to be: a list that is appended to keeps room for sixteen more. */
function seated(meters: Seats, seat: number, meter: Meter): Seats {
  if (seat < meters.length) return meters.with(seat, meter);
  const empty = Array.from<undefined>({ length: seat - meters.length });
  return meters.concat(empty, meter);
}
