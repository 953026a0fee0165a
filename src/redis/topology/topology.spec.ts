import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { Secret } from '../../kernel/redact.js';
import { PURPOSES } from '../purposes.js';
import type { Credentials } from '../live-access.js';
import { resolveLogin } from '../login.js';
import { PurposeSettings, RedisSettings } from '../redis.config.js';
import { describeAddress, distinct, resolveTopology, usualWaitReplicas } from './topology.js';

type Own = Partial<PurposeSettings>;
type Url = Partial<Parameters<typeof resolveTopology>[0]['url']>;

const resolve = (own: Own, url: Url = {}, sentinels: Credentials = {}) =>
  resolveTopology({
    purpose: 'securityTokens',
    definition: PURPOSES.securityTokens,
    own: { topology: 'standalone', ...own },
    url: { host: 'one', port: 6379, db: 0, source: 'SECURITY_TOKEN_REDIS_URL', ...url },
    sentinels,
  });

/** `SUFFIX: rule` of each fault. */
function faultsIn(own: Own, url?: Url): string[] {
  const found = resolve(own, url);
  if (!Array.isArray(found)) throw new Error(`No fault, but ${inspect(found)}`);
  return found.map(({ variable, rule }) => `${variable.replace('SECURITY_TOKEN_REDIS_', '')}: ${rule}`);
}

const at = (host: string, port = 6379) => ({ host, port });
const SENTINELS: Own = { topology: 'sentinel', sentinelName: 'main' };
const CLUSTER: Own = { topology: 'cluster' };

describe('the list of nodes', () => {
  it.each([
    ['one other', 'two:6379', [at('one'), at('two')]],
    ['several', 'two:6379,three:7000', [at('one'), at('two'), at('three', 7000)]],
    ['blanks around the commas', ' two:6379 , three:6379 ', [at('one'), at('two'), at('three')]],
    ['an address', '10.0.0.7:1', [at('one'), at('10.0.0.7', 1)]],
    ['an IPv6 address', '[::1]:65535', [at('one'), at('::1', 65_535)]],
    ['an IPv6 address that ends in IPv4', '[::ffff:10.0.0.7]:6379', [at('one'), at('::ffff:10.0.0.7')]],
    ['names with dots, dashes and underscores', 'a-1.svc_2.local:6379', [at('one'), at('a-1.svc_2.local')]],
    ['the server of the URL once more', 'one:6379,two:6379', [at('one'), at('two')]],
    ['only the server of the URL', 'one:6379', [at('one')]],
    ['another port of the same host', 'one:6380', [at('one'), at('one', 6380)]],
    ['one of them twice', 'two:6379,two:6379', [at('one'), at('two')]],
  ])('may hold %s', (_, nodes, seeds) => {
    expect(resolve({ ...CLUSTER, nodes })).toEqual({ kind: 'cluster', seeds });
  });

  it.each([
    '',
    ' ',
    ',',
    'two',
    'two:',
    ':6379',
    'two:0',
    'two:65536',
    'two:6379x',
    'two:-1',
    'two:6379,',
    ',two:6379',
    'two:6379,,three:6379',
    'two:6379 three:6379',
    'two:6379;three:6379',
    'redis://two:6379',
    'user@two:6379',
    'two:6379/0',
    'two three:6379',
    '-two:6379',
    'two.:6379',
    '::1:6379',
    '[::1]',
    '[::1:6379',
    '[1:2]:6379',
    '[two]:6379',
    '[10.0.0.7]:6379',
    '*:6379',
  ])('cannot be %j', (nodes) => {
    expect(faultsIn({ ...CLUSTER, nodes })).toEqual([
      'NODES: is not a list of host:port, separated by commas',
    ]);
  });

  it('does not show what it cannot read, which may be a URL with a password', () => {
    const faults = resolve({ ...CLUSTER, nodes: 'redis://:s3cret@two' });
    expect(inspect(faults, { depth: 9 })).not.toContain('s3cret');
  });
});

/** As the login of the purpose has them. */
function sentinelsOf(own: Own): Credentials {
  const login = resolveLogin({
    purpose: 'securityTokens',
    definition: PURPOSES.securityTokens,
    own: Object.assign(new PurposeSettings(), own, { url: new Secret('redis://one:6379') }),
    shared: Object.assign(new RedisSettings(), { tls: false }),
    profile: 'test',
  });
  if (!login || 'rule' in login) throw new Error('no login');
  return login.sentinels;
}

