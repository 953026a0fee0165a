import { describe, expect, it } from 'vitest';
import { aclOptions, aclRule, furtherCommands, sentinelAclRule } from './acl-rule.js';
import { COMMANDS, commandSpec } from './commands.js';
import { PURPOSES, type PurposeDefinition } from './purposes.js';

const NAMES = Object.keys(PURPOSES) as (keyof typeof PURPOSES)[];
const definitionOf = (name: (typeof NAMES)[number]): PurposeDefinition => PURPOSES[name];
const words = (name: (typeof NAMES)[number], db = 0): string[] =>
  aclRule({ user: 'someone', definition: PURPOSES[name], db }).split(' ');

const GREETING = ['+info', '+client|info', '+client|setname', '+multi', '+discard', '+exec'];

describe('aclRule', () => {
  it('is one line that can stand in an ACL file', () => {
    const definition: PurposeDefinition = { ...PURPOSES.rateLimit, commands: ['get', 'script'] };
    expect(aclRule({ user: 'limits', definition, db: 0 })).toBe(
      'user limits on >PASSWORD resetchannels ~rl:* -@all ' +
        '+info +client|info +client|setname +multi +discard +exec +get +script|load',
    );
  });

  describe.each(NAMES)('of %s', (name) => {
    it('takes everything away before it grants anything', () => {
      const rule = words(name);
      expect(rule.indexOf('-@all')).toBeLessThan(rule.findIndex((word) => word.startsWith('+')));
      expect(rule.filter((word) => word.startsWith('-'))).toEqual(['-@all']);
    });

    it('names keys of its namespace only, and no channel', () => {
      const rule = words(name);
      expect(rule.filter((word) => /^[~%&]|^allkeys|^allchannels/.test(word))).toEqual([
        `~${definitionOf(name).namespace}:*`,
      ]);
      expect(rule).toContain('resetchannels');
    });

    it('grants every command of the row, by subcommand where it has some, and the greeting', () => {
      const rights = definitionOf(name).commands.flatMap((command) => {
        const subcommands = commandSpec(command)?.subcommands;
        return subcommands ? subcommands.map((sub) => `+${command}|${sub}`) : [`+${command}`];
      });
      const granted = words(name).filter((word) => word.startsWith('+'));
      expect(granted.toSorted()).toEqual([...GREETING, ...rights].toSorted());
      expect(new Set(granted).size).toBe(granted.length);
    });

    it('grants no category, no container as a whole and nothing that newer servers only know', () => {
      const granted = words(name).filter((word) => word.startsWith('+'));
      expect(granted.filter((word) => word.startsWith('+@'))).toEqual([]);
      expect(granted).not.toContain('+client');
      expect(granted).not.toContain('+script');
      expect(granted).not.toContain('+client|setinfo');
    });

    it('grants SELECT where the database is not 0, and only there', () => {
      expect(words(name)).not.toContain('+select');
      expect(words(name, 3)).toContain('+select');
    });
  });

  it('has room for every command of the table', () => {
    const definition = {
      ...PURPOSES.rateLimit,
      commands: Object.keys(COMMANDS) as (keyof typeof COMMANDS)[],
    };
    expect(aclRule({ user: 'all', definition, db: 0 })).not.toMatch(/undefined|\n/);
  });
});

describe('the rule of a topology', () => {
  const rightsOf = (topology: 'standalone' | 'sentinel' | 'cluster', waitReplicas: number): string[] =>
    aclRule({ user: 'u', definition: PURPOSES.securityTokens, db: 0, topology, waitReplicas })
      .split(' ')
      .filter((word) => word.startsWith('+'));
  const usual = rightsOf('standalone', 0);

  it.each([
    ['standalone', 0, []],
    ['sentinel', 0, []],
    ['standalone', 1, ['+wait']],
    ['sentinel', 2, ['+wait']],
    ['cluster', 0, ['+cluster|slots', '+cluster|info', '+asking']],
    ['cluster', 1, ['+cluster|slots', '+cluster|info', '+asking', '+wait']],
  ] as const)('grants on %s with %d replicas to wait for %j beyond the row', (topology, wait, beyond) => {
    const rights = rightsOf(topology, wait);
    expect(rights.filter((right) => !usual.includes(right))).toEqual(beyond);
    expect(rights).toEqual(expect.arrayContaining(usual));
    expect(rights).not.toContain('+cluster');
    expect(rights).not.toContain('+readonly');
  });

  it.each([
    ['standalone', 0, []],
    ['sentinel', 1, [['wait', '0', '0']]],
    ['cluster', 0, [['cluster', 'slots'], ['cluster', 'info'], ['asking']]],
    ['cluster', 1, [['cluster', 'slots'], ['cluster', 'info'], ['asking'], ['wait', '0', '0']]],
  ] as const)('is tried on %s with %d replicas by calls that do nothing', (topology, waitReplicas, calls) => {
    expect(furtherCommands({ topology, waitReplicas })).toEqual(calls);
  });

  it('for the Sentinels themselves grants two questions, the news and a sign of life, and no key', () => {
    const rule = sentinelAclRule('watcher').split(' ');
    expect(rule.slice(0, 4)).toEqual(['user', 'watcher', 'on', '>PASSWORD']);
    expect(rule.filter((word) => word.startsWith('+') && !word.includes('+switch'))).toEqual([
      '+sentinel|master',
      '+sentinel|get-master-addr-by-name',
      '+subscribe',
      '+ping',
    ]);
    expect(rule.filter((word) => word.startsWith('~'))).toEqual([]);
    expect(rule).toContain('-@all');
    expect(rule).toContain('resetchannels');
    expect(rule).toContain('&+switch-master');
    expect(rule).not.toContain('&*');
  });
});

describe('what to put behind redis acl', () => {
  const { securityTokens, authCache } = PURPOSES;

  it.each([
    ['', { definition: securityTokens, db: 0 }],
    [' --db 3', { definition: securityTokens, db: 3 }],
    [' --topology cluster', { definition: authCache, db: 0, topology: 'cluster' as const }],
    [
      ' --db 3 --topology sentinel',
      { definition: securityTokens, db: 3, topology: 'sentinel' as const, waitReplicas: 1 },
    ],
    [
      ' --topology sentinel --wait-replicas 0',
      { definition: securityTokens, db: 0, topology: 'sentinel' as const, waitReplicas: 0 },
    ],
    [' --wait-replicas 2', { definition: securityTokens, db: 0, waitReplicas: 2 }],
  ])('is --purpose x%s', (options, request) => {
    expect(aclOptions('x', request)).toBe(`--purpose x${options}`);
  });
});
