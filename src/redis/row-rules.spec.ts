import { describe, expect, it } from 'vitest';
import { PURPOSES, type PurposeDefinition } from './purposes.js';
import { nameFaults, rowFaults } from './row-rules.js';

const ROW: PurposeDefinition = { ...PURPOSES.rateLimit, env: 'SEARCH_REDIS', namespace: 'search' };

/** The rules that a row breaks. */
const broken = (row: Partial<PurposeDefinition>, name = 'search'): string[] =>
  rowFaults({ purposes: { [name]: { ...ROW, ...row } } }).map(({ rule }) => rule);

describe('A row of another team', () => {
  it('that keeps the rules has no fault', () => {
    expect(broken({})).toEqual([]);
    expect(rowFaults({})).toEqual([]);
    expect(rowFaults({ purposes: {} })).toEqual([]);
  });

  it.each(['search', 'Search-2', 'a_b', '7'])('may have the namespace %j', (namespace) => {
    expect(broken({ namespace })).toEqual([]);
  });

  it.each(['', '*', 'a*', 'a:b', 'a b', 'a?', '[a]', 'ä', 'a\n', 'a~b', '{a}'])(
    'may not have the namespace %j, which would be a pattern or lie within another',
    (namespace) => expect(broken({ namespace })).toEqual([`has the namespace "${namespace}"`]),
  );

  it.each(Object.entries(PURPOSES))(
    'may not share namespace or variables with %s',
    (owner, { namespace, env }) => {
      expect(broken({ namespace })).toEqual([`uses the namespace "${namespace}", which belongs to ${owner}`]);
      expect(broken({ env })).toEqual([`uses the stem of variables "${env}", which belongs to ${owner}`]);
    },
  );

  it.each(Object.keys(PURPOSES))('may not replace the row of %s', (purpose) => {
    const rules = broken({}, purpose);
    expect(rules).toHaveLength(1);
    expect(rules[0]).toContain('replaces a row of the table');
  });

  it('may not share namespace or variables with a row of a third team', () => {
    const faults = rowFaults({ purposes: { search: ROW, mail: ROW } });
    expect(faults.map(({ purpose, rule }) => `${purpose} ${rule}`)).toEqual([
      'mail uses the namespace "search", which belongs to search',
      'mail uses the stem of variables "SEARCH_REDIS", which belongs to search',
    ]);
  });

  it('needs a command lane', () => {
    const { command } = PURPOSES.rateLimit.lanes;
    expect(broken({ lanes: { blocking: command } })).toEqual(['has no command lane']);
  });

  it('needs set for the write probe', () => {
    expect(broken({ commands: ['get'] })).toEqual(['does not grant set']);
  });

  it('is told all of its faults at once, with where they stand and what to do', () => {
    const faults = rowFaults({ purposes: { search: { ...ROW, namespace: '*', lanes: {}, commands: [] } } });
    expect(faults.map(({ rule }) => rule)).toEqual([
      'has the namespace "*"',
      'has no command lane',
      'does not grant set',
    ]);
    for (const { variable, purpose, remedy } of faults) {
      expect({ variable, purpose }).toEqual({ variable: 'RedisModule.forRoot', purpose: 'search' });
      expect(remedy).not.toBe('');
    }
  });
});

describe('What is given by name of a purpose', () => {
  const provider = { fetch: () => Promise.resolve({ password: 'p' }) };

  it('may be for a row of the table, or of the same options', () => {
    const options = {
      purposes: { search: ROW },
      urls: { search: 'u' },
      credentials: { rateLimit: provider },
    };
    expect(nameFaults(options)).toEqual([]);
  });

  it('is refused for a name that is misspelt', () => {
    const faults = nameFaults({ urls: { serch: 'u' }, credentials: { rateLimits: provider } });
    expect(faults.map(({ rule }) => rule.split(';')[0])).toEqual([
      'gives a URL for serch, which is no purpose',
      'gives a credential provider for rateLimits, which is no purpose',
    ]);
  });
});
