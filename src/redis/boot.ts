import type { LoggerService } from '@nestjs/common';
import {
  NEVER,
  type Observable,
  concat,
  filter,
  firstValueFrom,
  map,
  mergeMap,
  race,
  take,
  timer,
} from 'rxjs';
import type { Fault } from '../config/index.js';
import type { Compartment } from './compartment.js';
import { assignIsolation } from './isolation.js';
import type { RedisTarget } from './connection-url.js';
import { type Loss } from './loss.js';
import type { UnavailableReason } from './redis.errors.js';
import { type BootOutcome, RedisStartupError, faultOf, faultOfProof } from './startup-report.js';
import type { Proof } from './status.types.js';
import { proveAccessControl, schemeMismatch } from './wire-question.js';

export interface BootOptions {
  readonly deadlineMs: number;
  /** Outside local profiles a server that asks nobody for a password is refused. */
  readonly enforced: boolean;
}

export interface StartOptions extends BootOptions {
  /** Purposes without which the application does not start. */
  readonly required: readonly string[];
  readonly logger: Pick<LoggerService, 'warn' | 'error'>;
}

/** Reasons that waiting does not cure: settings and server contradict each other. */
const MISCONFIGURED: ReadonlySet<UnavailableReason> = new Set([
  'auth',
  'noperm',
  'tls',
  'select',
  'protocol',
  'topology',
]);

/** Reasons behind which the wrong scheme may hide: TLS spoken to a plain port, or the reverse. */
const AMBIGUOUS: ReadonlySet<UnavailableReason> = new Set(['reset', 'timeout', 'protocol', 'tls', 'other']);

/**
 * Waits for all purposes side by side under one deadline and applies the start rule: what is misconfigured
 * always refuses; what is unreachable refuses only when it is required or when everything is, so that the
 * outage of one server does not keep the others from being served.
 *
 * @throws RedisStartupError with all faults in one list
 */
export async function bootAll(compartments: readonly Compartment[], options: StartOptions): Promise<void> {
  const { required, logger } = options;
  const outcomes = await Promise.all(compartments.map((compartment) => boot(compartment, options)));
  assignIsolation(compartments);
  const misconfigured = faultsOf(outcomes, 'misconfigured');
  const unreachable = faultsOf(outcomes, 'unreachable');
  const everythingIsAway = compartments.length > 0 && unreachable.length === compartments.length;
  const requiredAway = unreachable.filter(({ purpose }) => required.includes(purpose ?? ''));
  if (misconfigured.length > 0 || everythingIsAway || requiredAway.length > 0) {
    throw new RedisStartupError(misconfigured, unreachable);
  }
  for (const status of compartments.map((compartment) => compartment.snapshot())) {
    const open = status.proofs.find(
      ({ fact, verdict }) => fact === 'anonymous' && verdict === 'contradicted',
    );
    if (open) logger.warn(`Not allowed in production: ${status.purpose}: ${open.detail}`);
  }
  for (const { purpose, variable, rule } of unreachable) {
    const outage = compartments.find((c) => c.purpose === purpose)?.snapshot().state;
    logger.error(`Starting with ${purpose} ${outage}: ${variable}: ${rule}`);
  }
}

function faultsOf(outcomes: readonly BootOutcome[], kind: 'misconfigured' | 'unreachable'): Fault[] {
  return outcomes.flatMap((outcome) => (outcome.kind === kind ? outcome.faults : []));
}

/** Waits for one purpose: up, or a fault that waiting does not cure, or the deadline. */
export async function boot(compartment: Compartment, options: BootOptions): Promise<BootOutcome> {
  const settled = compartment.changes().pipe(
    filter(({ state, reason }) => state === 'up' || isHopeless(compartment, reason)),
    map(() => compartment.trouble.loss),
  );
  // The deadline is real time: it bounds a start, and nothing else is running yet.
  const deadline = timer(options.deadlineMs).pipe(map(() => compartment.trouble.loss));
  const loss = await firstValueFrom(race(settled, wrongScheme(compartment), deadline), {
    defaultValue: compartment.trouble.loss,
  });
  if (compartment.up) return judgeAccess(compartment, options);
  const { faultSource, trouble } = compartment;
  if (trouble.contradictions.length > 0) {
    return misconfigured(trouble.contradictions.map((proof) => faultOfProof(faultSource, proof)));
  }
  const cause = orClientCertificate(compartment, loss);
  const faults = [faultOf(faultSource, cause)];
  return MISCONFIGURED.has(cause.reason) ? misconfigured(faults) : { kind: 'unreachable', faults };
}

function isHopeless(compartment: Compartment, reason: UnavailableReason | undefined): boolean {
  if (compartment.connection.access.keeper?.seeking) return false;
  return compartment.trouble.contradictions.length > 0 || (reason !== undefined && MISCONFIGURED.has(reason));
}

function misconfigured(faults: readonly Fault[]): BootOutcome {
  return { kind: 'misconfigured', faults };
}

async function judgeAccess(compartment: Compartment, { enforced }: BootOptions): Promise<BootOutcome> {
  const { target, access } = compartment.connection;
  if (!target || (!enforced && !access.credentials.password)) return { kind: 'up' };
  const proof = await askForAccess(compartment, target);
  if (proof.verdict !== 'contradicted' || !enforced) return { kind: 'up' };
  return misconfigured([faultOfProof(compartment.faultSource, proof)]);
}

/** Asks every server that the purpose talks to whether it lets anybody in. The worst answer is that of all. */
export async function askForAccess(compartment: Compartment, target: RedisTarget): Promise<Proof> {
  const { connection, definition, addresses } = compartment;
  const { access } = connection;
  const questions = (addresses.length > 0 ? addresses : [target]).map((address) =>
    proveAccessControl({ target: { ...target, ...address }, access, timeoutMs: definition.connectMs }),
  );
  const proofs = await Promise.all(questions);
  const worst = ['contradicted', 'unprovable', 'proven'] as const;
  const [proof] = worst.flatMap((verdict) => proofs.filter((one) => one.verdict === verdict));
  compartment.noteAccessProof(proof as Proof);
  return proof as Proof;
}

/** Asks the other way as soon as a connection fails as if the scheme were wrong; speaks only when it is. */
function wrongScheme(compartment: Compartment): Observable<Loss> {
  const { connection, definition } = compartment;
  const { target, access } = connection;
  if (!target) return NEVER;
  const failures = compartment.changes().pipe(
    filter(() => compartment.attempted && !compartment.up && AMBIGUOUS.has(compartment.trouble.loss.reason)),
    take(1),
  );
  const answers = failures.pipe(
    mergeMap(() => schemeMismatch({ target, access, timeoutMs: definition.connectMs })),
  );
  const found = answers.pipe(
    filter((mismatch) => mismatch !== undefined),
    map((mismatch): Loss => ({ reason: 'tls', detail: SCHEME_DETAILS[mismatch], suspect: 'scheme' })),
  );
  // Silence is no answer: it must not end the wait for the others.
  return concat(found, NEVER);
}

const SCHEME_DETAILS = {
  'speaks plain': 'the server does not speak TLS on that port',
  'speaks TLS': 'the server speaks TLS on that port',
} as const;

/** A server that wants a client certificate may break off without saying so. */
function orClientCertificate({ connection }: Compartment, loss: Loss): Loss {
  if (!connection.target?.tls || loss.reason !== 'reset' || connection.access.tls.clientCertificate)
    return loss;
  const detail = 'the server broke off the TLS handshake; it may ask for a client certificate';
  return { reason: 'tls', detail, suspect: 'client-certificate' };
}
