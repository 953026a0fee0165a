import { describe, expect, it } from 'vitest';
import { PURPOSES } from './purposes.js';
import type { ServerFacts } from './server-facts.js';
import { type Expectation, fatalProofs, proveServer, reasonOfProof } from './server-proof.js';
import type { Proof } from './status.types.js';

const NAME = 'bulkhead:billingEvents:command:host:1';

/** A server that suits the strictest purpose. */
const GOOD: ServerFacts = {
  db: 0,
  user: 'billing',
  clientName: NAME,
  version: '7.0.15',
  runId: 'abc',
  role: 'master',
  mode: 'standalone',
  evictionPolicy: 'noeviction',
  aof: true,
  loading: false,
  refusedCommands: [],
};

const STRICT: Expectation = {
  engine: 'redis',
  definition: PURPOSES.billingEvents,
  db: 0,
  access: { user: 'billing' },
  clientName: NAME,
  enforced: true,
  topology: 'standalone',
  waitReplicas: 0,
};

const ADVISED: Partial<Expectation> = { definition: PURPOSES.rateLimit };
const LOCAL: Partial<Expectation> = { enforced: false };

const without = (field: keyof ServerFacts): ServerFacts => {
  const { [field]: _, ...rest } = GOOD;
  return rest;
};

const changed = (facts: ServerFacts): ServerFacts => ({ ...GOOD, ...facts });
const EVICTING = changed({ evictionPolicy: 'allkeys-lru' });
const NO_AOF = changed({ aof: false });

type Case = readonly [
  title: string,
  facts: ServerFacts,
  proof: `${Proof['fact']} ${Proof['verdict']}`,
  /** `fatal`: the reason that closes the compartment; without it the compartment may be used. */
  more?: { readonly fatal?: string; readonly detail?: RegExp; readonly given?: Partial<Expectation> },
];

const CASES: readonly Case[] = [
  [
    'another user',
    changed({ user: 'default' }),
    'identity contradicted',
    { fatal: 'auth', detail: /default instead of billing/ },
  ],
  [
    'another user, locally',
    changed({ user: 'default' }),
    'identity contradicted',
    { fatal: 'auth', given: LOCAL },
  ],
  [
    'another client name',
    changed({ clientName: 'proxy' }),
    'identity contradicted',
    { fatal: 'auth', detail: /proxy/ },
  ],
  ['a hidden user', without('user'), 'identity unprovable'],
  ['a hidden client name', without('clientName'), 'identity proven'],
  [
    'another database',
    changed({ db: 1 }),
    'database contradicted',
    { fatal: 'select', detail: /database 1 instead of 0/ },
  ],
  [
    'database 0 although SELECT seemed to work',
    GOOD,
    'database contradicted',
    { fatal: 'select', detail: /0 instead of 5/, given: { db: 5 } },
  ],
  ['the selected database', changed({ db: 5 }), 'database proven', { given: { db: 5 } }],
  ['a hidden database where 0 is meant', without('db'), 'database unprovable'],
  [
    'a hidden database where 5 is meant',
    without('db'),
    'database contradicted',
    { fatal: 'select', detail: /not confirm/, given: { db: 5 } },
  ],
  ['a database that is no number', changed({ db: Number.NaN }), 'database contradicted', { fatal: 'select' }],
  ['a replica', changed({ role: 'slave' }), 'role contradicted', { fatal: 'readonly', detail: /replica/ }],
  [
    'a Sentinel',
    changed({ role: 'sentinel' }),
    'role contradicted',
    { fatal: 'readonly', detail: /sentinel/ },
  ],
  ['a hidden role', without('role'), 'role unprovable'],
  [
    'version 6.0',
    changed({ version: '6.0.16' }),
    'version contradicted',
    { fatal: 'misconf', detail: /6\.0\.16 is older than 7\.0/ },
  ],
  ['version 5', changed({ version: '5.0.7' }), 'version contradicted', { fatal: 'misconf' }],
  ['version 6.2', changed({ version: '6.2.14' }), 'version contradicted', { fatal: 'misconf' }],
  ['version 7.0', changed({ version: '7.0.0' }), 'version proven'],
  ['version 10.0', changed({ version: '10.0.0' }), 'version proven'],
  ['a hidden version', without('version'), 'version unprovable'],
  [
    'two refused commands',
    changed({ refusedCommands: ['xadd', 'xack'] }),
    'commands contradicted',
    { fatal: 'noperm', detail: /refuses xadd, xack/ },
  ],
  ['grants that could not be tried', without('refusedCommands'), 'commands unprovable'],
  [
    'eviction where it is forbidden',
    EVICTING,
    'eviction contradicted',
    { fatal: 'misconf', detail: /allkeys-lru/ },
  ],
  [
    'eviction of what expires',
    changed({ evictionPolicy: 'volatile-ttl' }),
    'eviction contradicted',
    { fatal: 'misconf' },
  ],
  ['eviction where it is forbidden, locally', EVICTING, 'eviction contradicted', { given: LOCAL }],
  ['eviction where noeviction is advised', EVICTING, 'eviction contradicted', { given: ADVISED }],
  ['a hidden eviction policy', without('evictionPolicy'), 'eviction unprovable'],
  [
    'no AOF where it is required',
    NO_AOF,
    'persistence contradicted',
    { fatal: 'misconf', detail: /AOF is off/ },
  ],
  ['no AOF where it is required, locally', NO_AOF, 'persistence contradicted', { given: LOCAL }],
  [
    'no AOF, which a provider makes good',
    NO_AOF,
    'persistence unprovable',
    { detail: /as stated/, given: { durability: 'provider' } },
  ],
  [
    'no AOF although aof was stated',
    NO_AOF,
    'persistence contradicted',
    { fatal: 'misconf', given: { durability: 'aof' } },
  ],
  ['AOF, and a provider as well', GOOD, 'persistence proven', { given: { durability: 'provider' } }],
  [
    'a hidden AOF that nobody speaks for',
    without('aof'),
    'persistence contradicted',
    { fatal: 'misconf', detail: /nobody states/ },
  ],
  [
    'a hidden AOF that nobody speaks for, locally',
    without('aof'),
    'persistence unprovable',
    { given: LOCAL },
  ],
  [
    'a hidden AOF that is stated',
    without('aof'),
    'persistence unprovable',
    { detail: /as stated/, given: { durability: 'aof' } },
  ],
  ['no AOF where nothing must last', NO_AOF, 'persistence proven', { given: ADVISED }],
];

