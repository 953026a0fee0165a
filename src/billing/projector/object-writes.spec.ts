import { expect, it } from 'vitest';
import { requestContext } from '../../telemetry/index.js';
import { ObjectWrites } from './object-writes.js';

const rowOf = (objectId: string) => ({
  objectId,
  tenantId: '00000000-0000-4000-8000-000000000001',
  kind: 'invoice' as const,
  state: {},
  usage: [],
  deleted: false,
  position: '1',
  entryId: '1-0',
  eventId: 'evt_1',
  createdS: 1,
});

it('Rows are written as nobody’s, whoever came first', async () => {
  const writers: unknown[] = [];
  const writes = new ObjectWrites({
    run: <T>() => {
      writers.push(requestContext.getStore());
      return Promise.resolve([{ objectId: 'in_1' }] as T);
    },
  });
  const write = (id: string) =>
    requestContext.run({ requestId: id, redis: {} }, () => writes.write(rowOf(id), 2));
  expect(await Promise.all([write('in_1'), write('in_2')])).toEqual([true, false]);
  expect(writers).toEqual([undefined]);
});
