import { UsageError } from './cli-context.js';

/** @throws UsageError for a name that the table does not have */
export function assertPurpose(name: string | undefined, table: Readonly<Record<string, unknown>>): void {
  if (name === undefined || Object.hasOwn(table, name)) return;
  throw new UsageError(`there is no purpose ${name}; there are ${Object.keys(table).join(', ')}`);
}
