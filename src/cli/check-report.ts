import type { Fault, Profile } from '../config/index.js';
import { redact, redactText } from '../kernel/redact.js';
import type { Proof, PurposeFinding } from '../redis/index.js';
import { alignColumns } from './table.js';

export interface CheckReport {
  readonly profile: Profile;
  readonly exitCode: number;
  readonly findings: readonly PurposeFinding[];
  /** Purposes that no connection is made for with these settings. */
  readonly inactive: readonly string[];
}

/** For programs. The list is an array, since a key like `securityTokens` would be taken for a secret's name. */
export function checkDocument({ findings, ...head }: CheckReport): unknown {
  return redact({ ...head, purposes: findings.map(purposeDocument) });
}

function purposeDocument({ status, outcome, runId, faults, warnings }: PurposeFinding): unknown {
  const {
    purpose,
    address,
    topology,
    primaries,
    source,
    user,
    db,
    engine,
    outage,
    proofs,
    isolation,
    sharedWith,
  } = status;
  return {
    purpose,
    outcome,
    address,
    topology,
    primaries,
    source,
    user,
    db,
    engine,
    serverVersion: status.serverVersion,
    runId,
    isolation,
    sharedWith,
    outage,
    proofs,
    failures: faults.map((fault) => ({
      variable: fault.variable,
      ...failureOf(fault),
      remedy: fault.remedy,
    })),
    warnings: warnings.map(({ variable, rule, remedy, forgiven }) => ({ variable, rule, remedy, forgiven })),
  };
}

/** For people: one line per purpose, what is wrong under it, and a sum. */
export function checkText({ profile, findings, inactive }: CheckReport): string {
  const head = ['', 'PURPOSE', 'ADDRESS', 'FROM', 'USER', 'DB', 'SERVER', 'ISOLATION', 'PROOFS'];
  const [title = '', ...lines] = alignColumns([
    head,
    ...findings.map(row),
    ...inactive.map((purpose) => ['off', purpose, 'not used with these settings']),
  ]);
  const body = lines.flatMap((line, index) => {
    const finding = findings[index];
    return finding ? [line, ...failureLines(finding), ...warningLines(finding)] : [line];
  });
  return redactText([title, ...body, '', sum(profile, findings)].join('\n'));
}

function row({ outcome, status }: PurposeFinding): string[] {
  return [
    outcome === 'up' ? 'ok' : 'fail',
    status.purpose,
    addressText(status),
    status.source,
    status.user,
    String(status.db),
    status.serverVersion ?? '-',
    isolationText(status),
    proofText(status.proofs),
  ];
}

/** With Sentinels or a cluster the address is only whom to ask; the primaries are where the data is. */
function addressText({ address, topology, primaries }: PurposeFinding['status']): string {
  return topology === 'standalone' ? address : `${address} (${[topology, ...primaries].join(' ')})`;
}

function isolationText({ isolation, sharedWith }: PurposeFinding['status']): string {
  if (isolation === 'unknown') return '-';
  return sharedWith.length === 0 ? isolation : `${isolation}, with ${sharedWith.join(' ')}`;
}

function proofText(proofs: readonly Proof[]): string {
  const named = (verdict: Proof['verdict']) =>
    proofs.filter((proof) => proof.verdict === verdict).map(({ fact }) => fact);
  const proven = named('proven').length;
  const parts = [
    ...(proven > 0 ? [`${proven} proven`] : []),
    ...(['contradicted', 'unprovable'] as const).flatMap((verdict) => {
      const facts = named(verdict);
      return facts.length > 0 ? [`${verdict}: ${facts.join(' ')}`] : [];
    }),
  ];
  return parts.join(', ') || '-';
}

function failureLines({ faults }: PurposeFinding): string[] {
  return faults.flatMap((fault) => {
    const { reason, cause } = failureOf(fault);
    const remedy = `${fault.variable}: ${fault.remedy}`;
    return [`      reason: ${reason}`, `      cause:  ${cause}`, `      remedy: ${remedy}`];
  });
}

function warningLines({ warnings }: PurposeFinding): string[] {
  return warnings.map(({ variable, rule, remedy, forgiven }) => {
    const { cause } = failureOf({ rule });
    const weight = forgiven ? 'refused in staging and production: ' : '';
    return `      warning: ${weight}${variable}: ${cause}. ${remedy}.`;
  });
}

/** A start reports `address: cause (reason)` in one rule; the address has a column of its own here. */
function failureOf({ rule }: Pick<Fault, 'rule'>): { reason: string; cause: string } {
  const [, cause = rule, reason = 'other'] = /^(?:\S+: )?(.*) \(([a-z]+)\)$/.exec(rule) ?? [];
  return { reason, cause };
}

function sum(profile: Profile, findings: readonly PurposeFinding[]): string {
  const count = (wanted: PurposeFinding['outcome']) =>
    findings.filter(({ outcome }) => outcome === wanted).length;
  const counts = `${count('up')} ok, ${count('misconfigured')} misconfigured, ${count('unreachable')} unreachable`;
  return `${counts} (profile ${profile})`;
}
