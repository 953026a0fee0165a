import { type PerPurpose, perPurpose } from './per-purpose.js';
import type { Site } from './site.js';

/** Of MGET, so that one command does not hold up a server that is under test. */
const CHUNK = 1000;

/**
 * How often each INCR ran, as the server has it; the keys are removed, so that data does not grow with the run.
 */
export async function takeCounts({ server }: Site, keys: readonly string[]): Promise<number[]> {
  const counts: number[] = [];
  for (let at = 0; at < keys.length; at += CHUNK) {
    const chunk = keys.slice(at, at + CHUNK);
    const values = await server.admin().mget(chunk);
    counts.push(...values.map((value) => Number(value ?? 0)));
    await server.admin().unlink(...chunk);
  }
  return counts;
}

export interface ServerClient {
  /** New with every connection. */
  readonly id: number;
  /** `?` for one that has not said its name. */
  readonly name: string;
}

/** All clients of a server except our own. */
export async function clientsAt({ server }: Site): Promise<ServerClient[]> {
  const list = String(await server.admin().call('CLIENT', 'LIST'));
  return (
    list
      .split('\n')
      .filter(Boolean)
      .map((line) => ({
        id: Number(/^id=(\d+)/.exec(line)?.[1]),
        name: / name=(\S+)/.exec(line)?.[1] ?? '?',
      }))
      .filter(({ name }) => name !== 'test-admin')
      // The server lists them in an order of its own, which may change while it is not asked.
      .sort((one, other) => one.id - other.id)
  );
}

/** Names of the clients of each server, sorted. */
export async function clientNames(sites: PerPurpose<Site>): Promise<PerPurpose<readonly string[]>> {
  const names = new Map(
    await Promise.all(
      Object.values(sites).map(async (site) => {
        const clients = await clientsAt(site);
        return [site.purpose, clients.map(({ name }) => name).sort()] as const;
      }),
    ),
  );
  return perPurpose((purpose) => names.get(purpose) ?? []);
}
