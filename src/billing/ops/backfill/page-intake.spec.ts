import { expect, it } from 'vitest';
import { ManualClock } from '../../../kernel/manual-clock.js';
import { BillingEventRefusedError } from '../../log/billing-log.errors.js';
import type { Ingest, IngestOutcome } from '../../webhook/ingest.js';
import { InterruptedError } from '../ops.errors.js';
import { PageIntake } from './page-intake.js';
import { PagePreparation, type ReadyPage } from './page-preparation.js';

const KEPT: IngestOutcome = {
  entryId: '1-0',
  tenantSequence: 1,
  duplicate: false,
  stale: false,
  tenantId: '_unassigned',
  result: 'unassigned',
};

const eventOf = (id: string, objectId: string) => ({
  id,
  object: 'event',
  type: 'invoice.paid',
  created: 1_790_000_000,
  data: { object: { id: objectId, object: 'invoice' } },
});

/** Two events of one object, and one of another. */
function pageOfThree(): Promise<ReadyPage> {
  const preparation = new PagePreparation({ known: () => Promise.resolve(new Set()) });
  return preparation.ready([eventOf('evt_1', 'in_1'), eventOf('evt_2', 'in_1'), eventOf('evt_3', 'in_2')]);
}

type Keep = Ingest['keep'];

const intakeOf = (keep: Keep, onRefused: (id: string) => void = () => undefined): PageIntake =>
  new PageIntake({ keep }, new ManualClock(), onRefused);

it('A line of one object ends at its next event when the work is interrupted; what is on its way is waited for', async () => {
  const sent: string[] = [];
  const tell: (() => void)[] = [];
  const ended: string[] = [];
  const intake = intakeOf(({ event }, settler) => {
    sent.push(event.eventId);
    tell.push(() => settler.resolve(KEPT));
  });
  const aborter = new AbortController();
  const page = await pageOfThree();
  const end = intake.take(page, aborter.signal).catch((error: unknown) => {
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

it('What is thrown while a refusal is told fails the page, once, and is no unhandled rejection', async () => {
  const broken = new Error('whoever is told of refused events is broken');
  const refuse: Keep = (_given, settler) =>
    settler.reject(new BillingEventRefusedError('raw', 'is too long'));
  const intake = intakeOf(refuse, () => {
    throw broken;
  });
  // An unhandled rejection would fail this file.
  const page = await pageOfThree();
  await expect(intake.take(page, new AbortController().signal)).rejects.toBe(broken);
});

it('What is thrown by the next event of a line fails the page when the others of it are told', async () => {
  const broken = new Error('it cannot be handed on');
  const tell: (() => void)[] = [];
  const ended: string[] = [];
  const intake = intakeOf(({ event }, settler) => {
    if (event.eventId === 'evt_2') throw broken;
    tell.push(() => settler.resolve(KEPT));
  });
  const page = await pageOfThree();
  const end = intake.take(page, new AbortController().signal).catch((error: unknown) => {
    ended.push('page');
    return error;
  });
  expect(tell[0]).not.toThrow();
  await new Promise((resolve) => setImmediate(resolve));
  expect(ended).toEqual([]);
  tell[1]?.();
  expect(await end).toBe(broken);
});
