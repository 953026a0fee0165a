import { describe, expect, it } from 'vitest';
import type { DeadLetterOptions, ReplayOptions } from '../billing-ops.command.js';
import { type CliContext, UsageError } from '../cli-context.js';
import { listEvents } from './list-events.js';
import { replayEvents } from './replay-events.js';
import { runBackfill } from './run-backfill.js';
import { settleDeadLetters } from './settle-dead-letters.js';

/** Nothing is asked of any server, and nothing printed, before the options are right. */
const context: CliContext = {
  version: '0',
  output: { out: fail, err: fail },
  environment: {},
  application: () => Promise.reject(new Error('the application was asked for')),
};

function fail(text: string): void {
  throw new Error(`printed: ${text}`);
}

const TENANT = '11111111-2222-4333-8444-555555555555';
const replay = (options: Partial<ReplayOptions>) => replayEvents({ to: 'projector', ...options }, context);
const rebuild = (options: Partial<ReplayOptions>) => replay({ to: 'tenant-stream', ...options });
const dlq = (options: Partial<DeadLetterOptions>) => settleDeadLetters(options, context);
const events = (options: object) => listEvents({ limit: 20, ...options }, context);
const backfill = (options: object) => runBackfill(options, context);

describe('A command of billing names what is wrong', () => {
  it.each<[string, () => Promise<unknown>, RegExp]>([
    ['no selector', () => replay({}), /--event-id, --from, --until, --type, --tenant or --dlq.*--type "\*"/],
    ['an unknown target', () => replay({ to: 'sql', type: '*' }), /--to is one of projector, stream, assign/],
    ['no moment', () => replay({ from: 'yesterday' }), /--from is no moment.*2026-11-20T08:00:00Z/],
    ['a day that is not', () => replay({ until: '2026-02-31' }), /--until is no moment/],
    [
      'a time of no zone',
      () => replay({ from: '2026-11-20T08:00:00' }),
      /--from is no moment.*with its zone/,
    ],
    ['a moment before 1970', () => replay({ from: '1969-01-01' }), /--from is no moment since 1970/],
    ['an empty range', () => replay({ from: '2026-11-22', until: '2026-11-20' }), /ends before it begins/],
    ['no event', () => replay({ eventId: 'e v' }), /An id of an event/],
    ['no types', () => replay({ type: ' ' }), /Types are globs such as/],
    ['no tenant', () => replay({ tenant: 'ACME' }), /A tenant is a UUID/],
    ['no id of a replay', () => replay({ type: '*', id: 'a:b' }), /An id of a replay has/],
    ['an id that is taken', () => replay({ type: '*', id: 'assign' }), /Give this replay another one/],
    ['an owner', () => replay({ to: 'assign', tenant: TENANT }), /the tenant is _unassigned, or not said/],
    ['a stream of nobody', () => rebuild({}), /give --tenant, and --from at most$/],
    ['a part of a stream', () => rebuild({ tenant: TENANT, id: 'x', dlq: true }), /leave out --dlq, --id$/],
    ['a stream of no tenant', () => rebuild({ tenant: 'ACME' }), /--tenant is a UUID in lower case/],
    ['a beginning that is none', () => rebuild({ tenant: TENANT, from: 'x' }), /--from is no moment/],
    ['no beginning', () => backfill({ from: 'x' }), /--from is no moment/],
    ['no end', () => backfill({ until: '2026-11-20 08:00' }), /--until is no moment/],
    ['both', () => dlq({ replay: true, discard: true }), /give one of the two/],
    ['nothing to do with all', () => dlq({ all: true }), /give --replay or --discard as well/],
    ['nothing to do with one', () => dlq({ id: ['1-1'] }), /give --replay or --discard as well/],
    ['nothing to do', () => dlq({ yes: true }), /give --replay or --discard as well/],
    ['no letters', () => dlq({ discard: true }), /--id with ids that `billing dlq` lists, or --all/],
    ['all, and some', () => dlq({ discard: true, all: true, id: ['1-1'] }), /--id with ids/],
    ['all, and a number', () => dlq({ discard: true, all: true, limit: 5 }), /--limit is of the list/],
    ['no letter', () => dlq({ discard: true, id: ['x'] }), /--id is the id of a dead letter/],
    ['a tenant of no form', () => events({ tenant: 'ACME' }), /--tenant is a UUID in lower case/],
    ['types of no form', () => events({ type: 'a b' }), /--type is globs/],
    ['an entry of no form', () => events({ after: 'x' }), /--after is the id of an entry/],
  ])('%s', async (_, command, message) => {
    const error = await command().then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(message);
  });
});
