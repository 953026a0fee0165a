import { readFileSync } from 'node:fs';
import type { BuiltInPurpose } from '../../../src/redis/index.js';

/** What an endpoint answers while one compartment is away: a status by purpose. */
export interface EndpointRow {
  readonly path: string;
  readonly away: Readonly<Record<BuiltInPurpose, number>>;
}

/**
 * Reads the table "Endpoints and compartments" of docs/ARCHITECTURE.md. The document is the specification: what
 * it promises is what the fault tests ask for.
 */
export function readEndpointTable(): EndpointRow[] {
  const text = readFileSync(new URL('../../../docs/ARCHITECTURE.md', import.meta.url), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith('Endpoints and compartments')) ?? '';
  const cells = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [header = [], , ...rows] = cells;
  const purposes = header.flatMap((title, column) => {
    const purpose = /^(\w+) away$/.exec(title)?.[1];
    return purpose ? [{ purpose, column }] : [];
  });
  if (purposes.length === 0 || rows.length === 0)
    throw new Error('docs/ARCHITECTURE.md has no endpoint table');
  return rows.map((row) => ({
    path: (row[0] ?? '').replaceAll('`', '').replace(/^GET /, ''),
    away: Object.fromEntries(
      purposes.map(({ purpose, column }) => [purpose, Number.parseInt(row[column] ?? '', 10)]),
    ) as Record<BuiltInPurpose, number>,
  }));
}
