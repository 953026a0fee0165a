import { type Type } from '@nestjs/common';
import { GUARDS_METADATA, ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { MetadataScanner, ModulesContainer } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { AccessGuard, REQUIRED_SCOPES, TENANT_PARAMETER } from './access/index.js';
import { type BodyClass, schemaOf } from './app.openapi-bodies.js';
import { type ProblemStatus, problemReference } from './app.openapi-problems.js';
import { OpsGuard } from './http/index.js';
import { declaredLimits } from './rate-limit/index.js';

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Security = NonNullable<Operation['security']>;

/** What serves an operation. */
interface Handler {
  readonly owner: Type;
  readonly name: string;
  readonly method: object;
}

const BEARER: Security = [{ bearer: [] }];
const OPS: Security = [{ ops: [] }];

/** Operations that look at tokens themselves, or by a guard of their own; an empty entry is nobody's token. */
const OTHER_SECURITY: Readonly<Record<string, Security>> = {
  IntrospectController_introspect: [...OPS, ...BEARER],
  StreamController_stream: [...BEARER, { streamCookie: [] }],
  TokenController_refresh: [{ refreshCookie: [] }, {}],
  LogoutController_logout: [...BEARER, {}],
};

/** Scopes that these two look at themselves; an operator's token needs none. */
const OTHER_SCOPES: Readonly<Record<string, readonly string[]>> = {
  IntrospectController_introspect: ['tokens:introspect'],
  StreamController_stream: ['billing:read'],
};

/** Who shows something else than a token, a password or a ticket, is told 401 as well. */
const OTHER_PROOFS: readonly string[] = [
  'TokenController_login',
  'ServiceTokenController_issue',
  'StreamTicketController_redeem',
];

/** What operations decide themselves, beyond what their decorators say. */
const OTHER_PROBLEMS: Readonly<Record<string, readonly ProblemStatus[]>> = {
  StreamTicketController_issue: [403],
  StreamTicketController_redeem: [403],
  StripeWebhookController_receive: [400, 413, 415, 429],
};

/**
 * Says of every operation what its decorators and the classes of its parameters say: who may call it, what its path and
 * query hold, with which problems it answers. Nothing is written down twice, so nothing can fall behind.
 */
export function describeOperations(app: NestFastifyApplication, document: OpenAPIObject): void {
  const handlers = handlersOf(app);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const operation of [item.get, item.post, item.put, item.patch, item.delete]) {
      const handler = handlers.get(operation?.operationId ?? '');
      if (operation && handler) describe(operation, handler, path);
    }
  }
}

/** By the id of their operation. */
export function handlersOf(app: NestFastifyApplication): ReadonlyMap<string, Handler> {
  const owners = [...app.get(ModulesContainer).values()]
    .flatMap(({ controllers }) => [...controllers.values()])
    .flatMap(({ metatype }) => (metatype ? [metatype as Type] : []));
  const scanner = new MetadataScanner();
  return new Map(
    owners.flatMap((owner) => {
      const prototype = owner.prototype as object;
      return scanner.getAllMethodNames(prototype).map((name) => {
        const method = Reflect.get(prototype, name) as object;
        return [`${owner.name}_${name}`, { owner, name, method }] as const;
      });
    }),
  );
}

function describe(operation: Operation, handler: Handler, path: string): void {
  const security = securityOf(operation.operationId ?? '', handler);
  operation.summary = summaryOf(handler);
  if (security.length > 0) operation.security = security;
  const scopes = scopesOf(handler);
  if (scopes.length > 0)
    operation.description = `Needs the scope ${scopes.map((one) => `\`${one}\``).join(', ')}.`;
  operation.parameters = [...(operation.parameters ?? [])];
  const declared = new Set(operation.parameters.map((one) => ('name' in one ? one.name : '')));
  for (const name of namesIn(path).filter((one) => !declared.has(one)))
    operation.parameters.push({ name, in: 'path', required: true, schema: { type: 'string' } });
  const query = queriesOf(handler).flatMap(parametersOf);
  operation.parameters.push(...query);
  const asked = {
    path,
    secured: security.length > 0 || OTHER_PROOFS.includes(operation.operationId ?? ''),
    takes: query.length > 0 || operation.requestBody,
  };
  for (const status of problemsOf(handler, asked))
    operation.responses[String(status)] = problemReference(status);
}

function problemsOf(
  handler: Handler,
  { path, secured, takes }: { readonly path: string; readonly secured: boolean; readonly takes: unknown },
): ProblemStatus[] {
  const isApi = path.startsWith('/v1/');
  const limited = isApi && declaredLimits(handler.owner, handler.method) !== 'skip';
  const judged = scopesOf(handler).length > 0 || both(TENANT_PARAMETER, handler).length > 0;
  return [
    ...(takes ? ([400, 422] as const) : []),
    ...(secured ? ([401] as const) : []),
    ...(judged ? ([403] as const) : []),
    ...(path.includes('{') ? ([404] as const) : []),
    ...(limited ? ([429] as const) : []),
    ...(isApi ? ([503] as const) : []),
    ...(OTHER_PROBLEMS[idOf(handler)] ?? []),
  ];
}

function securityOf(id: string, handler: Handler): Security {
  const guards = both(GUARDS_METADATA, handler).flat();
  if (guards.includes(OpsGuard)) return OPS;
  if (guards.includes(AccessGuard)) return BEARER;
  return OTHER_SECURITY[id] ?? [];
}

function scopesOf(handler: Handler): string[] {
  const own = OTHER_SCOPES[idOf(handler)] ?? [];
  return [...(both(REQUIRED_SCOPES, handler).flat() as string[]), ...own];
}

/** Of its operation. */
function idOf({ owner, name }: Handler): string {
  return `${owner.name}_${name}`;
}

/** Metadata of class and method. */
function both(key: string | symbol, { owner, method }: Handler): unknown[] {
  return [owner, method].flatMap((target): unknown[] => {
    const value: unknown = Reflect.getMetadata(key, target);
    return value === undefined ? [] : [value];
  });
}

/** Classes of its `@Query()` parameters. */
function queriesOf({ owner, name }: Handler): BodyClass[] {
  const args = (Reflect.getMetadata(ROUTE_ARGS_METADATA, owner, name) ?? {}) as Record<
    string,
    { index: number }
  >;
  const types = (Reflect.getMetadata('design:paramtypes', owner.prototype as object, name) ??
    []) as BodyClass[];
  return Object.entries(args)
    .filter(([key]) => Number.parseInt(key, 10) === Number(RouteParamtypes.QUERY))
    .flatMap(([, { index }]) => types[index] ?? []);
}

function parametersOf(type: BodyClass) {
  const { properties, required = [] } = schemaOf(type);
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query' as const,
    required: required.includes(name),
    // Whatever a query holds is a text, where no rule says more.
    schema: { type: 'string', ...schema },
  }));
}

function namesIn(path: string): string[] {
  return [...path.matchAll(/\{(\w+)\}/g)].flatMap(([, name]) => name ?? []);
}

/** `TenantSubscriptionsController.list`: Tenant subscriptions: list. */
function summaryOf({ owner, name }: Handler): string {
  const words = (text: string) => text.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
  const subject = words(owner.name.replace(/Controller$/, ''));
  return `${subject.charAt(0).toUpperCase()}${subject.slice(1)}: ${words(name)}`;
}
