import { Injectable } from '@nestjs/common';
import { failClosed, InjectRedis, type PurposeRedis } from '../../../redis/index.js';
import { EventLog } from '../../log/event-log.js';
import { replayMarkKey } from '../../log/keys.js';
import { type LogEntry, UNASSIGNED } from '../../log/log-entry.js';
import { ASSIGNMENT } from './replay-target.js';

/** The raw events of so many entries are in memory at a time. */
const AT_ONCE = 16;

/** An entry to be told again, for another tenant where that is given. */
export interface Retelling {
  readonly entry: LogEntry;
  readonly tenantId?: string;
  /** Unset: as it was. */
  readonly data?: string;
}

/**
 * Tells events once more: new entries with the same event, flagged as replayed, for whoever reads the stream. Once for each
 * name of a replay, however often that is begun, by however many processes at a time.
 */
@Injectable()
export class StreamReplay {
  constructor(
    private readonly log: EventLog,
    @InjectRedis('billingEvents', 'bulk') private readonly bulk: PurposeRedis<'billingEvents'>,
  ) {}

  /**
   * One entry for each event: the first one, or the one with which it was given to a tenant, since the first one is
   * nobody's then. What was told once more is told again by neither.
   *
   * @throws RedisUnavailableError
   */
  async choose(entries: readonly LogEntry[]): Promise<readonly LogEntry[]> {
    const chosen = await Promise.all(
      entries.map(async (entry) => {
        if (!entry.replayed && entry.tenantId !== UNASSIGNED) return true;
        const given = await this.givenBy(entry.eventId);
        return entry.replayed ? given === entry.id : given === undefined;
      }),
    );
    return entries.filter((_, at) => chosen[at]);
  }

  /**
   * @returns for each `told`, `told-before`, and `gone` for those that were trimmed meanwhile
   * @throws RedisUnavailableError; some may be told then, and are not told again under the same name
   */
  async perform(tellings: readonly Retelling[], replayId: string): Promise<readonly string[]> {
    const results: string[] = [];
    for (let at = 0; at < tellings.length; at += AT_ONCE)
      results.push(...(await this.some(tellings.slice(at, at + AT_ONCE), replayId)));
    return results;
  }

  async preview(entries: readonly LogEntry[], replayId: string): Promise<readonly string[]> {
    const told = await Promise.all(
      entries.map(({ eventId }) =>
        failClosed('billingEvents', () => this.bulk.exists(replayMarkKey(replayId, eventId))),
      ),
    );
    return told.map((count) => (count > 0 ? 'told-before' : 'told'));
  }

  /** @returns id of the entry with which an event was given to a tenant; undefined where it was not */
  private async givenBy(eventId: string): Promise<string | undefined> {
    const mark = await failClosed('billingEvents', () => this.bulk.get(replayMarkKey(ASSIGNMENT, eventId)));
    return mark?.split('.', 1)[0];
  }

  private async some(tellings: readonly Retelling[], replayId: string): Promise<string[]> {
    const raws = await Promise.all(tellings.map(({ entry }) => this.log.raw(entry.id)));
    // Sent one after the other over one connection: they are told in the order in which they happened.
    return Promise.all(
      tellings.map(async ({ entry, tenantId = entry.tenantId, data = entry.data }, at) => {
        const raw = raws[at];
        if (raw === undefined) return 'gone';
        const { eventId, type, createdS, objectId } = entry;
        const event = { eventId, type, createdS, objectId, tenantId, data, raw };
        const { duplicate } = await this.log.append({ ...event, replayed: true, replayId });
        return duplicate ? 'told-before' : 'told';
      }),
    );
  }
}
