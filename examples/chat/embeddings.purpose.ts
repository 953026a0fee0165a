import type { PurposeDefinition } from '../../src/redis/index.js';

/** A compartment of this feature's own: what happens in it happens to no other, and the other way round. */
export const EMBEDDINGS = {
  env: 'EMBEDDINGS_REDIS', // EMBEDDINGS_REDIS_URL, …_PASSWORD_FILE, …_TLS_CA_FILE and so on
  namespace: 'emb',
  outage: 'closed',
  aclUser: 'advised',
  eviction: 'advise',
  persistence: 'none',
  replication: 'none',
  connectMs: 1000,
  lanes: { command: { commandMs: 250, silenceMs: 750 } },
  commands: ['get', 'set', 'exists', 'incr', 'expire'],
} as const satisfies PurposeDefinition;

declare module '../../src/redis/index.js' {
  interface RedisPurposeMap {
    embeddings: typeof EMBEDDINGS;
  }
}
