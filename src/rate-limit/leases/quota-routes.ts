import type { ModulesContainer } from '@nestjs/core';
import { BYSTANDERS } from '../bystanders.js';
import { declaredNames } from '../declared-names.js';
import { type Declaration, findDeclarations } from '../http/declarations.js';
import { type ExtractorTable, NOBODY } from '../http/extractors.js';
import { lateGuards } from '../http/late-guards.js';
import { type Known, assertDeclarations, sleepingLimits } from '../http/route-faults.js';
import { giveExtractor, sleepingLimit, untoldDimension } from '../http/untold.js';
import type { PolicyBook } from '../policies/plan.js';
import type { CompiledQuota } from './compiled-quota.js';
import { quotaExtractors } from './quota-extractors.js';
import { StreamQuotaGuard } from './stream-quota.guard.js';
import { STREAM_QUOTA } from './stream-quota.metadata.js';
import { StreamQuotaError } from './stream-quota-rules.js';

export interface QuotaRoutesParts {
  readonly quotas: ReadonlyMap<string, CompiledQuota>;
  readonly book: PolicyBook;
  /** Beside those of the house. */
  readonly extractors: ExtractorTable | undefined;
  readonly modules: ModulesContainer;
}

interface QuotaRoute {
  readonly route: Declaration;
  readonly quota: CompiledQuota;
}

/**
 * Checks what routes declare, by the rules that hold for their other limits.
 *
 * @returns what they declare to no effect; to be told whoever starts the application
 * @throws StreamQuotaError with every quota that nobody knows, or that nobody can count on its route; RouteLimitError
 *   where that is so of its policy for opening streams
 */
export function checkQuotaRoutes({ quotas, book, extractors, modules }: QuotaRoutesParts): string[] {
  const strangers = declaredNames(modules, STREAM_QUOTA).filter(({ name }) => !quotas.has(name));
  refuse(strangers.map(({ name, where }) => `@StreamQuota on ${where}: there is no stream quota "${name}"`));
  const routes = quotaRoutes(modules, quotas);
  // Their standard policy is checked with their other limits.
  const known: Known = { book, extractors: quotaExtractors(extractors), standard: '' };
  refuse(routes.flatMap((one) => faultsOf(one, known.extractors)));
  const opening = routes.map(openingOf);
  assertDeclarations(opening, known);
  return [
    ...routes.flatMap((one) => sleepingOf(one, known.extractors)),
    ...sleepingLimits(opening, known),
    ...routes.flatMap((one) => hastyOf(one, known)),
  ];
}

function refuse(faults: readonly string[]): void {
  if (faults.length > 0) throw new StreamQuotaError([...new Set(faults)]);
}

/** A method's own decorator wins over that of its class. */
function quotaRoutes(modules: ModulesContainer, quotas: QuotaRoutesParts['quotas']): QuotaRoute[] {
  const nameAt = (target: object) => Reflect.getMetadata(STREAM_QUOTA, target) as string | undefined;
  return findDeclarations(modules).flatMap((route) => {
    const quota = quotas.get(nameAt(route.method) ?? nameAt(route.owner) ?? '');
    return route.isRoute && quota ? [{ route, quota }] : [];
  });
}

/** What a route declares by its quota's policy for opening streams. */
function openingOf({ route, quota: { connects } }: QuotaRoute): Declaration {
  return { ...route, limits: connects === undefined ? [] : [connects] };
}

function faultsOf({ route, quota: { name, limits } }: QuotaRoute, extractors: ExtractorTable): string[] {
  const say = (fault: string): string => `@StreamQuota on ${placeOf(route)}: ${fault}`;
  const quota = `stream quota "${name}"`;
  const asked = new Set(limits.flatMap(({ per, unless }) => (unless ? [per, unless] : [per])));
  const untold = [...asked].filter((dimension) => extractors[dimension] === undefined);
  const dimensions = limits.map(({ per }) => per);
  const told = dimensions.filter((dimension) => extractors[dimension] !== NOBODY);
  return [
    ...untold.map((dimension) => say(untoldDimension(quota, dimension))),
    // Each of them would be answered with an error.
    ...(told.length === 0
      ? [
          say(
            `${quota} counts nobody, for no extractor tells the ${dimensions.join(', ')} of a request; ` +
              giveExtractor(dimensions[0] as string),
          ),
        ]
      : []),
  ];
}

function sleepingOf({ route, quota }: QuotaRoute, extractors: ExtractorTable): string[] {
  return quota.limits
    .filter(({ per }) => extractors[per] === NOBODY)
    .map(({ name, per }) => `${placeOf(route)}: ${sleepingLimit(name, per)}`);
}

/** Dimensions that only guards below the decorator could tell: whoever they let in is counted as somebody unknown. */
function hastyOf({ route, quota }: QuotaRoute, { book, extractors }: Known): string[] {
  const { guards } = route;
  const late = lateGuards({ guards, guard: StreamQuotaGuard, bystanders: BYSTANDERS });
  if (late.length === 0) return [];
  const own = quota.limits.flatMap(({ per, unless }) => (unless ? [per, unless] : [per]));
  const opening = quota.connects === undefined ? [] : book.policy(quota.connects).limits;
  const asked = new Set([...own, ...opening.map(({ per }) => per)]);
  const unknown = [...asked].filter((per) => extractors[per]?.known === 'identity');
  if (unknown.length === 0) return [];
  return [
    `${placeOf(route)}: stream quota "${quota.name}" counts by ${unknown.join(', ')} before ${late.join(' and ')} can ` +
      `tell it, so it counts as if nobody were known; put @StreamQuota above the decorator that names ${late.join(', ')}`,
  ];
}

function placeOf({ owner, name }: Declaration): string {
  return `${owner.name}.${name}`;
}
