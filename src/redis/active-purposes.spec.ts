import { describe, expect, it } from 'vitest';
import type { Settings } from '../config/index.js';
import {
  PURPOSE_IMPORT,
  type PurposeModule,
  activePurposes,
  importedPurposes,
  optionsOf,
} from './active-purposes.js';
import { PURPOSES } from './purposes.js';
import { RedisModule } from './redis.module.js';

const settings = { profile: 'test' } as Settings;

class Feature {}

const imports = (purpose: string, off?: boolean): PurposeModule => ({
  module: Feature,
  [PURPOSE_IMPORT]: { purpose, ...(off === undefined ? {} : { unless: () => off }) },
});

describe('activePurposes', () => {
  it('are those that some module imports', () => {
    expect(activePurposes([{ module: Feature }, imports('authCache')], settings)).toEqual(['authCache']);
    expect(activePurposes([{ module: Feature }], settings)).toEqual([]);
  });

  it('are in the order of the table, with those of other teams behind it', () => {
    const table = Object.keys(PURPOSES);
    const modules = ['search', ...table.toReversed(), 'mail'].map((purpose) => imports(purpose));
    expect(activePurposes(modules, settings)).toEqual([...table, 'search', 'mail']);
    expect(importedPurposes(modules)).toEqual([...table, 'search', 'mail']);
  });

  it('are named once, however many modules import them', () => {
    expect(activePurposes([imports('authCache'), imports('authCache')], settings)).toEqual(['authCache']);
  });

  it('are not those whose condition holds, although they are imported', () => {
    const modules = [imports('authCache', true), imports('rateLimit', false)];
    expect(activePurposes(modules, settings)).toEqual(['rateLimit']);
    expect(importedPurposes(modules)).toEqual(['rateLimit', 'authCache']);
  });

  it.each([
    ['a condition that holds and none', [true, undefined], true],
    ['none and a condition that holds', [undefined, true], true],
    ['a condition that holds and one that does not', [true, false], true],
    ['one that does not and a condition that holds', [false, true], true],
    ['two conditions that hold', [true, true], false],
  ] as const)('with %s are active if any import lets them', (_, conditions, active) => {
    const modules = conditions.map((off) => imports('authCache', off));
    expect(activePurposes(modules, settings)).toEqual(active ? ['authCache'] : []);
  });

  it('ask a condition with the settings', () => {
    const asked: unknown[] = [];
    const unless = (given: Settings) => {
      asked.push(given);
      return false;
    };
    activePurposes([{ module: Feature, [PURPOSE_IMPORT]: { purpose: 'authCache', unless } }], settings);
    expect(asked).toEqual([settings]);
  });

  it.each(['conditional first', 'conditional last'])('are read off forPurpose: %s', (order) => {
    const modules = [
      RedisModule.forPurpose('authCache', { unless: () => true }),
      RedisModule.forPurpose('authCache'),
    ];
    if (order === 'conditional last') modules.reverse();
    expect(activePurposes(modules, settings)).toEqual(['authCache']);
    expect(activePurposes([RedisModule.forPurpose('authCache', { unless: () => true })], settings)).toEqual(
      [],
    );
  });
});

describe('optionsOf', () => {
  it('are what forRoot was given', () => {
    const options = { urls: { rateLimit: 'redis://h:1' } };
    expect(optionsOf([{ module: Feature }, RedisModule.forRoot(options)])).toBe(options);
  });

  it('are empty without forRoot, and where a factory makes them', () => {
    expect(optionsOf([{ module: Feature }])).toEqual({});
    expect(optionsOf([RedisModule.forRootAsync({ useFactory: () => ({ urls: {} }) })])).toEqual({});
  });
});
