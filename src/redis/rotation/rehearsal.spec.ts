import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../kernel/time.js';
import type { LanesOptions } from '../compartment-lanes.js';
import { LiveAccess } from '../live-access.js';
import { PURPOSES } from '../purposes.js';
import { ReconnectAllowance } from '../reconnect-allowance.js';
import { rehearse } from './rehearsal.js';

describe('A rehearsal', () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    socket.on('error', () => undefined).resume();
  });
  const options = (): LanesOptions => ({
    purpose: 'authCache',
    definition: PURPOSES.authCache,
    connection: {
      engine: 'redis',
      target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port, db: 0, tls: false },
      access: new LiveAccess({}, {}),
      topology: { kind: 'standalone' },
      waitReplicas: 0,
      source: 'REDIS_URL',
    },
    instance: 'one',
    enforced: false,
    retryCapMs: 1000,
    reconnects: new ReconnectAllowance(systemClock).join(1),
    clock: systemClock,
  });

  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });
  afterAll(() => server.close());

  it('is none when the process ends already', async () => {
    const verdict = await rehearse(options(), AbortSignal.abort());
    expect(verdict.kind).toBe('undecided');
    await turn();
    expect(connections).toBe(0);
  });

  it('ends when the process does', async () => {
    const stopping = new AbortController();
    const verdict = rehearse(options(), stopping.signal);
    await once(server, 'connection');
    stopping.abort();
    expect((await verdict).kind).toBe('undecided');
    expect(connections).toBe(1);
  });
});
