import 'reflect-metadata';
import type { DynamicModule, ModuleMetadata, Type } from '@nestjs/common';

type Import = NonNullable<ModuleMetadata['imports']>[number];

/**
 * Walks the imports of a module as Nest will, without building anything. This is how all settings of all
 * modules can be judged in one list before the container exists: a provider that throws would stop at the
 * first fault, and a central list would have to be edited for every new module.
 *
 * @returns every dynamic module reachable from `root`, each once, parents first
 */
export async function dynamicModulesOf(root: Import): Promise<DynamicModule[]> {
  const seen = new Set<unknown>();
  const found: DynamicModule[] = [];

  async function visit(item: Import): Promise<void> {
    const entry = await unwrap(item);
    // Undefined where files import each other in a circle; the container explains that best.
    if (!entry || seen.has(entry)) return;
    seen.add(entry);
    const dynamic = 'module' in entry ? entry : undefined;
    if (dynamic) found.push(dynamic);
    const declared: Import[] = Reflect.getMetadata('imports', dynamic?.module ?? entry) ?? [];
    for (const child of [...declared, ...(dynamic?.imports ?? [])]) await visit(child);
  }

  await visit(root);
  return found;
}

async function unwrap(item: Import | undefined): Promise<Type | DynamicModule | undefined> {
  const settled = await item;
  return settled && 'forwardRef' in settled
    ? unwrap((settled.forwardRef as () => Import)())
    : (settled as Type | DynamicModule | undefined);
}
