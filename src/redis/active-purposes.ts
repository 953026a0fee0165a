import type { DynamicModule } from '@nestjs/common';
import type { Settings } from '../config/index.js';
import { PURPOSES } from './purposes.js';
import { REDIS_OPTIONS, type RedisModuleOptions } from './redis.options.js';

/** The purpose stays inactive while this holds. */
export type InactiveWhen = (settings: Settings) => boolean;

export const PURPOSE_IMPORT = Symbol('redis:purpose');

/** What `RedisModule.forPurpose` leaves on its module, so that imports can be read before they are built. */
export interface PurposeModule extends DynamicModule {
  [PURPOSE_IMPORT]?: { readonly purpose: string; readonly unless?: InactiveWhen };
}

/** Purposes that some module imports and whose condition, if any, lets them be active; in table order. */
export function activePurposes(modules: readonly PurposeModule[], settings: Settings): string[] {
  const active = importsOf(modules).filter(({ unless }) => !unless?.(settings));
  return inTableOrder(active.map(({ purpose }) => purpose));
}

/** Purposes that some module imports, active or not; in table order. */
export function importedPurposes(modules: readonly PurposeModule[]): string[] {
  return inTableOrder(importsOf(modules).map(({ purpose }) => purpose));
}

function importsOf(modules: readonly PurposeModule[]) {
  return modules.flatMap((module) => (module[PURPOSE_IMPORT] ? [module[PURPOSE_IMPORT]] : []));
}

function inTableOrder(purposes: readonly string[]): string[] {
  const order = Object.keys(PURPOSES);
  const place = (name: string) => (order.includes(name) ? order.indexOf(name) : order.length);
  return [...new Set(purposes)].sort((a, b) => place(a) - place(b));
}

/** What was given to `RedisModule.forRoot`; options from a factory are known to the container only. */
export function optionsOf(modules: readonly DynamicModule[]): RedisModuleOptions {
  for (const provider of modules.flatMap((module) => module.providers ?? [])) {
    if ('useValue' in provider && provider.provide === REDIS_OPTIONS)
      return provider.useValue as RedisModuleOptions;
  }
  return {};
}