describe('a topology', () => {
  it('is one server where nothing else is said', () => {
    expect(resolve({})).toEqual({ kind: 'standalone' });
    expect(resolve({}, { db: 7 })).toEqual({ kind: 'standalone' });
  });

  it('is that of Sentinels with the name that they know the primary by', () => {
    expect(resolve({ ...SENTINELS, nodes: 'two:26379' }, { port: 26_379 })).toEqual({
      kind: 'sentinel',
      name: 'main',
      sentinels: [at('one', 26_379), at('two', 26_379)],
      credentials: {},
    });
  });

  it.each([
    ['a password', { sentinelPassword: new Secret('s3cret') }, { password: 's3cret' }],
    [
      'a user and a password',
      { sentinelUsername: 'watcher', sentinelPassword: new Secret('s3cret') },
      { username: 'watcher', password: 's3cret' },
    ],
  ])('keeps %s for the Sentinels apart from those of the servers', (_, own, readable) => {
    const sentinels = sentinelsOf({ ...own, username: 'other', password: new Secret('other') });
    const found = resolve({ ...SENTINELS, nodes: 'two:26379', ...own }, {}, sentinels);
    if (Array.isArray(found) || found.kind !== 'sentinel') throw new Error('no Sentinels');
    const { username, password } = found.credentials;
    expect({ ...(username ? { username } : {}), password: password?.reveal() }).toEqual(readable);
    expect(inspect(found, { depth: 9 })).not.toContain('s3cret');
  });

  it('of Sentinels may have any database, since it is that of the servers behind them', () => {
    expect(resolve({ ...SENTINELS, nodes: 'two:26379' }, { db: 3 })).toMatchObject({ kind: 'sentinel' });
  });
});

const ALONE = 'NODES: is not set, so that nobody can be asked when one:6379 is away';
const NODES = { nodes: 'two:6379' };
const SECRET = new Secret('s3cret');

describe('settings that are half of a topology, or of two', () => {
  it.each<[title: string, own: Own, faults: string[]]>([
    ['Sentinels without a name', { topology: 'sentinel', ...NODES }, ['SENTINEL_NAME: is not set']],
    ['Sentinels without others', SENTINELS, [ALONE]],
    ['Sentinels with neither', { topology: 'sentinel' }, [ALONE, 'SENTINEL_NAME: is not set']],
    ['a cluster without others', CLUSTER, [ALONE]],
    ['nodes beside one server', NODES, ['NODES: is set, but a standalone server has no other nodes']],
    [
      'nodes that cannot be read beside one server',
      { nodes: 'nonsense' },
      ['NODES: is set, but a standalone server has no other nodes'],
    ],
    [
      'Sentinels beside one server',
      { sentinelName: 'main', sentinelUsername: 'watcher', sentinelPassword: SECRET },
      [
        'SENTINEL_NAME: is set, but the topology is standalone',
        'SENTINEL_USERNAME: is set, but the topology is standalone',
        'SENTINEL_PASSWORD: is set, but the topology is standalone',
      ],
    ],
    [
      'Sentinels beside a cluster',
      { ...CLUSTER, ...NODES, sentinelName: 'main', sentinelPassword: SECRET },
      [
        'SENTINEL_NAME: is set, but the topology is cluster',
        'SENTINEL_PASSWORD: is set, but the topology is cluster',
      ],
    ],
    [
      'a user at the Sentinels without a password',
      { ...SENTINELS, ...NODES, sentinelUsername: 'watcher' },
      ['SENTINEL_PASSWORD: is not set although a user of the Sentinels is'],
    ],
  ])('are refused: %s', (_, own, faults) => {
    expect(faultsIn(own)).toEqual(faults);
  });

  it('are refused for each variable once, and name purpose and remedy', () => {
    const found = resolve({ topology: 'sentinel', nodes: 'nonsense', sentinelUsername: 'watcher' });
    expect(found).toEqual([
      expect.objectContaining({ variable: 'SECURITY_TOKEN_REDIS_NODES', purpose: 'securityTokens' }),
      expect.objectContaining({ variable: 'SECURITY_TOKEN_REDIS_SENTINEL_NAME', purpose: 'securityTokens' }),
      expect.objectContaining({
        variable: 'SECURITY_TOKEN_REDIS_SENTINEL_PASSWORD',
        purpose: 'securityTokens',
        remedy: 'Set both or none',
      }),
    ]);
  });

  it.each(['SECURITY_TOKEN_REDIS_URL', 'REDIS_URL'])(
    'are refused: a database of a cluster in %s',
    (source) => {
      expect(resolve({ ...CLUSTER, ...NODES }, { db: 2, source })).toEqual([
        {
          variable: source,
          purpose: 'securityTokens',
          rule: 'names database 2, and a cluster has database 0 only',
          remedy: 'End it with /0, or with nothing',
        },
      ]);
    },
  );
});

describe('the replicas that a write waits for', () => {
  it.each([
    ['securityTokens', 'standalone', 0],
    ['securityTokens', 'sentinel', 1],
    ['securityTokens', 'cluster', 1],
    ['billingEvents', 'sentinel', 1],
    ['billingEvents', 'cluster', 1],
    ['rateLimit', 'sentinel', 0],
    ['rateLimit', 'cluster', 0],
    ['authCache', 'sentinel', 0],
    ['authCache', 'cluster', 0],
  ] as const)('are for %s on %s %d', (purpose, topology, replicas) => {
    expect(usualWaitReplicas(PURPOSES[purpose], topology)).toBe(replicas);
  });
});

describe('an address', () => {
  it('is shown as it is written, IPv6 in brackets', () => {
    expect(describeAddress(at('one', 1))).toBe('one:1');
    expect(describeAddress(at('10.0.0.7', 6379))).toBe('10.0.0.7:6379');
    expect(describeAddress(at('::1', 6379))).toBe('[::1]:6379');
  });

  it('is the same as another one with the same host and port', () => {
    expect(distinct([at('a'), at('b'), at('a'), at('a', 1)])).toEqual([at('a'), at('b'), at('a', 1)]);
  });
});
