import type { Dimension, Policy } from '../../rate-limit/index.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * How often each flow may be begun, beside the login. `account` is the one spelling of an e-mail address, whether it has
 * an account or not, or a service account; sliding windows: the quota per window, at once if the client likes.
 *
 * What an outage kept from being done is given back, so no process remembers a denial (`counts: 'failures'`).
 */
// prettier-ignore
export const FLOW_POLICIES = {
  /** Each sends a mail, and costs a password hash. */
  'flow-register': { credential: true, counts: 'failures', limits: [
    { kind: 'window', per: 'account', quota:     5, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'ip',      quota:    10, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'network', quota:    80, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'global',  quota: 3_000, windowMs: HOUR_MS, outage: 'deny' },
  ] },
  'flow-reset': { credential: true, counts: 'failures', limits: [
    { kind: 'window', per: 'account', quota:     5, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'ip',      quota:    20, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'network', quota:   160, windowMs: HOUR_MS, outage: 'deny' },
  ] },
  'flow-verify': { credential: true, counts: 'failures', limits: [
    { kind: 'window', per: 'user',    quota:     3, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'ip',      quota:    10, windowMs: HOUR_MS, outage: 'deny' },
  ] },
  /** The present password is asked for: a place to guess it for whoever holds a session. */
  'flow-password-change': { credential: true, counts: 'failures', limits: [
    { kind: 'window', per: 'user',    quota:    10, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'ip',      quota:    40, windowMs: HOUR_MS, outage: 'deny' },
  ] },
  /** As above; the account is the new address, which gets a mail. */
  'flow-email-change': { credential: true, counts: 'failures', limits: [
    { kind: 'window', per: 'user',    quota:     5, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'account', quota:     5, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'ip',      quota:    20, windowMs: HOUR_MS, outage: 'deny' },
  ] },
  /** The account is the address that is invited. */
  'flow-invite': { credential: true, counts: 'failures', limits: [
    { kind: 'window', per: 'user',    quota:    20, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'tenant',  quota:   100, windowMs: DAY_MS,  outage: 'deny' },
    { kind: 'window', per: 'account', quota:     5, windowMs: HOUR_MS, outage: 'deny' },
  ] },
  /** Tokens that one service account is issued. */
  'flow-service-token': { credential: true, counts: 'failures', limits: [
    { kind: 'window', per: 'account', quota:   120, windowMs: HOUR_MS, outage: 'deny' },
    { kind: 'window', per: 'ip',      quota:   600, windowMs: HOUR_MS, outage: 'deny' },
  ] },
} as const satisfies Readonly<Record<`flow-${string}`, Policy>>;

type FlowTable = typeof FLOW_POLICIES;

/** The flows that have quotas: `reset`, `verify` and so on. */
export type Flow = keyof FlowTable extends `flow-${infer Name}` ? Name : never;

/** Whom the quotas of a flow count; the network is known by the address. */
export type FlowSubjects<F extends Flow> = {
  readonly [D in Exclude<FlowDimension<F>, 'global' | 'network'>]: string;
};

type FlowDimension<F extends Flow> = FlowTable[`flow-${F}`]['limits'][number]['per'] & Dimension;
