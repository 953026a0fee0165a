import { SEVERITIES, type Severity } from '../status.tables.js';
import type { Subscription, Terms } from './subscription-store.js';

/** What a token to confirm a subscription carries, sealed in Redis, from the wish to the consent. */
export function dataOf({ target, severity, tenantId, secret }: Terms): Record<string, string> {
  return {
    target,
    severity,
    ...(tenantId === null ? {} : { tenantId }),
    ...(secret === null ? {} : { secret }),
  };
}

/** @returns undefined where an other version of the application wrote something else */
export function termsOf(data: Readonly<Record<string, string>>): Terms | undefined {
  const { target, severity, tenantId = null, secret = null } = data;
  if (target === undefined || !isSeverity(severity)) return undefined;
  return { target, severity, tenantId, secret };
}

/** A token is for a subscription as it stood: consent given once, and taken back, is not given again by the same token. */
export function bindingOf({ linkEpoch, confirmedAt, unsubscribedAt }: Subscription): string {
  const state = unsubscribedAt ? 'ended' : confirmedAt ? 'active' : 'pending';
  return `${linkEpoch} ${state}`;
}

function isSeverity(text: string | undefined): text is Severity {
  return (SEVERITIES as readonly (string | undefined)[]).includes(text);
}
