import { type Command, InvalidArgumentError } from 'commander';
import type { CliContext, ExitCode } from './cli-context.js';
import { perform } from './perform.js';

export interface EventsOptions {
  readonly tenant?: string;
  readonly type?: string;
  readonly after?: string;
  readonly limit: number;
  readonly oldest?: boolean;
  readonly json?: boolean;
}

export interface ReplayOptions {
  readonly eventId?: string;
  readonly from?: string;
  readonly until?: string;
  readonly type?: string;
  readonly tenant?: string;
  readonly dlq?: boolean;
  readonly to: string;
  readonly id?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

export interface BackfillOptions {
  readonly from?: string;
  readonly until?: string;
  readonly json?: boolean;
}

export interface DeadLetterOptions {
  readonly replay?: boolean;
  readonly discard?: boolean;
  readonly id?: readonly string[];
  readonly all?: boolean;
  readonly limit?: number;
  readonly yes?: boolean;
  readonly json?: boolean;
}

type Adder = (parent: Command, context: CliContext, finish: (code: ExitCode) => void) => void;

/** Adds `billing events`, `replay`, `backfill`, `dlq` and `lag`. */
export const addBillingOpsCommands: Adder = (parent, context, finish) => {
  for (const add of [addEvents, addReplay, addBackfill, addDeadLetters, addLag]) add(parent, context, finish);
};

const addEvents: Adder = (parent, context, finish) => {
  parent
    .command('events')
    .summary('list what was taken in')
    .description('Lists entries of the log, newest first, without what Stripe sent of them.')
    .option('--tenant <tenant>', 'of this tenant only, or _unassigned')
    .option('-t, --type <globs>', 'of these types only, such as invoice.*')
    .option('--after <entry>', 'behind this entry: older ones, with --oldest newer ones')
    .option('-n, --limit <count>', 'at most so many, 1 to 1000', countOf(1000), 20)
    .option('--oldest', 'oldest first')
    .option('--json', 'print one JSON document per line')
    .action(
      perform(async (options: EventsOptions) => {
        const { listEvents } = await import('./billing/list-events.js');
        return await listEvents(options, context);
      }, finish),
    );
};

const addReplay: Adder = (parent, context, finish) => {
  parent
    .command('replay')
    .summary('tell events again')
    .description(
      'Counts what is selected; does it with --yes. All selectors that are given have to fit. What was told under an id ' +
        'is not told again under it, so that a replay which was interrupted can be given again.',
    )
    .option('--event-id <id>', 'this event of Stripe')
    .option('--from <moment>', 'taken in at this moment or later, ISO 8601')
    .option('--until <moment>', 'taken in at this moment or before, ISO 8601')
    .option('-t, --type <globs>', 'of these types, such as invoice.*,charge.*; "*" is all')
    .option('--tenant <tenant>', 'of this tenant, or _unassigned')
    .option('--dlq', 'of what the projector has given up')
    .option(
      '--to <target>',
      'projector: apply to SQL; stream: new entries, flagged as replayed; tenant-stream: make the stream of --tenant anew ' +
        'from the log; assign: give events of nobody to the tenant that their customer has by now',
      'projector',
    )
    .option('--id <id>', 'name of this replay, 1 to 64 letters, digits, - or _; else one is made up')
    .option('--dry-run', 'only count, even with --yes')
    .option('-y, --yes', 'do it')
    .option('--json', 'print one JSON document')
    .action(
      perform(async (options: ReplayOptions) => {
        const { replayEvents } = await import('./billing/replay-events.js');
        return await replayEvents(options, context);
      }, finish),
    );
};

const addBackfill: Adder = (parent, context, finish) => {
  parent
    .command('backfill')
    .summary('fetch events from Stripe')
    .description(
      'Fetches what the webhook did not bring, with STRIPE_SECRET_KEY, oldest first; what is known is not kept twice. Goes on ' +
        'with the last one where that did not come to its end. One at a time, wherever it runs.',
    )
    .option('--from <moment>', 'created at this moment or later, ISO 8601; else where the last one ended')
    .option('--until <moment>', 'created at this moment or before, ISO 8601; else until now')
    .option('--json', 'print the record of it as one JSON document')
    .action(
      perform(async (options: BackfillOptions) => {
        const { runBackfill } = await import('./billing/run-backfill.js');
        return await runBackfill(options, context);
      }, finish),
    );
};

const addDeadLetters: Adder = (parent, context, finish) => {
  parent
    .command('dlq')
    .summary('look at what the projector has given up, and settle it')
    .description(
      'Lists dead letters. With --replay they are applied once more and removed where that succeeds; with --discard they are ' +
        'removed. Both only count unless --yes is given.',
    )
    .option('--replay', 'apply them again')
    .option('--discard', 'remove them')
    .option('--id <letter...>', 'these dead letters')
    .option('--all', 'all that there are')
    .option('-n, --limit <count>', 'list at most so many, 1 to 200; else 50', countOf(200))
    .option('-y, --yes', 'do it')
    .option('--json', 'print one JSON document')
    .action(
      perform(async (options: DeadLetterOptions) => {
        const { settleDeadLetters } = await import('./billing/settle-dead-letters.js');
        return await settleDeadLetters(options, context);
      }, finish),
    );
};

const addLag: Adder = (parent, context, finish) => {
  parent
    .command('lag')
    .summary('show how far behind everything is')
    .description('Shows the log, the projector, dead letters and the backfill, as of now.')
    .option('--json', 'print one JSON document')
    .action(
      perform(async (options: { readonly json?: boolean }) => {
        const { showLag } = await import('./billing/show-lag.js');
        return await showLag(options, context);
      }, finish),
    );
};

function countOf(most: number): (text: string) => number {
  return (text) => {
    const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
    if (count < 1 || count > most) throw new InvalidArgumentError(`must be 1 to ${most}.`);
    return count;
  };
}
