import type { FaultRow } from './fault-row.js';
import { FAULTS } from './fault-table.js';

/** Longer than a decision may take. */
const LATENCY_MS = 120;

/** What the limiter is held against, and whether the short run has it. Rows of the fault table where there is one. */
export const OUTAGE_FAULTS: readonly { readonly fault: FaultRow; readonly short: boolean }[] = [
  { fault: row('frozen by SIGSTOP'), short: true },
  { fault: row('black-holed'), short: false },
  { fault: row('refused'), short: false },
  { fault: row('killed and restarted'), short: true },
  { fault: row('replies lost after execution'), short: true },
  { fault: row('READONLY'), short: true },
  { fault: row('OOM'), short: false },
  {
    fault: {
      name: 'slower than the deadline',
      family: 'network',
      effect: 'slowed',
      inject: ({ proxy }) => proxy.latency(LATENCY_MS),
      heal: ({ proxy }) => proxy.pass(),
      reasons: ['timeout'],
      unknownOutcomes: true,
    },
    short: true,
  },
  {
    fault: {
      name: 'flapping every 200 ms',
      family: 'network',
      effect: 'slowed',
      inject: ({ proxy }) => proxy.flap({ upMs: 200, downMs: 200 }),
      heal: ({ proxy }) => proxy.pass(),
      reasons: ['reset'],
      unknownOutcomes: true,
      flaps: true,
    },
    short: true,
  },
];

function row(name: string): FaultRow {
  const found = FAULTS.find((fault) => fault.name === name);
  if (!found) throw new Error(`The fault table has no row "${name}"`);
  return found;
}
