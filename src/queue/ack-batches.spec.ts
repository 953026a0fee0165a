import { expect, it } from 'vitest';
import type { ScriptClient } from '../redis/index.js';
import { requestContext } from '../telemetry/index.js';
import { AckBatches } from './ack-batches.js';

it('Acknowledgements go out as nobody’s, whoever came first', async () => {
  const senders: unknown[] = [];
  const answer = (): Promise<unknown> => {
    senders.push(requestContext.getStore());
    return Promise.resolve('11');
  };
  const client: ScriptClient = { evalsha: answer, eval: answer, callBuffer: answer };
  const acks = new AckBatches({ client, key: 'k', group: 'g' });
  const settle = (id: string) => requestContext.run({ requestId: id, redis: {} }, () => acks.settle(id));
  expect(await Promise.all([settle('1-0'), settle('2-0')])).toEqual([true, true]);
  expect(senders).toEqual([undefined]);
});
