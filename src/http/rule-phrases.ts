import { getMetadataStorage } from 'class-validator';

type Rule = ReturnType<ReturnType<typeof getMetadataStorage>['getTargetValidationMetadatas']>[number];
type Value = string | number | boolean;
/** As the decorators of class-validator take them. */
type Arguments = readonly (Value | readonly Value[] | undefined)[];
type Class = abstract new (...args: never[]) => object;

/** Most values of a list that a sentence names. */
const MOST_NAMED = 20;

/** What a value is, the first that fits. */
const KINDS: Readonly<Record<string, (given: Arguments) => string>> = {
  equals: ([value]) => String(value),
  isIn: ([values]) => oneOf([values ?? []].flat()),
  isArray: () => 'a list',
  isInt: () => 'a whole number',
  isNumber: () => 'a number',
  isBoolean: () => 'true or false',
  isUuid: () => 'a UUID',
  isIso8601: () => 'a date or time of ISO 8601, such as 2026-01-31T12:00:00Z',
  isEmail: () => 'an e-mail address',
  nestedValidation: () => 'an object',
  isString: () => 'a text',
};

/** How much of it: lower and upper bound under the names of their rules. */
const BOUNDS: readonly { least: string; most: string; say: (bounds: Bounds) => string }[] = [
  { least: 'min', most: 'max', say: ({ least, most }) => numbers(least, most) },
  { least: 'arrayMinSize', most: 'arrayMaxSize', say: (bounds) => amount(bounds, 'entries', 'entry') },
  { least: 'minLength', most: 'maxLength', say: (bounds) => amount(bounds, 'characters', 'character') },
];

interface Bounds {
  readonly least: number | undefined;
  readonly most: number | undefined;
}

/** Rules that a phrase speaks of. The library has a message for any other, which does not quote what was sent. */
const SAID: ReadonlySet<string> = new Set([
  ...Object.keys(KINDS),
  ...BOUNDS.flatMap(({ least, most }) => [least, most]),
  'isLength',
  'arrayUnique',
  'matches',
]);

export const isSaid = (rule: string): boolean => SAID.has(rule);

const known = new WeakMap<Class, Map<string, string | undefined>>();

/**
 * What a property of a class may be, by the rules that it is validated with: `a whole number from 1 to 100`. A rule that
 * names a form, as `@Matches` does, says it in its `message`, which completes "<field> must be …".
 *
 * @returns undefined where its rules say nothing that a sentence could
 */
export function phraseOf(owner: Class, property: string): string | undefined {
  let phrases = known.get(owner);
  if (!phrases) known.set(owner, (phrases = new Map()));
  if (!phrases.has(property)) phrases.set(property, compose(rulesOf(owner, property)));
  return phrases.get(property);
}

function rulesOf(owner: Class, property: string): Rule[] {
  const all = getMetadataStorage().getTargetValidationMetadatas(owner, '', false, false);
  return all.filter(({ propertyName }) => propertyName === property);
}

function compose(rules: readonly Rule[]): string | undefined {
  const whole = describe(rules.filter(({ each }) => !each));
  const each = describe(rules.filter((rule) => rule.each));
  if (each === undefined) return whole;
  return `${whole ?? 'a list'}, each ${each}`;
}

function describe(rules: readonly Rule[]): string | undefined {
  const given = argumentsOf(rules);
  const form = rules.find(
    ({ type, message }) => type === 'customValidation' && typeof message === 'string',
  )?.message;
  const kind = Object.keys(KINDS).find((name) => given.has(name));
  const what = typeof form === 'string' ? form : kind && KINDS[kind]?.(given.get(kind) ?? []);
  const parts = [what, ...BOUNDS.map((bound) => boundOf(bound, given))];
  if (given.has('arrayUnique')) parts.push('without repetitions');
  const said = parts.filter((part) => part !== undefined && part !== '');
  return said.length > 0 ? said.join(' ') : undefined;
}

function argumentsOf(rules: readonly Rule[]): ReadonlyMap<string, Arguments> {
  const given = new Map<string, Arguments>();
  for (const { name, type, constraints } of rules) {
    // Rules without arguments have none, whatever the types of the library say.
    const own = (constraints as Arguments | undefined) ?? [];
    given.set(name ?? type, own);
    if (name !== 'isLength') continue;
    given.set('minLength', own.slice(0, 1));
    if (own[1] !== undefined) given.set('maxLength', own.slice(1, 2));
  }
  return given;
}

function boundOf(
  { least, most, say }: (typeof BOUNDS)[number],
  given: ReadonlyMap<string, Arguments>,
): string | undefined {
  if (!given.has(least) && !given.has(most)) return undefined;
  const numberOf = (name: string) => given.get(name)?.find((value) => typeof value === 'number');
  return say({ least: numberOf(least), most: numberOf(most) });
}

function numbers(least: number | undefined, most: number | undefined): string {
  if (least === undefined) return `of at most ${most}`;
  return most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
}

function amount({ least, most }: Bounds, many: string, one: string): string {
  const last = most ?? least;
  const unit = last === 1 ? one : many;
  if (least === undefined || least === 0) return `of at most ${most} ${unit}`;
  if (most === undefined) return `of at least ${least} ${unit}`;
  return least === most ? `of ${most} ${unit}` : `of ${least} to ${most} ${unit}`;
}

function oneOf(values: readonly Value[]): string {
  const named = values.slice(0, MOST_NAMED).map(String).join(', ');
  return `one of ${named}${values.length > MOST_NAMED ? ', …' : ''}`;
}
