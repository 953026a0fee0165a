import type { Compartment } from './compartment.js';
import type { Isolation } from './status.types.js';

/**
 * Says for every compartment what it shares with others. Decided by the server's run_id, not by the text
 * of the settings: two names may lead to one server, and one name to two.
 */
export function assignIsolation(compartments: readonly Compartment[]): void {
  for (const compartment of compartments) {
    const others = compartments.filter((other) => other !== compartment && sharesServer(compartment, other));
    const isolation = levelOf(compartment, others);
    const names = others.map((other) => other.purpose);
    const { isolation: before, sharedWith } = compartment.snapshot();
    if (before !== isolation || sharedWith.join() !== names.join()) compartment.noteSharing(isolation, names);
  }
}

function levelOf(compartment: Compartment, others: readonly Compartment[]): Isolation {
  if (compartment.connection.engine === 'embedded') return 'instance';
  if (compartment.runIds.length === 0) return 'unknown';
  if (others.length === 0) return 'instance';
  const db = databaseOf(compartment);
  return others.some((other) => databaseOf(other) === db) ? 'namespace' : 'database';
}

function sharesServer(a: Compartment, b: Compartment): boolean {
  const redis = a.connection.engine === 'redis' && b.connection.engine === 'redis';
  return redis && a.runIds.some((id) => b.runIds.includes(id));
}

function databaseOf(compartment: Compartment): number {
  return compartment.connection.target?.db ?? 0;
}
