import { type DynamicModule, Module, forwardRef } from '@nestjs/common';
import { describe, expect, it } from 'vitest';
import { dynamicModulesOf } from './module-graph.js';

class A {}
class B {}
class C {}

const names = async (root: Parameters<typeof dynamicModulesOf>[0]): Promise<string[]> =>
  (await dynamicModulesOf(root)).map(({ module }) => module.name);

const leaf = (module: DynamicModule['module']): DynamicModule => ({ module });

describe('dynamicModulesOf', () => {
  it('finds the root, then its imports in order, parents before children', async () => {
    const root = { module: A, imports: [{ module: B, imports: [leaf(C)] }, leaf(A)] };
    expect(await names(root)).toEqual(['A', 'B', 'C', 'A']);
  });

  it('finds what a plain class module imports, though not the class', async () => {
    @Module({ imports: [leaf(B)] })
    class Feature {}
    @Module({ imports: [Feature] })
    class House {}
    expect(await names(House)).toEqual(['B']);
    expect(await names({ module: A, imports: [House] })).toEqual(['A', 'B']);
  });

  it('finds what the class of a dynamic module declares, as well as what is added', async () => {
    @Module({ imports: [leaf(B)] })
    class Feature {}
    expect(await names({ module: Feature, imports: [leaf(C)] })).toEqual(['Feature', 'B', 'C']);
  });

  it('waits for modules that come later', async () => {
    const later = Promise.resolve({ module: B, imports: [Promise.resolve(leaf(C))] });
    expect(await names({ module: A, imports: [later] })).toEqual(['A', 'B', 'C']);
    expect(await names(later)).toEqual(['B', 'C']);
  });

  it('follows forward references, also to what comes later', async () => {
    const forward = forwardRef(() => Promise.resolve(leaf(C)) as never);
    expect(
      await names({ module: A, imports: [forwardRef(() => leaf(B) as never), forward] } as DynamicModule),
    ).toEqual(['A', 'B', 'C']);
  });

  it('finds a module that several import once', async () => {
    const shared = leaf(C);
    const root = { module: A, imports: [{ module: B, imports: [shared] }, shared, shared] };
    expect(await names(root)).toEqual(['A', 'B', 'C']);
  });

  it('finds two modules of one class', async () => {
    expect(await names({ module: A, imports: [leaf(B), leaf(B)] })).toEqual(['A', 'B', 'B']);
  });

  it('ends in a circle', async () => {
    const a: DynamicModule = { module: A, imports: [] };
    const b: DynamicModule = { module: B, imports: [a] };
    a.imports?.push(b);
    expect(await names(a)).toEqual(['A', 'B']);

    @Module({ imports: [forwardRef(() => Right)] })
    class Left {}
    @Module({ imports: [forwardRef(() => Left), leaf(C)] })
    class Right {}
    expect(await names(Left)).toEqual(['C']);
  });

  it('leaves an import that is undefined to the container, which explains it', async () => {
    expect(await names({ module: A, imports: [undefined as never, leaf(B)] })).toEqual(['A', 'B']);
  });

  it('builds nothing', async () => {
    let built = 0;
    class Never {
      constructor() {
        built += 1;
      }
    }
    const provider = { provide: Never, useFactory: () => new Never() };
    await dynamicModulesOf({ module: Never, providers: [Never, provider] });
    expect(built).toBe(0);
  });

  it('fails as a module fails that was to come later', async () => {
    const broken = Promise.reject(new Error('no such module'));
    await expect(dynamicModulesOf({ module: A, imports: [broken] })).rejects.toThrow('no such module');
  });
});
