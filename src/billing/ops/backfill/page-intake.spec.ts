import { expect, it } from 'vitest';
import { ManualClock } from '../../../kernel/manual-clock.js';
import type { IngestOutcome } from '../../webhook/ingest.js';
import { InterruptedError } from '../ops.errors.js';
import type { ListedEvent } from './event-list.js';
import { PageIntake } from './page-intake.js';

const KEPT: IngestOutcome = {
  entryId: '1-0',
  tenantSequence: 1,
  duplicate: false,
  stale: false,
  tenantId: '_unassigned',
  result: 'unassigned',
};

const eventOf = (id: string, objectId: string): ListedEvent & Record<string, unknown> => ({
  id,
  object: 'event',
  type: 'invoice.paid',
  created: 1_790_000_000,
  data: { object: { id: objectId, object: 'invoice' } },
});

it('A line of one object ends at its next event when the work is interrupted; what is on its way is waited for', async () => {
  const sent: string[] = [];
  const tell: (() => void)[] = [];
  const ended: string[] = [];
  const intake = new PageIntake(
    {
      known: () => Promise.resolve(new Set()),
      keep: ({ event }, settler) => {
        sent.push(event.eventId);
        tell.push(() => settler.resolve(KEPT));
      },
    },
    new ManualClock(),
    () => undefined,
  );
  const aborter = new AbortController();
  const page = [eventOf('evt_1', 'in_1'), eventOf('evt_2', 'in_1'), eventOf('evt_3', 'in_2')];
  const end = intake.take(page, aborter.signal, false).catch((error: unknown) => {
    ended.push('page');
    return error;
  });
  expect(sent).toEqual(['evt_1', 'evt_3']);
  aborter.abort();
  tell[0]?.();
  await new Promise((resolve) => setImmediate(resolve));
  expect([sent, ended]).toEqual([['evt_1', 'evt_3'], []]);
  tell[1]?.();
  expect(await end).toBeInstanceOf(InterruptedError);
});
