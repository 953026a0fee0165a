import { expect, it } from 'vitest';
import type { ScriptClient } from '../../redis/index.js';
import { appendEvents } from './log-scripts.js';

it('tells one answer that cannot be read from its neighbours, which were kept', async () => {
  const replies = ['1-1.1.0.0', '1-1.9007199254740992.0.0', 7, '!WRONGTYPE foreign', '1-2.2.1.1'];
  const ask = () => Promise.resolve(replies);
  const server: ScriptClient = { evalsha: ask, eval: ask, callBuffer: ask };
  expect(await appendEvents.run(server, [], [])).toEqual([
    { entryId: '1-1', tenantSequence: 1, stale: false, duplicate: false },
    { refusal: expect.stringMatching(/^REPLY /) },
    { refusal: expect.stringMatching(/^REPLY /) },
    { refusal: 'WRONGTYPE foreign' },
    { entryId: '1-2', tenantSequence: 2, stale: true, duplicate: true },
  ]);
});
