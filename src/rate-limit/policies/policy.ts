/**
 * What a policy is made of. A policy is a name that routes and features use; it holds one limit or several, and
 * all limits of all policies of one check are spent together, or none. Units stand in every name.
 */

/** Whom a limit may count, and what identifies them. Features add dimensions of their own by augmentation. */
export interface RateLimitDimensionMap {
  /** A client address in any notation; IPv6 counts by /64. */
  ip: string;
  /** The network of a client address: IPv4 by /24, IPv6 by /48. Given by the address. */
  network: string;
  /** An identity in the one spelling of its feature. */
  user: string;
  account: string;
  tenant: string;
  apiKey: string;
  /** Method and pattern of the route. */
  route: string;
  /** Everybody together; needs no subject. */
  global: string;
}

export type Dimension = keyof RateLimitDimensionMap & string;

/** Who is counted, by dimension. */
export type Subjects = { readonly [D in Dimension]?: string };

/**
 * What a limit says while its Redis is away. `local`: each instance counts its share by itself. `deny`: 503,
 * nobody passes uncounted. `allow`: everybody passes; refused for policies that guard a credential.
 */
export type LimitOutage = 'local' | 'deny' | 'allow';

interface LimitBase {
  readonly per: Dimension;
  /** Units per window in the long run. */
  readonly quota: number;
  readonly windowMs: number;
  /** Unset: `local`. */
  readonly outage?: LimitOutage;
  /** Name in headers and problem details. Unset: that of the policy, with the dimension where it has several limits. */
  readonly name?: string;
}

/** Generic cell rate algorithm: `burst` units at once, and the quota evenly over the window in the long run. */
export interface RateLimitRow extends LimitBase {
  readonly kind?: 'rate';
  /** Units at once. Within one window at most quota + burst pass. */
  readonly burst: number;
}

/** Sliding-window counter: the quota per window, at once if the client likes; takes the last window to have been spread evenly. */
export interface WindowLimitRow extends LimitBase {
  readonly kind: 'window';
}

export type LimitRow = RateLimitRow | WindowLimitRow;

/** What a policy counts, as the `qu` of its header says it. */
export type QuotaUnit = 'requests' | 'content-bytes' | 'concurrent-requests';

export interface Policy {
  readonly limits: readonly LimitRow[];
  /** Unset: `requests`. A cost is in these units. */
  readonly unit?: QuotaUnit;
  /**
   * Headers name whose limit it is by an opaque key, `pk`: for answers that a gateway or a cache gives to several
   * clients. Unset: they do not.
   */
  readonly partitionKey?: boolean;
  /** `shadow`: counts and reports what it would block, and never blocks. Unset: `enforce`. */
  readonly mode?: 'enforce' | 'shadow';
  /** `failures`: what succeeded is given back afterwards, so that only failures use the limit up. Unset: `all`. */
  readonly counts?: 'all' | 'failures';
  /** It guards a secret against guessing: it must never let anybody pass uncounted. */
  readonly credential?: boolean;
}

export type PolicyTable = Readonly<Record<string, Policy>>;
