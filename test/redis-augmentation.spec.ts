import { describe, expect, it } from 'vitest';
import { faultsInFeature } from './support/feature-program.js';

const ROW = `
import { type BlockingRedis, InjectRedis, type Purpose, type PurposeDefinition, type PurposeRedis, RedisModule }
  from '../../redis/index.js';
const SEARCH = {
  env: 'SEARCH_REDIS', namespace: 'search', outage: 'closed', aclUser: 'advised', eviction: 'advise',
  persistence: 'none', replication: 'none', connectMs: 1000, lanes: { command: { commandMs: 250, silenceMs: 750 } },
  commands: ['get', 'set', 'mget'],
} as const satisfies PurposeDefinition;
declare module '../../redis/index.js' {
  interface RedisPurposeMap { search: typeof SEARCH }
}
export const name: Purpose = 'search';
export const modules = [RedisModule.forRoot({ purposes: { search: SEARCH } }), RedisModule.forPurpose('search')];
export const inject = InjectRedis('search');
`;

const USE = `
export const read = (client: PurposeRedis<'search'>): Promise<(string | null)[]> => client.mget('search:a');
export const none = (client: BlockingRedis<'search'>): never => client;
`;

const MISUSE = [
  "export const del = (client: PurposeRedis<'search'>): unknown => client.del('search:a');",
  "export const lane = InjectRedis('search', 'blocking');",
  "export const misspelt = InjectRedis('serach');",
];

describe('a purpose that a feature team adds', () => {
  it('has the commands and lanes of its row and no others, and the product compiles around it', () => {
    const faults = faultsInFeature('search', ROW + USE + MISUSE.join('\n'));
    expect(faults.map((fault) => fault.slice(0, fault.indexOf(';') + 1) || fault)).toEqual(MISUSE);
  });
});
