import type { BuiltInPurpose } from '../../../src/redis/index.js';
import type { Strike } from './episode.js';
import { FAULTS } from './fault-table.js';
import { PURPOSE_NAMES } from './house.js';

export interface Cell extends Strike {
  readonly name: string;
}

/** The full matrix has every fault on every purpose; the short one has each fault once, spread over the purposes. */
export const FULL = process.env.FAULTS === 'full';

/** Purposes take turns, so that each has rested when it is struck again. */
export function matrixCells(full = FULL): Cell[] {
  return FAULTS.flatMap((fault, row) => {
    const purposes = PURPOSE_NAMES.filter((_, column) => full || column === row % PURPOSE_NAMES.length);
    return purposes.map((purpose: BuiltInPurpose) => ({ fault, purpose, name: `${purpose} ${fault.name}` }));
  });
}

/** A few of the short matrix, on one purpose after the other; the full run ends the application in every cell. */
const SHUTDOWN_EVERY = 9;

export function shutdownCells(full = FULL): Cell[] {
  return matrixCells(full).filter((_, index) => full || index % SHUTDOWN_EVERY === 2);
}

/** One fault, or two on different purposes. */
export function randomStrikes(random: () => number): Strike[] {
  const purposes = shuffled(PURPOSE_NAMES, random).slice(0, random() < 0.5 ? 1 : 2);
  return purposes.map((purpose) => {
    const fault = FAULTS[Math.floor(random() * FAULTS.length)];
    if (!fault) throw new Error('The table of faults is empty');
    return { purpose, fault };
  });
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  return values
    .map((value) => ({ value, order: random() }))
    .sort((one, other) => one.order - other.order)
    .map(({ value }) => value);
}
