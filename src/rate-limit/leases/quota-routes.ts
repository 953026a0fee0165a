import type { ModulesContainer } from '@nestjs/core';
import { declaredNames } from '../declared-names.js';
import { type Declaration, findDeclarations } from '../http/declarations.js';
import { type ExtractorTable, NOBODY } from '../http/extractors.js';
import { type Known, assertDeclarations, sleepingLimits } from '../http/route-faults.js';
import type { PolicyBook } from '../policies/plan.js';
import type { CompiledQuota } from './compiled-quota.js';
import { quotaExtractors } from './quota-extractors.js';
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
  return [...routes.flatMap((one) => sleepingOf(one, known.extractors)), ...sleepingLimits(opening, known)];
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
  const say = (fault: string, dimension: string): string =>
    `@StreamQuota on ${placeOf(route)}: ${fault}; ` +
    `give one to RateLimitModule.forRoot({ extractors: { ${dimension}: … } })`;
  const asked = new Set(limits.flatMap(({ per, unless }) => (unless ? [per, unless] : [per])));
  const untold = [...asked].filter((dimension) => extractors[dimension] === undefined);
  const dimensions = limits.map(({ per }) => per);
  const told = dimensions.filter((dimension) => extractors[dimension] !== NOBODY);
  return [
    ...untold.map((dimension) =>
      say(`stream quota "${name}" counts by ${dimension}, which no extractor tells`, dimension),
    ),
    // Each of them would be answered with an error.
    ...(told.length === 0
      ? [
          say(
            `stream quota "${name}" counts nobody, for no extractor tells the ${dimensions.join(', ')} of a request`,
            dimensions[0] as string,
          ),
        ]
      : []),
  ];
}

function sleepingOf({ route, quota }: QuotaRoute, extractors: ExtractorTable): string[] {
  return quota.limits
    .filter(({ per }) => extractors[per] === NOBODY)
    .map(
      ({ name, per }) =>
        `${placeOf(route)}: limit "${name}" applies to nobody, for nothing tells the ${per} of a request`,
    );
}

function placeOf({ owner, name }: Declaration): string {
  return `${owner.name}.${name}`;
}
