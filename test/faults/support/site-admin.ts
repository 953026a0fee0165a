import type { Redis } from 'ioredis';
import type { Site } from './site.js';

/** Settings of the running server, all of them or none. */
export async function configure(site: Site, settings: Readonly<Record<string, string>>): Promise<void> {
  await site.server.admin().call('CONFIG', 'SET', ...Object.entries(settings).flat());
}

/** Ends the application's connections, as a fault that shows only at the next connect needs it. */
export async function killClients({ server, user }: Site): Promise<void> {
  await server.admin().call('CLIENT', 'KILL', 'USER', user);
}

/** One field of INFO; undefined when it is not there. */
export async function readInfo({ server }: Site, field: string): Promise<string | undefined> {
  const text = await server.admin().info();
  return new RegExp(`^${field}:(.*?)\\r?$`, 'm').exec(text)?.[1];
}

/** A connection beside the administrator's, for a command that holds its own up. */
export async function withOwnConnection(site: Site, use: (own: Redis) => Promise<unknown>): Promise<void> {
  const own = site.server.admin().duplicate({ enableReadyCheck: false, commandTimeout: 30_000 });
  own.on('error', () => undefined);
  await use(own).catch(() => undefined);
  own.disconnect();
}
