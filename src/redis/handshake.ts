import { TLSSocket } from 'node:tls';
import { commandSpec } from './commands.js';
import { HandshakeError } from './handshake-error.js';
import type { Credentials } from './live-access.js';
import { lossFor } from './loss.js';
import type { PurposeDefinition } from './purposes.js';
import type { UnavailableReason } from './redis.errors.js';
import { type ServerFacts, readClientInfo, readServerInfo } from './server-facts.js';
import { reasonOf } from './unavailable-reason.js';

export interface Greeting extends Credentials {
  readonly db: number;
  readonly clientName: string;
  readonly definition: PurposeDefinition;
  /** Commands beyond those of the row that the topology needs, with arguments that do nothing. */
  readonly further: readonly (readonly string[])[];
  /** Key that the proof may name; lies in the namespace and is never written. */
  readonly probeKey: string;
}

/** Sends one command on the fresh connection, in front of the guard. */
export type RawCall = (name: string, ...args: string[]) => Promise<unknown>;

/**
 * Greets the server and asks what it is. The client library could greet by itself, but
 * it takes a failed SELECT for a success, prints to the console, keeps the password in its options and puts
 * it into errors; here each answer is looked at and the password is revealed for this one write only.
 *
 * @throws HandshakeError with a stable reason
 */
export async function greet(call: RawCall, greeting: Greeting): Promise<ServerFacts> {
  const { password, db, clientName } = greeting;
  const auth = logIn(call, greeting);
  const name = settle(call('CLIENT', 'SETNAME', clientName));
  const select = db === 0 ? Promise.resolve('OK') : settle(call('SELECT', String(db)));
  const clientInfo = settle(call('CLIENT', 'INFO'));
  const info = settle(call('INFO'));

  const authAnswer = await auth;
  if (authAnswer instanceof Error) throw loginRefused(authAnswer);
  const nameAnswer = await name;
  if (nameAnswer instanceof Error && !password && reasonOf(nameAnswer) === 'auth')
    refuse(nameAnswer, 'the server asks for a password, and none is set');
  refuseErrors(nameAnswer, 'CLIENT SETNAME');
  refuseErrors(await select, `SELECT ${db}`, 'select');
  const infoText = refuseErrors(await info, 'INFO');
  const facts = {
    ...readServerInfo(infoText),
    ...readClientInfo(refuseErrors(await clientInfo, 'CLIENT INFO')),
  };
  if (facts.loading) throw new HandshakeError('loading', 'the server is still loading its data');
  const refusedCommands = await tryGrants(call, greeting);
  return refusedCommands ? { ...facts, refusedCommands } : facts;
}

/** @returns the error where the server refuses; one that asks nobody for a password accepts any */
export async function logIn(call: RawCall, { username, password }: Credentials): Promise<'accepted' | Error> {
  if (!password) return 'accepted';
  const answer = await settle(call('AUTH', ...(username === undefined ? [] : [username]), password.reveal()));
  if (!(answer instanceof Error)) return 'accepted';
  return /without any password|no password is set/.test(answer.message) ? 'accepted' : answer;
}

/** What a server says to AUTH may be about itself and not about who logs in, as when it has no room. */
export function loginRefused(answer: Error): HandshakeError {
  const reason = reasonOf(answer);
  return new HandshakeError(reason, reason === 'other' ? 'the server refused AUTH' : lossFor(reason).detail);
}

function settle(promise: Promise<unknown>): Promise<string | Error> {
  return promise.then(String, (error: unknown) => error as Error);
}

/** Expiry of the peer's certificate, milliseconds since the epoch; undefined without TLS. */
export function certificateExpiry(stream: unknown): number | undefined {
  if (!(stream instanceof TLSSocket)) return undefined;
  const expiresMs = Date.parse(stream.getPeerCertificate().valid_to ?? '');
  return Number.isNaN(expiresMs) ? undefined : expiresMs;
}

/**
 * Finds the commands that the ACL user lacks, without running one: what is queued in MULTI is judged at
 * once and discarded together.
 *
 * @returns undefined where the server has no MULTI, as some proxies
 */
async function tryGrants(
  call: RawCall,
  { definition, further, probeKey }: Greeting,
): Promise<string[] | undefined> {
  const refusal = (name: string, args: readonly string[] = []) =>
    call(name, ...args).then(
      () => undefined,
      (error: unknown) => (reasonOf(error as Error) === 'noperm' ? name.toLowerCase() : undefined),
    );
  // Waited for: without MULTI the rest would run instead of being queued.
  const multi = await call('MULTI').then(
    () => 'queueing',
    (error: unknown) => reasonOf(error as Error),
  );
  if (multi === 'noperm') return ['multi'];
  if (multi !== 'queueing') return undefined;
  const calls = definition.commands.flatMap((name) =>
    (commandSpec(name)?.proofs ?? []).map((proof) => ({ name: name.toUpperCase(), proof })),
  );
  const queued = [
    ...calls.map(({ name, proof }) =>
      refusal(
        name,
        proof.map((arg) => (arg === '$' ? probeKey : arg)),
      ),
    ),
    ...further.map(([name = '', ...args]) => refusal(name, args)),
  ];
  // EXEC is tried on nothing: what was queued before has been discarded.
  const ends = [refusal('DISCARD'), refusal('MULTI'), refusal('EXEC')];
  const refused = await Promise.all([...queued, ...ends]);
  return [...new Set(refused.filter((name) => name !== undefined))];
}

function refuseErrors(answer: string | Error, command: string, reason?: UnavailableReason): string {
  if (!(answer instanceof Error)) return answer;
  return refuse(answer, `the server refused ${command}`, reason);
}

function refuse(error: Error, detail: string, reason?: UnavailableReason): never {
  const found = reasonOf(error);
  // A refused SELECT is about the database, unless the connection itself is the trouble.
  throw new HandshakeError(reason && (found === 'other' || found === 'noperm') ? reason : found, detail);
}
