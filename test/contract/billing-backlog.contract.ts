import { Logger } from '@nestjs/common';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { DEAD_LETTERS_KEY, LOG_KEY, PROJECTOR_GROUP } from '../../src/billing/log/keys.js';
import { BillingBacklog } from '../../src/billing/projector/billing-backlog.js';
import { ProjectorStream } from '../../src/billing/projector/projector-group.js';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import type { Timer } from '../../src/kernel/time.js';
import { Metrics } from '../../src/telemetry/index.js';
import { type Compartments, openCompartments } from '../support/compartments.js';
import { waitFor } from '../support/wait-for.js';
import { withEngine } from './support/engine.js';

/** Whoever waits on it has ended what was before. */
class CountingClock extends ManualClock {
  waits = 0;
  override after(delayMs: number, run: () => void): Timer {
    this.waits += 1;
    return super.after(delayMs, run);
  }
}

withEngine('The backlog of billing', (engine) => {
  let house: Compartments;
  beforeAll(async () => {
    const env = { BILLING_EVENTS_REDIS_URL: `redis://${engine.host}:${engine.port}` };
    house = await openCompartments(['billingEvents'], env);
  });
  afterAll(() => house.close());
  afterEach(() => Logger.overrideLogger(['log', 'error', 'warn']));

  it('tells once that something foreign is in the place of the dead letters, however often it looks', async () => {
    const said: unknown[] = [];
    const quiet = () => undefined;
    Logger.overrideLogger({ log: quiet, warn: quiet, error: (message: unknown) => void said.push(message) });
    await engine.redis.set(DEAD_LETTERS_KEY, 'foreign');
    const clock = new CountingClock();
    const client = house.lane('billingEvents', 'bulk');
    const names = { key: LOG_KEY, group: PROJECTOR_GROUP, deadLetters: DEAD_LETTERS_KEY };
    const stream = new ProjectorStream({ client, clock, ...names });
    const backlog = new BillingBacklog(stream, client, new Metrics(), clock);
    backlog.onApplicationBootstrap();
    for (let look = 1; look <= 5; look += 1) {
      await waitFor(() => clock.waits === look, { what: `look ${look} to end` });
      clock.advance(1000);
    }
    await waitFor(() => clock.waits === 6, { what: 'the last look to end' });
    backlog.beforeApplicationShutdown();
    expect(said.map(String)).toEqual([expect.stringContaining('WRONGTYPE')]);
  });
});
