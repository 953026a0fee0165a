/** What a declared name may look like: it stands in headers, keys, labels and settings. */
export interface NameRule {
  /** A part of a regular expression. */
  readonly source: string;
  readonly fits: (name: string) => boolean;
  /** For a list of faults. */
  readonly text: string;
}

function upTo(most: number): NameRule {
  const source = `[a-z][a-z0-9-]{0,${most - 1}}`;
  const whole = new RegExp(`^${source}$`);
  return {
    source,
    fits: (name) => whole.test(name),
    text: `a name is up to ${most} lower-case letters, digits and hyphens, a letter first`,
  };
}

/** Names of policies, limits and stream quotas. */
export const LIMIT_NAME = upTo(32);
/** Names of backlogs, which features make of those of their streams. */
export const BACKLOG_NAME = upTo(64);
