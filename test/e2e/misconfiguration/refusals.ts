import { expect, it } from 'vitest';
import { refusalOf } from './attempt.js';
import type { ExpectedFault, Row } from './row.js';
import { CANARY, type Servers } from './servers.js';

/** One test for each row: the start is refused with exactly its lines, shows no secret and leaves nothing open. */
export function refusals<S extends Servers>(rows: readonly Row<S>[], servers: () => S): { named: number } {
  const count = { named: 0 };

  it.each(rows.map((row) => [row.title, row] as const))('%s', async (_, { env, exitCode, faults }) => {
    const { error, lines, everything } = await refusalOf(env(servers()));

    expect(lines, 'one line per fault').toHaveLength(faults.length);
    for (const fault of faults) expect(lines).toContainEqual(lineOf(fault));
    expect(error.exitCode).toBe(exitCode);
    expect(everything).not.toMatch(CANARY);
    await servers().nothingLeftConnected();
    count.named += 1;
  });

  it('no two rows describe the same case', () => {
    expect(new Set(rows.map(({ title }) => title)).size).toBe(rows.length);
  });
  return count;
}

/** `- VARIABLE (purpose): rule. Remedy.` on one line. */
function lineOf({ variable, purpose, rule, remedy }: ExpectedFault): unknown {
  const subject = purpose ? `${variable} \\(${purpose}\\)` : variable;
  return expect.stringMatching(new RegExp(`^ {2}- ${subject}: .*${rule.source}.*\\. .*${remedy.source}.*$`));
}
