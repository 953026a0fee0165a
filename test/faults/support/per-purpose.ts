import type { BuiltInPurpose } from '../../../src/redis/index.js';
import { PURPOSE_NAMES } from './house.js';

export type PerPurpose<T> = Readonly<Record<BuiltInPurpose, T>>;

export function perPurpose<T>(of: (purpose: BuiltInPurpose) => T): PerPurpose<T> {
  return Object.fromEntries(PURPOSE_NAMES.map((name) => [name, of(name)])) as Record<BuiltInPurpose, T>;
}
