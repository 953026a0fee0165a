import { describe, expect, it } from 'vitest';
import { PURPOSES } from './purposes.js';
import type { ServerFacts } from './server-facts.js';
import { type Expectation, fatalProofs, proveServer, reasonOfProof } from './server-proof.js';
import type { Proof } from './status.types.js';

const CLIENT = 'bulkhead:securityTokens:command:host:1';

/** A server that suits security tokens, whatever it belongs to. */
const server = (facts: ServerFacts): ServerFacts => ({
  db: 0,
  user: 'tokens',
  clientName: CLIENT,
  version: '7.0.15',
  role: 'master',
  evictionPolicy: 'noeviction',
  refusedCommands: [],
  ...facts,
});

const expecting = (given: Partial<Expectation>): Expectation => ({
  engine: 'redis',
  definition: PURPOSES.securityTokens,
  db: 0,
  access: { user: 'tokens' },
  clientName: CLIENT,
  enforced: true,
  topology: 'standalone',
  waitReplicas: 0,
  ...given,
});

const proofOf = (fact: Proof['fact'], facts: ServerFacts, expected: Expectation): Proof | undefined =>
  proveServer(server(facts), expected).find((proof) => proof.fact === fact);

describe('the topology', () => {
  it.each([
    ['standalone', 'standalone'],
    ['standalone', 'sentinel'],
    ['cluster', 'cluster'],
  ] as const)('of a server in mode %s is that of %s', (mode, topology) => {
    expect(proofOf('topology', { mode }, expecting({ topology }))).toEqual({
      fact: 'topology',
      verdict: 'proven',
      detail: topology,
    });
  });

  it.each([
    ['cluster', 'standalone', 'the server is a node of a cluster, and the topology is standalone'],
    ['cluster', 'sentinel', 'the server is a node of a cluster, and the topology is sentinel'],
    ['sentinel', 'standalone', 'the server is a Sentinel, and the topology is standalone'],
    ['sentinel', 'sentinel', 'the server is a Sentinel, and the topology is sentinel'],
    ['sentinel', 'cluster', 'the server is a Sentinel, and the topology is cluster'],
    ['standalone', 'cluster', 'the server is in no cluster, and the topology is cluster'],
    ['active-active', 'cluster', 'the server runs in mode active-active, and the topology is cluster'],
  ] as const)('of a server in mode %s is not that of %s', (mode, topology, detail) => {
    // A Sentinel has no databases, no eviction and hardly a command: one line says it all.
    const facts = server({ mode, role: 'slave', version: '5.0.0', refusedCommands: ['set'] });
    for (const enforced of [true, false]) {
      const expected = expecting({ topology, enforced });
      const proofs = proveServer(facts, expected);
      expect(proofs).toEqual([{ fact: 'topology', verdict: 'contradicted', detail }]);
      expect(fatalProofs(proofs, expected).map(reasonOfProof)).toEqual(['topology']);
    }
  });

  it.each(['standalone', 'sentinel', 'cluster'] as const)(
    'of a server that hides its mode is not held against %s',
    (topology) => {
      const expected = expecting({ topology, waitReplicas: 1 });
      const proofs = proveServer(server({}), expected);
      expect(proofs[0]).toMatchObject({ fact: 'topology', verdict: 'unprovable' });
      expect(fatalProofs(proofs, expected)).toEqual([]);
    },
  );
});

describe('the replication', () => {
  const AT_RISK = 'contradicted: a fail-over can undo what was acknowledged: nothing waits for a replica';
  const OWN_WORD = 'proven: the server takes writes only while replicas follow (min-replicas-to-write)';

  it.each<[title: string, given: Partial<Expectation> & { goodReplicas?: number }, said: string | undefined]>(
    [
      ['one server, which nobody takes over', {}, undefined],
      ['one server that waits for a replica all the same', { waitReplicas: 1 }, undefined],
      [
        'Sentinels and a write that waits',
        { topology: 'sentinel', waitReplicas: 1 },
        'proven: a write counts when 1 of the replicas have it',
      ],
      [
        'a cluster and a write that waits',
        { topology: 'cluster', waitReplicas: 2 },
        'proven: a write counts when 2 of the replicas have it',
      ],
      ['Sentinels and a write that does not', { topology: 'sentinel' }, AT_RISK],
      ['a cluster and a write that does not', { topology: 'cluster' }, AT_RISK],
      ['a server that asks for replicas itself', { topology: 'sentinel', goodReplicas: 1 }, OWN_WORD],
      ['one that asks for them and has none now', { topology: 'cluster', goodReplicas: 0 }, OWN_WORD],
      [
        'a purpose whose lost writes do no harm',
        { topology: 'cluster', definition: PURPOSES.authCache },
        undefined,
      ],
    ],
  )('of %s', (_, { goodReplicas, ...given }, said) => {
    const mode = given.topology === 'cluster' ? 'cluster' : 'standalone';
    const facts = { mode, ...(goodReplicas === undefined ? {} : { goodReplicas }) };
    const proof = proofOf('replication', facts, expecting(given));
    expect(proof && `${proof.verdict}: ${proof.detail}`).toBe(said);
  });

  it('that nobody waits for closes the compartment where that is enforced', () => {
    const expected = expecting({ topology: 'sentinel' });
    const found = fatalProofs(proveServer(server({ mode: 'standalone' }), expected), expected);
    expect(found.map((proof) => [proof.fact, reasonOfProof(proof)])).toEqual([['replication', 'noreplicas']]);
    expect(fatalProofs(found, { ...expected, enforced: false })).toEqual([]);
  });
});

describe('Sentinels that do not answer', () => {
  it('are shown, and close nothing: one is enough to find the servers', () => {
    const silent: Proof = { fact: 'sentinels', verdict: 'contradicted', detail: '2 of 3 do not answer' };
    expect(fatalProofs([silent], expecting({ topology: 'sentinel', waitReplicas: 1 }))).toEqual([]);
  });
});