describe('proveServer', () => {
  it('proves every fact of a server that suits', () => {
    const proofs = proveServer(GOOD, STRICT);
    expect(proofs.map(({ fact, verdict }) => `${fact} ${verdict}`)).toEqual([
      'topology proven',
      'identity proven',
      'database proven',
      'commands proven',
      'role proven',
      'version proven',
      'eviction proven',
      'persistence proven',
    ]);
    expect(fatalProofs(proofs, STRICT)).toEqual([]);
  });

  it.each(CASES.map((row) => [row[0], row] as const))('judges %s', (_, [, facts, outcome, more = {}]) => {
    const { fatal, detail = /./, given } = more;
    const expected = { ...STRICT, ...given };
    const proofs = proveServer(facts, expected);
    const proof = proofs.find(({ fact }) => outcome.startsWith(`${fact} `));
    expect(`${proof?.fact} ${proof?.verdict}`).toBe(outcome);
    expect(proof?.detail).toMatch(detail);
    const found = fatalProofs(proofs, expected);
    expect(found.map(reasonOfProof)).toEqual(fatal === undefined ? [] : [fatal]);
    expect(found).toEqual(fatal === undefined ? [] : [proof]);
  });

  it('lets a server be used that says nothing of itself where somebody answers for its durability', () => {
    const proofs = proveServer({}, { ...STRICT, durability: 'aof' });
    expect(proofs.map(({ verdict }) => verdict)).toEqual(Array.from({ length: 8 }, () => 'unprovable'));
    expect(fatalProofs(proofs, STRICT)).toEqual([]);
  });

  it('asks the embedded engine for nothing that only a server has', () => {
    const embedded: Expectation = { ...STRICT, engine: 'embedded', enforced: false };
    const proofs = proveServer({ db: 0, user: 'billing', refusedCommands: [] }, embedded);
    expect(proofs.map(({ fact, verdict }) => [fact, verdict])).toEqual([
      ['identity', 'proven'],
      ['database', 'proven'],
      ['commands', 'proven'],
      ['persistence', 'unprovable'],
    ]);
  });
});

describe('fatalProofs', () => {
  const contradicted = (fact: Proof['fact']): Proof => ({ fact, verdict: 'contradicted', detail: '' });

  it('are all that are contradicted, so that one report names them together', () => {
    const proofs = [contradicted('eviction'), contradicted('persistence')];
    expect(fatalProofs(proofs, STRICT)).toEqual(proofs);
  });

  it('closes a server that lets anybody in, where that is enforced', () => {
    expect(fatalProofs([contradicted('anonymous')], STRICT).map(reasonOfProof)).toEqual(['auth']);
    expect(fatalProofs([contradicted('anonymous')], { ...STRICT, ...LOCAL })).toEqual([]);
  });

  it('never closes for what is only unprovable', () => {
    const facts = ['identity', 'database', 'role', 'version', 'commands', 'eviction', 'persistence'] as const;
    const proofs = facts.map((fact): Proof => ({ fact, verdict: 'unprovable', detail: '' }));
    expect(fatalProofs(proofs, STRICT)).toEqual([]);
  });
});
