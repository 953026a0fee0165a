import type { Clock, Timer } from '../../kernel/time.js';
import type { Address } from '../dialer.js';
import type { HandshakeError } from '../handshake-error.js';
import type { LiveAccess } from '../live-access.js';
import { type ClusterAnswer, askForTable, bestOf, blame, causeOf, wrongSettings } from './cluster-answer.js';
import { converse } from './scout.js';
import type { SlotTable } from './slot-table.js';
import { distinct } from './topology.js';

export interface ClusterMapOptions {
  readonly seeds: readonly Address[];
  readonly tls: boolean;
  readonly access: LiveAccess;
  readonly clock: Clock;
  /** For one node to answer while nothing is known yet, milliseconds. */
  readonly firstAnswerMs: number;
  /** How a node is talked to; the network, where nothing else is given. */
  readonly converse?: typeof converse;
  /** From 0 to 1, without 1. */
  readonly random?: () => number;
}

export interface ClusterMapEvents {
  /** @param fresh the table was asked for; else a redirection brought or took a primary */
  changed(fresh: boolean): void;
  /** Nobody could say where the slots are. */
  failed(error: HandshakeError): void;
}

/** While something is missing the nodes are asked at this pace at first … */
const REFRESH_MS = 250;
/** … and, as the trouble grows older, after a pause of this share of its age, up to the longest. */
const PAUSE_SHARE = 1 / 8;
const LONGEST_REFRESH_MS = 2000;
/** Pauses are shortened at random by up to this share: a fleet must not ask in step. */
const SPREAD = 0.4;
/** Later a node that hangs must not hold up the search for its successor. */
const ANSWER_MS = 300;
/** So many nodes are asked at once when the map is known; the others have their turn. */
export const MOST_ASKED = 5;

/**
 * The slot table of one purpose's cluster, shared by its lanes. Asked for at the start, after a slot has moved and,
 * while a node is missing, again and again; several nodes are asked at once, and the view with the highest epoch
 * of a cluster that is well wins.
 */
export class ClusterMap {
  private table: SlotTable | undefined;
  private asking: Promise<void> | undefined;
  private timer: Timer | undefined;
  private readonly closing = new AbortController();
  private unanswered = false;
  private turn = 0;
  private troubledMs: number | undefined;
  private readonly listeners: ClusterMapEvents[] = [];
  /** Lanes that miss a node. */
  private readonly missing = new Set<unknown>();

  constructor(private readonly options: ClusterMapOptions) {}

  get known(): SlotTable | undefined {
    return this.table;
  }

  listen(events: ClusterMapEvents): void {
    this.listeners.push(events);
  }

  /** Starts, or asks anew; once at a time. Never rejects. */
  refresh(): Promise<void> {
    if (this.closed) return Promise.resolve();
    this.asking ??= this.ask().finally(() => {
      this.asking = undefined;
      if (this.troubled) this.refreshSoon();
    });
    return this.asking;
  }

  /** A lane says whether it misses a node: as long as one does, the nodes are asked for another. */
  note(lane: unknown, misses: boolean): void {
    if (misses) this.missing.add(lane);
    else this.missing.delete(lane);
    if (misses) this.refreshSoon();
    else if (!this.troubled) this.troubledMs = undefined;
  }

  /** What a MOVED says of one slot holds at once. What the table says already is no news. */
  moved(slot: number, to: Address): void {
    const change = this.table?.assign(slot, to);
    if (change === 'same') return;
    if (change === 'primaries') for (const listener of this.listeners) listener.changed(false);
    this.refreshSoon();
  }

  close(): void {
    this.closing.abort();
    this.timer?.cancel();
  }

  /** Something suggests that the table no longer holds. */
  refreshSoon(): void {
    if (this.timer || this.closed || this.asking) return;
    this.timer = this.options.clock.after(this.pauseMs(), () => {
      this.timer = undefined;
      void this.refresh();
    });
  }

  private get closed(): boolean {
    return this.closing.signal.aborted;
  }

  private get troubled(): boolean {
    return !this.table?.covered || this.unanswered || this.missing.size > 0;
  }

  private pauseMs(): number {
    const { clock, random = Math.random } = this.options;
    const nowMs = clock.monotonicMs();
    if (this.troubled) this.troubledMs ??= nowMs;
    else this.troubledMs = undefined;
    const ageMs = nowMs - (this.troubledMs ?? nowMs);
    const ceilingMs = Math.min(LONGEST_REFRESH_MS, Math.max(REFRESH_MS, ageMs * PAUSE_SHARE));
    return ceilingMs * (1 - SPREAD * random());
  }

  private async ask(): Promise<void> {
    const answers = await Promise.all(this.toAsk().map((node) => this.question(node)));
    if (this.closed) return;
    const failure = this.table ? undefined : wrongSettings(answers);
    const best = bestOf(answers);
    this.unanswered = failure !== undefined || best === undefined;
    if (failure || !best?.table) {
      const cause = failure ?? causeOf(answers);
      for (const listener of this.listeners) listener.failed(cause);
      return;
    }
    // Whoever lost the others knows no better than what is known.
    if (best.epoch >= 0 || !this.table) this.table = best.table;
    for (const listener of this.listeners) listener.changed(true);
  }

  /** Until the map is known all seeds, since all of them are settings to check; then a few, primaries first. */
  private toAsk(): readonly Address[] {
    const { seeds } = this.options;
    if (!this.table) return seeds;
    const all = distinct([...this.table.primaries(), ...seeds]);
    if (all.length <= MOST_ASKED) return all;
    const from = this.turn % all.length;
    // With nothing missing, whoever is asked knows; the turn goes on only where the last ones did not help.
    this.turn = this.troubled ? from + MOST_ASKED - 1 : 0;
    const turn = [...all.slice(from), ...all.slice(0, from)];
    // A table may name nothing but nodes that are gone; the settings are asked in every turn.
    const seed = seeds[Math.floor(from / MOST_ASKED) % seeds.length];
    return distinct(seed ? [seed, ...turn] : turn).slice(0, MOST_ASKED);
  }

  private async question(node: Address): Promise<ClusterAnswer> {
    const { tls, access, clock, firstAnswerMs, converse: talk = converse } = this.options;
    const timeoutMs = this.table ? ANSWER_MS : firstAnswerMs;
    try {
      return await talk(
        { address: node, tls, access, clock, timeoutMs, signal: this.closing.signal },
        (ask) => askForTable(ask, node),
      );
    } catch (error) {
      return { node, epoch: -1, failure: blame(error as HandshakeError, node) };
    }
  }
}
