import { describe, expect, it } from 'vitest';
import { aclRule } from './acl-rule.js';
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
