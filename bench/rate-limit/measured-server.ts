import type { RedisServer } from '../../test/support/redis-server.js';
import { startRedisServer } from '../../test/support/redis-server.js';
import { SERVER_CORE, pin } from '../cores.js';

/** A real server on a core of its own, and what it says about its work. */
export interface MeasuredServer {
  readonly url: string;
  /** CPU time so far, microseconds: user and system, all threads. */
  cpuUs(): Promise<number>;
  /** Scripts and functions that clients have called so far. */
  scriptCalls(): Promise<number>;
  usedMemory(): Promise<number>;
  /** The same when Redis has finished with what it does step by step, such as moving a table that has grown. */
  settledMemory(): Promise<number>;
  /** Forgets all keys; scripts stay. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export async function startMeasuredServer(): Promise<MeasuredServer> {
  const server = await startRedisServer();
  pin(server.pid, SERVER_CORE);
  return {
    url: server.url(),
    cpuUs: async () => {
      const info = await server.admin().info('cpu');
      return 1e6 * (field(info, 'used_cpu_user') + field(info, 'used_cpu_sys'));
    },
    scriptCalls: async () => {
      const info = await server.admin().info('commandstats');
      return sum(info.matchAll(/^cmdstat_(?:evalsha|eval|fcall):calls=(\d+)/gm));
    },
    usedMemory: () => usedMemory(server),
    settledMemory: () => settledMemory(server),
    flush: async () => void (await server.admin().flushall('SYNC')),
    stop: () => server.stop(),
  };
}

async function usedMemory(server: RedisServer): Promise<number> {
  return field(await server.admin().info('memory'), 'used_memory');
}

async function settledMemory(server: RedisServer): Promise<number> {
  let before = Number.NaN;
  for (let attempt = 0; attempt < 50; attempt += 1) {
    const now = await usedMemory(server);
    if (Math.abs(now - before) < 4096) return now;
    before = now;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return before;
}

function field(info: string, name: string): number {
  return Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1] ?? Number.NaN);
}

function sum(matches: Iterable<RegExpExecArray>): number {
  let total = 0;
  for (const [, calls] of matches) total += Number(calls);
  return total;
}
