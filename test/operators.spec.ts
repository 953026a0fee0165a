import { RequestMethod } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA, GUARDS_METADATA } from '@nestjs/common/constants.js';
import { ModulesContainer } from '@nestjs/core';
import { expect, it } from 'vitest';
import { AppModule } from '../src/app.module.js';
import { createHttpApp } from '../src/app.setup.js';
import { OpsGuard } from '../src/http/index.js';
import { read } from './architecture/project-files.js';

/** What infrastructure scrapes stands outside `/v1`. */
const UNPREFIXED = ['/metrics'];

type Handler = (...args: never[]) => unknown;

const isForOperators = (target: object): boolean =>
  ((Reflect.getMetadata(GUARDS_METADATA, target) ?? []) as unknown[]).includes(OpsGuard);

function routesOf(controller: { readonly prototype: object }): string[] {
  const base = Reflect.getMetadata(PATH_METADATA, controller) as string;
  return Object.getOwnPropertyNames(controller.prototype).flatMap((name) => {
    const handler = Reflect.get(controller.prototype, name) as Handler;
    const method = Reflect.getMetadata(METHOD_METADATA, handler) as RequestMethod | undefined;
    if (method === undefined || !(isForOperators(controller) || isForOperators(handler))) return [];
    const own = Reflect.getMetadata(PATH_METADATA, handler) as string;
    const path = `/${base}/${own}`
      .replaceAll(/\/+/g, '/')
      .replace(/\/$/, '')
      .replaceAll(/:(\w+)/g, '{$1}');
    return [`${RequestMethod[method]} ${UNPREFIXED.includes(path) ? '' : '/v1'}${path}`];
  });
}

it('docs/operators.md lists every route that is for operators only, and no other', async () => {
  const app = await createHttpApp(AppModule.register({ env: { APP_PROFILE: 'test' } }), { logger: false });
  const controllers = [...app.get(ModulesContainer).values()].flatMap((module) =>
    [...module.controllers.values()].map(({ metatype }) => metatype as { readonly prototype: object }),
  );
  await app.close();
  const routes = new Set(controllers.flatMap(routesOf));
  const rows = [...read('docs/operators.md').matchAll(/^\| `([A-Z]+ \/[^`]+)` /gm)].map(([, route]) => route);
  expect(rows.length).toBeGreaterThan(15);
  expect(new Set(rows)).toEqual(routes);
  expect(rows.length).toBe(routes.size);
});
