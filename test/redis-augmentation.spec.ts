import { describe, expect, it } from 'vitest';
import { faultsInFeature } from './support/feature-program.js';

/** Under a name that no team gives: its own features are part of the program as well. */
const ROW = `
import { type BlockingRedis, InjectRedis, type Purpose, type PurposeDefinition, type PurposeRedis, RedisModule }
  from '../../redis/index.js';
const SEARCH = {
  env: 'PROBE_SEARCH_REDIS', namespace: 'search', outage: 'closed', aclUser: 'advised', eviction: 'advise',
  persistence: 'none', replication: 'none', connectMs: 1000, lanes: { command: { commandMs: 250, silenceMs: 750 } },
  commands: ['get', 'set', 'mget'],
} as const satisfies PurposeDefinition;
declare module '../../redis/index.js' {
  interface RedisPurposeMap { probeSearch: typeof SEARCH }
}
export const name: Purpose = 'probeSearch';
export const modules = [RedisModule.forRoot({ purposes: { probeSearch: SEARCH } }), RedisModule.forPurpose('probeSearch')];
export const inject = InjectRedis('probeSearch');
`;

const USE = `
export const read = (client: PurposeRedis<'probeSearch'>): Promise<(string | null)[]> => client.mget('search:a');
export const none = (client: BlockingRedis<'probeSearch'>): never => client;
`;

const MISUSE = [
  "export const del = (client: PurposeRedis<'probeSearch'>): unknown => client.del('search:a');",
  "export const lane = InjectRedis('probeSearch', 'blocking');",
  "export const misspelt = InjectRedis('probeSerach');",
];

describe('a purpose that a feature team adds', () => {
  it('has the commands and lanes of its row and no others, and the product compiles around it', () => {
    const faults = faultsInFeature('purpose', ROW + USE + MISUSE.join('\n'));
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(';') + 1) || fault)).toEqual(MISUSE);
  });
});
