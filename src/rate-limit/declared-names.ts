import { MetadataScanner, type ModulesContainer } from '@nestjs/core';
import { moduleClasses } from './module-classes.js';

/** A name that a decorator gave to a class or one of its methods. */
export interface DeclaredName {
  readonly name: string;
  /** `ChatController.stream`, or the class alone. */
  readonly where: string;
}

/** All that stands in the metadata `key`, so that a name that nobody knows is found before the first request. */
export function declaredNames(modules: ModulesContainer, key: symbol): DeclaredName[] {
  const scanner = new MetadataScanner();
  return moduleClasses(modules).flatMap((owner) => {
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
