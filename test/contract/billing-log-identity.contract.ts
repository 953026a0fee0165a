import { expect, it } from 'vitest';
import { LOG_KEY } from '../../src/billing/log/keys.js';
import { logIdentity } from '../../src/billing/log/log-scripts.js';
import type { ScriptClient } from '../../src/redis/index.js';
import { eventOf, LogRig } from './billing-log.rig.js';
import { withEngine } from './support/engine.js';

withEngine('The identity of the billing log', (engine) => {
  it('is given once, lives with the log, and ends with it', async () => {
    const rig = await LogRig.open(`redis://${engine.host}:${engine.port}`);
    try {
      const lane = rig.house.lane('billingEvents', 'bulk');
      const ask = (fresh: string) => logIdentity.run(lane, [LOG_KEY], [fresh]);
      const [one, other] = await Promise.all([ask('a1'), ask('b2')]);
      expect(one).toEqual({ runId: expect.stringMatching(/^[0-9a-f]{40}$/), birth: 'a1' });
      expect(other).toEqual(one);
      await rig.log.append(eventOf('evt_identity'));
      await engine.redis.xtrim(LOG_KEY, 'MAXLEN', 0);
      expect(await ask('c3')).toEqual(one);
      await engine.redis.del(LOG_KEY);
      expect(await ask('d4')).toEqual({ ...one, birth: 'd4' });
      // It is no place for entries to wait, and nothing that holds them back.
      await rig.log.append(eventOf('evt_after'));
      expect(await rig.log.page({ count: 10 })).toHaveLength(1);
    } finally {
      await rig.close();
    }
  });

  it('is the name of the log alone where the server does not say its run', async () => {
    const { redis } = engine;
    // As a server that leaves the line out: the script finds none.
    const text = logIdentity.text.replace('run_id:', 'no_run_id:');
    const hiding: ScriptClient = {
      evalsha: (_sha, count, ...rest) => redis.eval(text, count, ...rest),
      eval: (_text, count, ...rest) => redis.eval(text, count, ...rest),
      callBuffer: (command, ...words) => redis.callBuffer(command, ...words),
    };
    const ask = (fresh: string) => logIdentity.run(hiding, [LOG_KEY], [fresh]);
    expect(await ask('a1')).toEqual({ runId: '', birth: 'a1' });
    expect(await ask('b2')).toEqual({ runId: '', birth: 'a1' });
    await redis.del(LOG_KEY);
    expect(await ask('c3')).toEqual({ runId: '', birth: 'c3' });
  });
});
