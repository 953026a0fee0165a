import type { Fault } from '../config/index.js';
import { PURPOSES, type PurposeDefinition } from './purposes.js';
import type { RedisModuleOptions } from './redis.options.js';

/** Rules for rows that a team passes in: a bad one would open a hole in another compartment, or never be up. */
export function rowFaults({ purposes = {} }: RedisModuleOptions): Fault[] {
  const taken = new Map(Object.entries(PURPOSES).flatMap(([purpose, row]) => marksOf(purpose, row)));
  return Object.entries(purposes).flatMap(([purpose, row]) => {
    const faults = rulesBrokenBy(purpose, row, taken).map(([rule, remedy]) => ({
      variable: 'RedisModule.forRoot',
      purpose,
      rule,
      remedy,
    }));
    for (const [mark, owner] of marksOf(purpose, row)) taken.set(mark, owner);
    return faults;
  });
}

/** A URL or a provider for a misspelt purpose would be missed by nobody. */
export function nameFaults({ purposes = {}, urls = {}, credentials = {} }: RedisModuleOptions): Fault[] {
  const known = [...Object.keys(PURPOSES), ...Object.keys(purposes)];
  const unknown = (what: string, given: object): Fault[] =>
    Object.keys(given)
      .filter((name) => !known.includes(name))
      .map((name) => ({
        variable: 'RedisModule.forRoot',
        rule: `gives ${what} for ${name}, which is no purpose; there are ${known.join(', ')}`,
        remedy: 'Correct the name',
      }));
  return [...unknown('a URL', urls), ...unknown('a credential provider', credentials)];
}

type Broken = readonly [rule: string, remedy: string];

function rulesBrokenBy(
  purpose: string,
  row: PurposeDefinition,
  taken: ReadonlyMap<string, string>,
): Broken[] {
  const { namespace, env, lanes, commands } = row;
  const broken: Broken[] = [];
  if (Object.hasOwn(PURPOSES, purpose)) {
    broken.push([
      'replaces a row of the table, whose outage policy and rights nobody may relax',
      'Give it another name',
    ]);
    return broken;
  }
  // Anything else would be a pattern in the ACL rule, or lie within the namespace of another.
  if (!/^[a-z0-9_-]+$/i.test(namespace)) {
    broken.push([`has the namespace "${namespace}"`, 'Use letters, digits, - and _ only']);
  }
  for (const [what, mark] of [
    ['namespace', namespace],
    ['stem of variables', env],
  ] as const) {
    const owner = taken.get(`${what} ${mark}`);
    if (owner)
      broken.push([`uses the ${what} "${mark}", which belongs to ${owner}`, 'Give it one of its own']);
  }
  if (!lanes.command) broken.push(['has no command lane', 'Add one; probe and callers need it']);
  if (!commands.includes('set')) broken.push(['does not grant set', 'Add it; the write probe needs it']);
  return broken;
}

function marksOf(purpose: string, { namespace, env }: PurposeDefinition): [mark: string, owner: string][] {
  return [
    [`namespace ${namespace}`, purpose],
    [`stem of variables ${env}`, purpose],
  ];
}
