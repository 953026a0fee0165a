import { describe, expect, it } from 'vitest';
import { decisionCounters, decisionsBetween } from './decisions.js';

const page = (...lines: string[]) =>
  decisionCounters(['# HELP x y', ...lines, 'other_total 7', ''].join('\n'));
const row = (labels: string, value: string | number) => `rate_limit_decisions_total{${labels}} ${value}`;

describe('Decisions between two readings of /metrics', () => {
  it('are summed by backend, whatever the order of labels and however many policies', () => {
    const before = page(
      row('policy="default",state="allow",backend="redis"', 100),
      row('policy="default",state="allow",backend="memory"', 4),
    );
    const after = page(
      row('policy="default",state="allow",backend="redis"', 1100),
      row('backend="redis",policy="default",state="throttle"', 5),
      row('policy="default",state="throttle",backend="cache"', '1.5e+1'),
      row('policy="default",state="allow",backend="memory"', 4),
    );
    expect(decisionsBetween(before, after)).toEqual({ byBackend: { redis: 1005, cache: 15 } });
  });

  it('are not provable where the counters are missing', () => {
    expect(decisionsBetween(page(), page())).toEqual({
      unprovable: 'the target counts no rate-limit decisions at /metrics',
    });
  });

  it('are not provable where another instance was read', () => {
    const labels = 'policy="default",state="allow",backend="redis"';
    expect(decisionsBetween(page(row(labels, 9)), page(row(labels, 8)))).toEqual({
      unprovable: expect.stringContaining('went backwards'),
    });
  });
});
