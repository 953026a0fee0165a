import 'reflect-metadata';
import { GUARDS_METADATA } from '@nestjs/common/constants.js';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { OpenAPIObject } from '@nestjs/swagger';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppModule } from './app.module.js';
import { handlersOf } from './app.openapi-operations.js';
import { buildOpenApi } from './app.openapi.js';
import { createHttpApp } from './app.setup.js';

/** Guards that ask nobody for a token: they count. */
const COUNTING = ['RateLimitGuard', 'StreamQuotaGuard', 'BackpressureGuard'];

/** What is wrong with the body comes before who asks, or a body without a token is enough. */
const LOOK_AT_BODY_FIRST = ['IntrospectController_introspect', 'LogoutController_logout'];
const NOBODY = '00000000-0000-4000-8000-000000000000';

const guardsOf = (target: object | undefined): { readonly name: string }[] =>
  target ? ((Reflect.getMetadata(GUARDS_METADATA, target) ?? []) as { name: string }[]) : [];
const asksWho = ({ name }: { readonly name: string }): boolean => !COUNTING.includes(name);

/** Each asks from elsewhere, so that no limit of an address has a word in it. */
let asked = 0;
const nextAddress = (): string => `10.0.${(asked += 1)}.1`;

let app: NestFastifyApplication;
let document: OpenAPIObject;
const operations = () =>
  Object.entries(document.paths).flatMap(([path, { get, post, put, patch, delete: remove }]) =>
    (
      [
        ['GET', get],
        ['POST', post],
        ['PUT', put],
        ['PATCH', patch],
        ['DELETE', remove],
      ] as const
    ).flatMap(([method, operation]) => (operation ? [{ path, method, operation }] : [])),
  );
const named = (id: string) => operations().find(({ operation }) => operation.operationId === id)?.operation;
const parametersOf = (id: string) =>
  (named(id)?.parameters ?? []).flatMap((one) => ('name' in one ? [[one.in, one.name, one.required]] : []));

beforeAll(async () => {
  app = await createHttpApp(AppModule.register({ env: { APP_PROFILE: 'test' } }), { logger: false });
  document = buildOpenApi(app, 'test');
});
afterAll(() => app.close());

describe('the description of every operation', () => {
  it('declares what its path names, once', () => {
    expect(operations().length).toBeGreaterThan(70);
    for (const { path, operation } of operations()) {
      const declared = parametersOf(operation.operationId ?? '').filter(([place]) => place === 'path');
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ['path', name, true]);
      expect([path, declared.length, new Set(declared)]).toEqual([path, inPath.length, new Set(inPath)]);
    }
  });

  it('says who may call it, wherever something but a count guards it', () => {
    const handlers = handlersOf(app);
    const guarded = operations().filter(({ operation }) => {
      const handler = handlers.get(operation.operationId ?? '');
      return [handler?.owner, handler?.method].some((target) => guardsOf(target).some(asksWho));
    });
    expect(guarded.length).toBeGreaterThan(40);
    expect(guarded.filter(({ operation }) => !operation.security).map(({ path }) => path)).toEqual([]);
  });

  it('is right about it: whoever shows no token gets 401, and only there', async () => {
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    const refused: unknown[] = [];
    for (const { path, method, operation } of operations()) {
      const url = path.replaceAll(/\{\w+\}/g, NOBODY);
      if (!LOOK_AT_BODY_FIRST.includes(operation.operationId ?? '')) {
        const { statusCode } = await app.inject({ method, url, remoteAddress: nextAddress() });
        refused.push([method, path, statusCode === 401]);
      }
    }
    const said = operations().filter(
      ({ operation: { operationId = '' } }) => !LOOK_AT_BODY_FIRST.includes(operationId),
    );
    expect(refused).toEqual(
      said.map(({ path, method, operation }) => [method, path, operation.security !== undefined]),
    );
  });

  it('names it, and problems that the document has', () => {
    const known = Object.keys(document.components?.responses ?? {});
    for (const { operation } of operations()) {
      expect(operation.summary).toMatch(/^[A-Z][a-z -]+: [a-z -]+$/);
      const references = Object.values(operation.responses).flatMap((one) =>
        one && '$ref' in one ? [one.$ref] : [],
      );
      expect(known).toEqual(expect.arrayContaining(references.map((text) => text.split('/').at(-1))));
    }
  });

  it('leaves no property and no parameter without a type', () => {
    const schemas = Object.entries(document.components?.schemas ?? {}).flatMap(([name, schema]) =>
      Object.entries('properties' in schema ? (schema.properties ?? {}) : {}).map(([field, one]) => [
        name,
        field,
        one,
      ]),
    );
    expect(schemas.filter(([, , one]) => Object.keys(one as object).length === 0)).toEqual([]);
  });
});

it.each([
  ['TenantsController_rename', [{ bearer: [] }]],
  ['IncidentsController_post', [{ ops: [] }]],
  ['IntrospectController_introspect', [{ ops: [] }, { bearer: [] }]],
  ['StreamController_stream', [{ bearer: [] }, { streamCookie: [] }]],
  ['LogoutController_logout', [{ bearer: [] }, {}]],
  ['TokenController_refresh', [{ refreshCookie: [] }, {}]],
  ['TokenController_login', undefined],
])('%s says which tokens open it', (id, security) => {
  expect(named(id)).toBeDefined();
  expect(named(id)?.security).toEqual(security);
});

it.each([
  ['SessionController_list', ['limit', 'cursor']],
  ['ServiceAccountsController_list', ['limit', 'cursor', 'tenant_id']],
  ['ServiceTokensController_list', ['limit', 'cursor', 'account_id']],
  ['DeadLettersController_list', ['limit', 'after']],
  ['HistoryController_list', ['after', 'before', 'limit', 'types']],
  ['StreamController_stream', ['last_event_id', 'types', 'hb']],
])('%s lists what its query may hold', (id, names) => {
  const query = parametersOf(id).filter(([place]) => place === 'query');
  expect(new Set(query.map(([, name]) => name))).toEqual(new Set(names));
  expect(query.filter(([, , required]) => required).map(([, name]) => name)).toEqual(
    names.filter((name) => ['tenant_id', 'account_id'].includes(name)),
  );
});

it('an operation names its scopes and problems', () => {
  const invite = named('InvitationsController_invite');
  expect(invite?.description).toBe('Needs the scope `tenant:manage`.');
  expect(Object.keys(invite?.responses ?? {})).toEqual([
    '202',
    '400',
    '401',
    '403',
    '404',
    '422',
    '429',
    '503',
  ]);
  expect(Object.keys(named('HealthController_livez')?.responses ?? {})).toEqual(['200']);
});

it.each([
  ['StripeWebhookController_receive', ['200', '400', '413', '415', '429', '503']],
  ['StreamTicketController_issue', ['201', '401', '403', '429', '503']],
  ['StreamTicketController_redeem', ['204', '400', '401', '403', '422', '429', '503']],
])('%s names the problems that it decides itself', (id, statuses) => {
  expect(Object.keys(named(id)?.responses ?? {})).toEqual(statuses);
});
