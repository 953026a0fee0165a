/** Something that counts requests where it stands among the guards of a route. */
export interface Counting {
  /** All guards of the route, in the order in which they run. */
  readonly guards: readonly unknown[];
  /** The guard that counts; where the route does not name it, it runs before all of them. */
  readonly guard: unknown;
  /** Guards that tell nobody who is asking. */
  readonly bystanders: readonly unknown[];
}

/**
 * Guards that have not run yet when a request is counted, so that whom they let in is not known by then. As far as
 * decorators say: what a guard does is not looked at.
 *
 * @returns their names, in the order in which they run
 */
export function lateGuards({ guards, guard, bystanders }: Counting): string[] {
  const at = guards.indexOf(guard);
  const before = guards.slice(0, Math.max(0, at));
  const late = guards.slice(at + 1).filter((one) => !before.includes(one) && !bystanders.includes(one));
  return [...new Set(late.map(nameOfGuard))];
}

/** A guard is named by its class, or is an object made of it. */
function nameOfGuard(guard: unknown): string {
  if (typeof guard === 'function') return guard.name;
  return guard instanceof Object ? guard.constructor.name : 'a guard';
}
