import { CompartmentLanes, type LanesOptions } from '../compartment-lanes.js';
import type { LaneConnectionEvents } from '../lane-connection.js';
import { type Loss, lossFor } from '../loss.js';
import { ReconnectAllowance } from '../reconnect-allowance.js';
import type { UnavailableReason } from '../redis.errors.js';
import type { Proof } from '../status.types.js';
import type { Verdict } from './replacement.js';

/** Beyond connecting and greeting: for whoever has to be asked first where the servers are. */
const QUESTIONS_MS = 1000;

/** A server that refuses a client certificate breaks off, and whether its reason is read first is a race. */
const MOST_RESETS = 5;

/** What the new credentials or certificates are to blame for; after any other loss nothing is known of them. */
const BLAMED: ReadonlySet<UnavailableReason> = new Set(['auth', 'noperm', 'tls']);
const BLAMED_FACTS: ReadonlySet<Proof['fact']> = new Set(['identity', 'commands']);

/**
 * Makes one more connection as the command lane makes its own (same way to the servers, greeting and proofs)
 * and closes it, so that something new is known to work before anything depends on it.
 *
 * @param options those of the compartment, with the access to try
 * @param signal ends it early
 */
export function rehearse(options: LanesOptions, signal: AbortSignal): Promise<Verdict> {
  const { definition, instance, clock } = options;
  const { command } = definition.lanes;
  // A signal that has been given already is not given again.
  if (signal.aborted) return Promise.resolve({ kind: 'undecided', loss: lossFor('timeout') });
  return new Promise((resolve) => {
    const giveUp = () => end({ kind: 'undecided', loss: lossFor('timeout') });
    const patience = clock.after(2 * definition.connectMs + QUESTIONS_MS, giveUp);
    signal.addEventListener('abort', giveUp, { once: true });
    const events: LaneConnectionEvents = {
      attempting: noop,
      connected: noop,
      called: noop,
      refused: noop,
      stalled: noop,
      proven: () => end({ kind: 'accepted' }),
      lost: (_, loss, contradicted) => {
        resets += 1;
        if (loss.reason !== 'reset' || resets === MOST_RESETS) end(judge(loss, contradicted));
      },
    };
    let resets = 0;
    const lanes = new CompartmentLanes(
      {
        ...options,
        definition: { ...definition, lanes: command ? { command } : {} },
        instance: `${instance}:rehearsal`,
        // Not at the expense of lanes that have to reconnect at the same moment.
        reconnects: new ReconnectAllowance(clock).join(1),
      },
      () => events,
    );
    let ended = false;
    function end(verdict: Verdict): void {
      if (ended) return;
      ended = true;
      patience.cancel();
      signal.removeEventListener('abort', giveUp);
      void lanes.close(0).then(() => resolve(verdict));
    }
    lanes.open();
  });
}

function judge(loss: Loss, contradicted: readonly Proof[]): Verdict {
  if (contradicted.length === 0) return { kind: BLAMED.has(loss.reason) ? 'refused' : 'undecided', loss };
  // What is wrong with the server besides was wrong before.
  return contradicted.some(({ fact }) => BLAMED_FACTS.has(fact))
    ? { kind: 'refused', loss }
    : { kind: 'accepted' };
}

function noop(): void {}
