import type { LoggerService } from '@nestjs/common';
import type { Fault } from '../../config/index.js';
import type { Clock } from '../../kernel/time.js';
import { type Metrics, RepeatGuard } from '../../telemetry/index.js';
import type { Lane } from '../purposes.js';
import type { Relogin } from './lane-login.js';

/**
 * How a rotation ended. `unreadable`: files or what they hold cannot be used; `unissued`: the provider gave
 * nothing; `untried`: no server could be asked; `restart`: another server is named, which holds from the next start on.
 */
export const ROTATION_OUTCOMES = [
  'applied',
  'refused',
  'unreadable',
  'unissued',
  'untried',
  'restart',
] as const;
export type RotationOutcome = (typeof ROTATION_OUTCOMES)[number];

/** What may be replaced at run time, in words of a log line. */
export type Replaced = 'credentials' | 'certificates' | 'credentials of the Sentinels';

export type RotationLogger = Pick<LoggerService, 'log' | 'warn'>;

/** The same warning at most this often, however often files are looked at. */
const WARN_INTERVAL_MS = 300_000;

/** Says and counts what becomes of new credentials and certificates. Never shows one. */
export class RotationReport {
  private readonly guard: RepeatGuard;

  constructor(
    private readonly metrics: Metrics,
    /** Undefined where nobody reads it, as in a command that prints a report of its own. */
    private readonly logger: RotationLogger | undefined,
    clock: Clock,
  ) {
    this.guard = new RepeatGuard(clock, WARN_INTERVAL_MS);
  }

  /** An alert needs every series to exist before the first fault. */
  initialise(purpose: string): void {
    for (const outcome of ROTATION_OUTCOMES)
      this.metrics.redisCredentialRotations.inc({ purpose, outcome }, 0);
  }

  /** New ones are in use. @param lanes how each lane fared, where connections log in anew */
  applied(
    purpose: string,
    what: Replaced,
    variables: readonly string[],
    lanes?: readonly (readonly [Lane, Relogin])[],
  ): void {
    this.count(purpose, 'applied');
    const named = (wanted: boolean) =>
      (lanes ?? []).flatMap(([lane, relogin]) => ((relogin === 'accepted') === wanted ? [lane] : []));
    const [now, later] = [named(true), named(false)];
    const effects = [
      ...(now.length > 0 ? [`${now.join(', ')} logged in anew`] : []),
      ...(later.length > 0 ? [`${later.join(', ')} at the next connect`] : []),
      ...(lanes ? [] : ['used from the next connect on']),
    ];
    this.logger?.log(`New ${what} of ${purpose} from ${variables.join(', ')}: ${effects.join(', ')}`, {
      purpose,
      variables,
      lanes: now,
    });
  }

  /** What is in use stays in use. Warns once per interval; counts where `first`, so that looking is not counted. */
  kept(
    purpose: string,
    outcome: Exclude<RotationOutcome, 'applied'>,
    { what, fault, first }: KeptBack,
  ): void {
    if (first) this.count(purpose, outcome);
    const { variable, rule, remedy } = fault;
    // A file that several purposes share is one thing to mend.
    const whose = fault.purpose === undefined ? '' : ` of ${fault.purpose}`;
    this.guard.once(`${variable} ${whose} ${rule}`, (suppressed) =>
      this.logger?.warn(`Keeping the ${what}${whose} in use: ${variable}: ${rule}. ${remedy}.`, {
        purpose,
        variable,
        outcome,
        suppressed,
      }),
    );
  }

  private count(purpose: string, outcome: RotationOutcome): void {
    this.metrics.redisCredentialRotations.inc({ purpose, outcome });
  }
}

export interface KeptBack {
  readonly what: Replaced;
  readonly fault: Fault;
  readonly first: boolean;
}
