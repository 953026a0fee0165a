import { SelectionError } from '../../billing/ops/ops.errors.js';
import { UsageError } from '../cli-context.js';

/**
 * Reads what was given on the command line, before any server is asked.
 *
 * @throws UsageError where that contradicts itself
 */
export function asUsage<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof SelectionError ? new UsageError(error.message) : error;
  }
}
