import type { Provider } from '@nestjs/common';
import type { Engine } from '../engine-assembly.js';
import type { Quotas } from '../leases/compiled-quota.js';
import { QUOTAS } from '../leases/quota.providers.js';
import { RedisUnavailableError } from '../../redis/index.js';
import { PolicyBook } from '../policies/plan.js';
import { PurposeWatch } from '../purpose-watch.js';
import {
  ENGINE,
  EngineNeighbours,
  PREFIX,
  RateLimitRedis,
  RateLimitWiring,
} from '../rate-limit.providers.js';
import { Fleet } from './fleet.js';
import { InstanceCount } from './instance-count.js';
import { OutageLog } from './outage-log.js';
import { ProcessRulingStore } from './process-ruling-store.js';
import { RateLimitControl } from './rate-limit-control.js';
import { RateLimitStore } from './rate-limit-store.js';
import { RedisRulingStore } from './redis-ruling-store.js';
import { RulingSync } from './ruling-sync.js';
import { type Installed, Rulings } from './rulings.js';

/** What operators set and see. The engine takes rulings, fleet and log from here; control and store take the engine. */
export const controlProviders: Provider[] = [
  {
    provide: Rulings,
    useFactory: (book: PolicyBook, { clock }: RateLimitWiring, quotas: Quotas) =>
      new Rulings(book, clock, quotas),
    inject: [PolicyBook, RateLimitWiring, QUOTAS],
  },
  {
    provide: RulingSync,
    useFactory: createSync,
    inject: [RateLimitWiring, RateLimitRedis, Rulings, PurposeWatch],
  },
  {
    provide: InstanceCount,
    useFactory: createCount,
    inject: [RateLimitWiring, RateLimitRedis, RulingSync, PurposeWatch],
  },
  {
    provide: Fleet,
    useFactory: ({ own }: RateLimitWiring, count?: InstanceCount) => new Fleet(own.instances, count),
    inject: [RateLimitWiring, { token: InstanceCount, optional: true }],
  },
  {
    provide: OutageLog,
    useFactory: createLog,
    inject: [RateLimitWiring, Fleet, PurposeWatch],
  },
  {
    provide: RateLimitControl,
    useFactory: ({ engine }: Engine, rulings: Rulings, sync: RulingSync, { clock }: RateLimitWiring) =>
      new RateLimitControl({ engine, rulings, sync, clock }),
    inject: [ENGINE, Rulings, RulingSync, RateLimitWiring],
  },
  {
    provide: RateLimitStore,
    useFactory: createStore,
    inject: [RateLimitWiring, ENGINE, Fleet, EngineNeighbours],
  },
];

function createSync(
  wiring: RateLimitWiring,
  { client }: RateLimitRedis,
  rulings: Rulings,
  watch: PurposeWatch,
): RulingSync {
  const { clock, metrics } = wiring;
  const onBroken = (count: number): void => {
    metrics.rateLimitBroken.inc(count);
    wiring.warnOnce(
      'broken rulings',
      `Blocks or overrides in Redis are not readable, and do not hold: ${count} keys or entries below ${PREFIX}`,
    );
  };
  const store = client
    ? new RedisRulingStore({ client, prefix: PREFIX, onBroken })
    : new ProcessRulingStore(clock);
  const sync = new RulingSync({
    store,
    rulings,
    clock,
    reachable: watch.reachable,
    installed: (result) => report(wiring, result, onBroken),
    failed: (error) =>
      noteFailure(wiring, error, 'Blocks and overrides were not read; the last known ones hold'),
  });
  if (!client) sync.onChange(() => wiring.warnOnce('own rulings', OWN_RULINGS));
  watch.onReturn(() => sync.refresh());
  return sync;
}

const OWN_RULINGS =
  'RATE_LIMIT_BACKEND=memory: blocks and overrides hold in this process only, and end with it';

function report(
  wiring: RateLimitWiring,
  { broken, unfit, lost }: Installed,
  onBroken: (count: number) => void,
): void {
  if (broken > 0) onBroken(broken);
  // Nobody has written anything wrong: a release has other policies, and another one may still need them.
  if (unfit > 0)
    wiring.warnOnce(
      'unfit overrides',
      `Overrides do not fit the policies of this release, and do not hold: ${unfit}. The list of overrides shows them as not in force; lift those that no release needs`,
    );
  if (lost === 0) return;
  wiring.logger.warn(
    'Redis has lost blocks or overrides; they do not hold any more until they are set again',
    {
      lost,
    },
  );
}

function createCount(
  wiring: RateLimitWiring,
  { client }: RateLimitRedis,
  sync: RulingSync,
  watch: PurposeWatch,
): InstanceCount | undefined {
  if (!client) return undefined;
  const { clock, metrics } = wiring;
  const count = new InstanceCount({
    client,
    prefix: PREFIX,
    clock,
    reachable: watch.reachable,
    beaten: (beat) => {
      if (beat.broken > 0) metrics.rateLimitBroken.inc(beat.broken);
      sync.onStock(beat);
    },
    failed: (error) => noteFailure(wiring, error, 'Instances were not counted; the last known number holds'),
  });
  watch.onReturn(() => void count.rejoin());
  return count;
}

/** That the purpose is away is said elsewhere, once. */
function noteFailure(wiring: RateLimitWiring, error: unknown, text: string): void {
  if (error instanceof RedisUnavailableError) return;
  wiring.warnOnce(text, `${text}: ${error instanceof Error ? error.message : 'unknown error'}`);
}

function createLog(
  { logger, clock, warnings }: RateLimitWiring,
  fleet: Fleet,
  watch: PurposeWatch,
): OutageLog {
  const log = new OutageLog({ logger, clock, warnings, instances: fleet.size });
  watch.onLoss(() => log.left());
  watch.onReturn(() => log.returned());
  return log;
}

function createStore(
  { own, clock }: RateLimitWiring,
  { engine, subjects }: Engine,
  fleet: Fleet,
  { watch: { lost, closed, sinceMs }, sync: { rulings } }: EngineNeighbours,
): RateLimitStore {
  return new RateLimitStore({
    configured: own.backend,
    canaryPercent: own.canaryPercent,
    book: engine.book,
    rulings,
    subjects,
    instances: () => fleet.report(),
    lost,
    closed,
    sinceMs,
    clock,
  });
}
