import type { Type } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';

/** Every class that a module provides or has as a controller, each once; its decorators say what it declares. */
export function moduleClasses(modules: ModulesContainer): Type[] {
  const classes = new Set<Type>();
  for (const { controllers, providers } of modules.values()) {
    for (const { metatype } of [...controllers.values(), ...providers.values()]) {
      if (isClass(metatype)) classes.add(metatype);
    }
  }
  return [...classes];
}

function isClass(metatype: unknown): metatype is Type {
  return typeof metatype === 'function' && metatype.prototype instanceof Object;
}
