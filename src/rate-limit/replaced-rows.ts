/**
 * Rows of the house that a feature gives anew under the same name. That may be meant, and is nothing to learn from
 * strange counts.
 *
 * @param kind of row: `policy`
 * @returns one line each, for the log
 */
export function replacedRows(
  kind: string,
  house: Readonly<Record<string, unknown>>,
  own: Readonly<Record<string, unknown>>,
): string[] {
  return Object.keys(own)
    .filter((name) => Object.hasOwn(house, name))
    .map(
      (name) =>
        `The ${kind} "${name}" of the house is replaced by a feature's, everywhere it is named; if that is not meant, ` +
        'give it another name in src/app.features.ts',
    );
}
