import { inflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { RedisUnavailableError } from '../../../redis/index.js';
import { LARGEST_RAW_CHARS } from '../../log/event-rules.js';
import type { PackedText } from '../../log/packing.js';
import { PagePreparation, type ReadyEvent } from './page-preparation.js';

const eventOf = (id: string, pad = '') => ({
  id,
  object: 'event',
  type: 'invoice.paid',
  created: 1_790_000_000,
  data: { object: { id: 'in_1', object: 'invoice', pad } },
});

function preparationOf(...answers: readonly (readonly string[] | Error)[]) {
  const asked: (readonly string[])[] = [];
  const left = [...answers];
  const known = (ids: readonly string[]): Promise<ReadonlySet<string>> => {
    asked.push(ids);
    const answer = left.shift() ?? [];
    return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(new Set(answer));
  };
  return { asked, preparation: new PagePreparation({ known }) };
}

describe('A page that is made ready', () => {
  it('has what is new, packed, counts what is known and names what cannot be read', async () => {
    const { preparation } = preparationOf(['evt_1']);
    const bad = { ...eventOf('evt_2'), type: 'NOT a type' };
    const large = eventOf('evt_4', 'x'.repeat(LARGEST_RAW_CHARS));
    const page = [eventOf('evt_1'), bad, eventOf('evt_3'), large];
    const { events, duplicates, refusedIds, last } = await preparation.ready(page);
    expect([events.map(({ event }) => event.eventId), duplicates, refusedIds, last.id]).toEqual([
      ['evt_3', 'evt_4'],
      1,
      ['evt_2'],
      'evt_4',
    ]);
    const [fresh, outsized] = events as [ReadyEvent, ReadyEvent];
    const { packed, length } = fresh.raw as PackedText;
    expect(inflateRawSync(packed).toString()).toBe(JSON.stringify(eventOf('evt_3')));
    expect(length).toBe(JSON.stringify(eventOf('evt_3')).length);
    // Nobody keeps it as it is: packing it would be for nothing.
    expect(outsized.raw).toBe(JSON.stringify(large));
  });

  it('is asked about where some of the one before were known, as at first', async () => {
    const { asked, preparation } = preparationOf(['evt_1'], []);
    for (const id of ['evt_1', 'evt_2', 'evt_3']) await preparation.ready([eventOf(id)]);
    expect(asked).toEqual([['evt_1'], ['evt_2']]);
    preparation.metKnown();
    await preparation.ready([eventOf('evt_4')]);
    expect(asked.at(-1)).toEqual(['evt_4']);
  });

  it('is all new where Redis is away, which appending it finds out; another failure is told', async () => {
    const away = new RedisUnavailableError({
      purpose: 'billingEvents',
      reason: 'refused',
      retryAfterMs: 1000,
      maybeExecuted: false,
    });
    const broken = new RangeError('a mistake of the program');
    const { preparation } = preparationOf(away, broken);
    expect((await preparation.ready([eventOf('evt_1')])).events).toHaveLength(1);
    preparation.metKnown();
    await expect(preparation.ready([eventOf('evt_2')])).rejects.toBe(broken);
  });
});
