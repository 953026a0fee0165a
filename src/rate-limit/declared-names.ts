import type { Type } from '@nestjs/common';
import { MetadataScanner, type ModulesContainer } from '@nestjs/core';

/** A name that a decorator gave to a class or one of its methods. */
export interface DeclaredName {
  readonly name: string;
  /** `ChatController.stream`, or the class alone. */
  readonly where: string;
}

/** All that stands in the metadata `key`, so that a name that nobody knows is found before the first request. */
export function declaredNames(modules: ModulesContainer, key: symbol): DeclaredName[] {
  const scanner = new MetadataScanner();
  const owners = new Set<Type>();
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype } of [...controllers.values(), ...providers.values()]) {
      if (typeof metatype === 'function' && metatype.prototype instanceof Object)
        owners.add(metatype as Type);
    }
  }
  return [...owners].flatMap((owner) => {
    const { name: ownerName, prototype } = owner;
    const methods = scanner.getAllMethodNames(prototype as object).map((method) => ({
      target: Reflect.get(prototype as object, method) as object,
      where: `${ownerName}.${method}`,
    }));
    return [{ target: owner as object, where: ownerName }, ...methods].flatMap(({ target, where }) => {
      const name: unknown = Reflect.getMetadata(key, target);
      return typeof name === 'string' ? [{ name, where }] : [];
    });
  });
}
