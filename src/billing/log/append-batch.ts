import type { Batch, ScriptArgument } from '../../redis/index.js';
import type { Append } from './append.js';
import {
  LOG_KEY,
  SEQUENCES_KEY,
  TENANTS_KEY,
  eventKey,
  objectKey,
  replayMarkKey,
  tenantKey,
} from './keys.js';
import { pack } from './packing.js';

/** Redis is held up for some thirty microseconds by each, so that one call takes it a millisecond or so. */
const MOST_EVENTS = 32;
/** Of what the events hold, before it is packed. A larger one goes alone. */
const LARGEST_CHARS = 256 * 1024;

/** Events that go to Redis in one call of append.lua. */
export class AppendBatch implements Batch<Append> {
  readonly waiting: Append[] = [];
  readonly keys: string[] = [LOG_KEY, SEQUENCES_KEY, TENANTS_KEY];
  readonly args: ScriptArgument[];
  private chars = 0;

  /** @param markSeconds how long an event is known to have been taken */
  constructor(markSeconds: number) {
    this.args = [markSeconds];
  }

  get isFull(): boolean {
    return this.waiting.length >= MOST_EVENTS || this.chars >= LARGEST_CHARS;
  }

  /** The first one has room always. */
  hasRoomFor({ event: { data, raw } }: Append): boolean {
    return this.waiting.length === 0 || this.chars + data.length + raw.length <= LARGEST_CHARS;
  }

  /** @param append its event keeps the rules of `assertEvent` */
  add(append: Append): void {
    const {
      eventId,
      type,
      tenantId,
      createdS,
      objectId,
      data,
      raw,
      replayed = false,
      replayId,
    } = append.event;
    const once = replayed && replayId !== undefined;
    // Before anything is taken in: what cannot be packed is no part of the batch.
    const packed = typeof raw === 'string' ? pack(raw) : raw.packed;
    this.waiting.push(append);
    this.chars += data.length + raw.length;
    this.keys.push(tenantKey(tenantId), eventKey(eventId));
    if (objectId) this.keys.push(objectKey(objectId));
    if (once) this.keys.push(replayMarkKey(replayId, eventId));
    const telling = once ? 2 : replayed ? 1 : 0;
    this.args.push(tenantId, type, eventId, createdS, objectId, data, packed, telling);
  }
}
