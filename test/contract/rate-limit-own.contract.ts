import { expect, it } from 'vitest';
import { Secret } from '../../src/kernel/redact.js';
import { systemClock } from '../../src/kernel/time.js';
import { createRateLimiter } from '../../src/rate-limit/index.js';
import { Metrics } from '../../src/telemetry/index.js';
import { scriptClient } from './rate-limit.rig.js';
import { withEngine } from './support/engine.js';

const HOUR_MS = 3_600_000;
const POLICIES = {
  login: { limits: [{ per: 'user', quota: 5, windowMs: HOUR_MS, burst: 5 }] },
} as const;
const [ANN, BOB] = [{ user: 'ann' }, { user: 'bob' }];

withEngine('A limiter of a feature’s own', (engine) => {
  /** As each instance of the application has one. */
  const open = () =>
    createRateLimiter({
      policies: POLICIES,
      client: scriptClient(engine.redis),
      prefix: 'auth:{rl}',
      secret: new Secret('k'.repeat(32)),
      metrics: new Metrics(),
      clock: systemClock,
    });

  it('forgets denials with the first answer after a reset elsewhere', async () => {
    const [one, other] = [open(), open()];
    await one.check('login', ANN, { cost: 5 });
    await one.check('login', ANN);
    expect(await one.check('login', ANN)).toMatchObject({ allowed: false, backend: 'cache' });
    await other.reset('login', ANN);
    expect(await one.check('login', ANN)).toMatchObject({ allowed: false, backend: 'cache' });
    // Whoever it is about, it carries the version.
    expect(await one.check('login', BOB)).toMatchObject({ allowed: true, backend: 'redis' });
    expect(await one.check('login', ANN)).toMatchObject({ allowed: true, backend: 'redis' });
  });
});
