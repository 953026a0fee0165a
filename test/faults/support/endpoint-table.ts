import { readFileSync } from 'node:fs';
import type { BuiltInPurpose } from '../../../src/redis/index.js';

export interface Promised {
  readonly status: number;
  /** The answer itself says that it is not the whole truth. */
  readonly degraded: boolean;
}

/** What an endpoint answers while one compartment is away, by purpose. */
export interface EndpointRow {
  readonly method: string;
  readonly path: string;
  readonly away: Readonly<Record<BuiltInPurpose, Promised> & Partial<Record<'SQL', Promised>>>;
}

const ENDPOINTS = 'Endpoints and compartments';
export const ACCOUNT_ENDPOINTS = 'Endpoints of accounts and compartments';
export const BILLING_ENDPOINTS = 'Endpoints of billing and compartments';

/**
 * Reads a table of docs/ARCHITECTURE.md. The document is the specification: what it promises is what the fault tests
 * ask for.
 */
export function readEndpointTable(heading = ENDPOINTS): EndpointRow[] {
  const text = readFileSync(new URL('../../../docs/ARCHITECTURE.md', import.meta.url), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const lines = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  const [header = [], , ...rows] = lines;
  const purposes = header.flatMap((title, column) => {
    const purpose = /^(\w+) away$/.exec(title)?.[1];
    return purpose ? [{ purpose, column }] : [];
  });
  if (purposes.length === 0 || rows.length === 0)
    throw new Error(`docs/ARCHITECTURE.md has no table "${heading}"`);
  return rows.flatMap(([endpoints = '', ...cells]) =>
    endpoints.split(', ').map((endpoint) => {
      const [, method = '', path = ''] = /^`([A-Z]+) (\S+)`$/.exec(endpoint) ?? [];
      if (!path)
        throw new Error(`docs/ARCHITECTURE.md: "${endpoint}" is not an endpoint, which reads \`GET /path\``);
      const away = purposes.map(
        ({ purpose, column }) => [purpose, promised(cells[column - 1] ?? '', path)] as const,
      );
      return { method, path, away: Object.fromEntries(away) as EndpointRow['away'] };
    }),
  );
}

function promised(cell: string, path: string): Promised {
  const status = Number.parseInt(cell, 10);
  if (Number.isNaN(status))
    throw new Error(`docs/ARCHITECTURE.md: "${cell}" of ${path} does not begin with a status`);
  return { status, degraded: cell.includes('degraded') };
}
