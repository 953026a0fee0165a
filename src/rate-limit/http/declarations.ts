import type { Type } from '@nestjs/common';
import { GUARDS_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { moduleClasses } from '../module-classes.js';
import { type DeclaredLimits, RATE_LIMIT } from './rate-limit.decorator.js';

/** A method of a class; several classes share one that they inherit. */
export type Method = (...args: never[]) => unknown;

/** What one method declares: of a controller, a gateway, a resolver. */
export interface Declaration {
  readonly owner: Type;
  readonly name: string;
  readonly method: Method;
  readonly isRoute: boolean;
  /** Whether something else than a route calls it, as far as its decorators say. */
  readonly isCall: boolean;
  /** Undefined: it declares nothing. */
  readonly limits: DeclaredLimits | undefined;
  /** What guards it and its class name. */
  readonly guards: readonly unknown[];
}

/** A method's own decorator wins over that of its class. */
export function declaredLimits(owner: object, method: object): DeclaredLimits | undefined {
  const own = Reflect.getMetadata(RATE_LIMIT, method) as DeclaredLimits | undefined;
  return own ?? (Reflect.getMetadata(RATE_LIMIT, owner) as DeclaredLimits | undefined);
}

/** Every route of the application, and whatever else declares limits. */
export function findDeclarations(modules: ModulesContainer): Declaration[] {
  const scanner = new MetadataScanner();
  return moduleClasses(modules).flatMap((owner) =>
    scanner.getAllMethodNames(owner.prototype as object).flatMap((name) => {
      const method = Reflect.get(owner.prototype as object, name) as Method;
      const isController = Reflect.hasMetadata(PATH_METADATA, owner);
      const isRoute = isController && Reflect.hasMetadata(PATH_METADATA, method);
      // Methods of a controller that serve no route are its helpers, unless they say otherwise themselves.
      const isCall = !isRoute && (!isController || Reflect.hasMetadata(RATE_LIMIT, method));
      const limits = declaredLimits(owner, method);
      const guards = [...guardsOf(owner), ...guardsOf(method)];
      return isRoute || limits ? [{ owner, name, method, isRoute, isCall, limits, guards }] : [];
    }),
  );
}

function guardsOf(target: object): unknown[] {
  return (Reflect.getMetadata(GUARDS_METADATA, target) as unknown[] | undefined) ?? [];
}
