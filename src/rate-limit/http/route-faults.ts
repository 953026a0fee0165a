import { DeclarationError } from '../declaration-error.js';
import type { BookedPolicy, PolicyBook } from '../policies/plan.js';
import type { Declaration } from './declarations.js';
import { type ExtractorTable, NOBODY } from './extractors.js';
import { type Counting, lateGuards } from './late-guards.js';
import type { PolicyUse } from './rate-limit.decorator.js';
import { sleepingLimit, untoldDimension } from './untold.js';

/** Limits that routes declare and nobody can count; the application does not start. */
export class RouteLimitError extends DeclarationError {
  protected readonly subject = 'rate limits of routes';
}

export interface Known {
  readonly book: PolicyBook;
  readonly extractors: ExtractorTable;
  /** The policy that routes have without saying so. */
  readonly standard: string;
}

/** @throws RouteLimitError with every fault of every declaration */
export function assertDeclarations(declarations: readonly Declaration[], known: Known): void {
  const faults = declarations.flatMap((declaration) => faultsOf(declaration, known));
  if (faults.length > 0) throw new RouteLimitError([...new Set(faults)]);
}

export const nameOf = (use: PolicyUse): string => (typeof use === 'string' ? use : use.policy);

function faultsOf(
  { owner, name, isRoute, isCall, limits }: Declaration,
  { book, extractors, standard }: Known,
): string[] {
  if (limits === 'skip') return [];
  const say = (fault: string): string => `${owner.name}.${name}: ${fault}`;
  const uses = limits ?? [];
  const names = uses.map(nameOf);
  const strangers = names.filter((policy) => !book.has(policy));
  const known = book.all().map((policy) => policy.name);
  const counted = new Set([...(isRoute ? [standard] : []), ...names].filter((policy) => book.has(policy)));
  return [
    ...strangers.map((policy) => say(`there is no policy "${policy}"; known are ${known.join(', ')}`)),
    ...(new Set(names).size < names.length ? [say('it names a policy twice')] : []),
    ...uses.flatMap((use) => costFaults(use, book)).map(say),
    ...(isCall ? callFaults(uses).map(say) : []),
    ...(isRoute ? [...counted].flatMap((policy) => untold(book.policy(policy), extractors)).map(say) : []),
  ];
}

/** Limits that apply to nobody, because no feature tells yet who its users or tenants are. */
export function sleepingLimits(declarations: readonly Declaration[], { book, extractors }: Known): string[] {
  return declarations.flatMap(({ owner, name, isRoute, limits }) => {
    const uses = isRoute && limits && limits !== 'skip' ? limits : [];
    const counted = uses.flatMap((use) => book.policy(nameOf(use)).limits);
    return counted
      .filter(({ per }) => extractors[per] === NOBODY)
      .map(({ per, limit }) => `${owner.name}.${name}: ${sleepingLimit(limit.name, per)}`);
  });
}

/**
 * Policies that are decided before the guards of their route have run, by what only they can tell: such a limit counts
 * nobody, and nobody would notice.
 */
export function hastyLimits(
  declarations: readonly Declaration[],
  { book, extractors, standard }: Known,
  counting: Omit<Counting, 'guards'>,
): string[] {
  return declarations.flatMap(({ owner, name, isRoute, limits, guards }) => {
    if (!isRoute || limits === 'skip') return [];
    const late = lateGuards({ ...counting, guards });
    if (late.length === 0) return [];
    const policies = new Set([standard, ...(limits ?? []).map(nameOf)].filter((policy) => book.has(policy)));
    return [...policies].flatMap((policy) => {
      const told = book.policy(policy).limits.map(({ per }) => per);
      const unknown = [...new Set(told.filter((per) => extractors[per]?.known === 'identity'))].join(', ');
      if (unknown === '') return [];
      return [
        `${owner.name}.${name}: policy "${policy}" counts by ${unknown} before ${late.join(' and ')} can tell it, so ` +
          `it counts no ${unknown.replaceAll(', ', ' and no ')}; name RateLimitGuard behind: ` +
          `@UseGuards(${late.join(', ')}, RateLimitGuard)`,
      ];
    });
  });
}

function costFaults(use: PolicyUse, book: PolicyBook): string[] {
  if (typeof use === 'string' || typeof use.cost !== 'number') return [];
  const { policy, cost } = use;
  if (!Number.isSafeInteger(cost) || cost < 1)
    return [`the cost ${cost} of "${policy}" is no whole number above 0`];
  const limits = book.has(policy) ? book.policy(policy).limits : [];
  return limits
    .filter(({ limit }) => limit.burst < cost)
    .map(
      ({ limit }) => `the cost ${cost} never fits limit "${limit.name}", which grants ${limit.burst} at once`,
    );
}

/** What is no HTTP request has nothing that a cost could be worked out from. */
export function callFaults(uses: readonly PolicyUse[]): string[] {
  return uses
    .filter((use) => typeof use === 'object' && typeof use.cost !== 'number')
    .map(
      (use) =>
        `the cost of "${nameOf(use)}" is worked out from an HTTP request, and it serves none; give a number`,
    );
}

function untold({ name, limits }: BookedPolicy, extractors: ExtractorTable): string[] {
  return limits
    .filter(({ per }) => per !== 'route' && extractors[per] === undefined)
    .map(({ per }) => untoldDimension(`policy "${name}"`, per));
}
