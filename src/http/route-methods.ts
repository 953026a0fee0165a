import type { FastifyInstance } from 'fastify';
import { AppError } from '../kernel/errors.js';

declare module 'fastify' {
  interface FastifyInstance {
    /** Methods of the routes at a path, in upper case and sorted; none where there is nothing. */
    methodsAt?: (path: string) => readonly string[];
  }
}

/** More than any route of ours has: what a client sends beyond them is not looked at. */
const MOST_PARTS = 32;

/** 405: there is something at the address, and another method reaches it. */
export class MethodNotAllowedError extends AppError {
  readonly code = 'METHOD_NOT_ALLOWED';
  readonly status = 405;
  readonly slug = 'method-not-allowed';
  readonly title = 'Method Not Allowed';

  /** @param methods that the address knows */
  constructor(readonly methods: readonly string[]) {
    super(`This address knows ${methods.join(', ')} only.`);
  }

  override get headers(): Record<string, string> {
    return { allow: this.methods.join(', ') };
  }
}

/**
 * Remembers which methods every path has, for the answer to a request that no route fits. A request that fits one pays
 * nothing. A path in another spelling (escaped, with slashes more) is nothing's, as before. Must run before the routes are
 * registered.
 */
export function rememberMethods(instance: FastifyInstance): void {
  const plain = new Map<string, Set<string>>();
  const withParameters = new Map<string, Set<string>>();
  instance.addHook('onRoute', ({ method, url }) => {
    // A wildcard serves files or catches what is left: it says nothing of a single path.
    if (url.includes('*')) return;
    const table = url.includes(':') ? withParameters : plain;
    let methods = table.get(url);
    if (!methods) table.set(url, (methods = new Set()));
    for (const one of [method].flat()) methods.add(one);
  });
  instance.decorate('methodsAt', (path) => {
    // As the router has it: a path without parameters comes first.
    const own = plain.get(path) ?? new Set<string>();
    const parts = path.split('/', MOST_PARTS);
    const fitting = [...withParameters].filter(([pattern]) => fits(pattern.split('/'), parts));
    return [...new Set([own, ...fitting.map(([, methods]) => methods)].flatMap((some) => [...some]))].sort();
  });
}

function fits(pattern: readonly string[], parts: readonly string[]): boolean {
  return (
    pattern.length === parts.length &&
    pattern.every((part, at) => (part.startsWith(':') ? parts[at] !== '' : part === parts[at]))
  );
}
