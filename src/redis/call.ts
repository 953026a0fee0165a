import type { Command } from 'ioredis';
import { printable } from '../kernel/redact.js';
import { type RequestRecord, requestContext } from '../telemetry/index.js';
import type { CallOutcome, Flight } from './flight-deck.js';
import type { LaneGate } from './lane-gate.js';
import { RedirectError, readRedirect } from './redirect.js';
import { RedisCommandError, type RedisUnavailableError, type UnavailableReason } from './redis.errors.js';
import { reasonOfReply } from './unavailable-reason.js';
import type { HeldCall, WaitGroup } from './wait-group.js';

/** What a call needs from its lane. */
export interface CallHost {
  readonly purpose: string;
  readonly gate: LaneGate;
  /** The caller is a cluster's router, which follows redirections. */
  readonly redirects: boolean;
  /** Why the server refused a command of the transaction that is being queued. */
  transactionRefusal?: UnavailableReason | undefined;
  /**
   * The caller got its result or error; once per call.
   * @param refusal the server's own reason not to take the command
   */
  settled(call: Call, outcome: CallOutcome, refusal?: UnavailableReason): void;
  /** The server owes this call nothing any more; once per call, perhaps long after it was settled. */
  answered(): void;
}

const CALL = Symbol('call');

interface TrackedCommand extends Command {
  [CALL]?: Call;
}

// One function for all commands: two closures per call would be a fifth of what a call costs.
function replied(this: TrackedCommand, value: unknown): unknown {
  return this[CALL]?.reply(value);
}

function failed(this: TrackedCommand, error: Error): void {
  this[CALL]?.fail(error);
}

/**
 * One command between the caller and the server. It stands in for the command's own resolve and reject,
 * so that plain calls, pipelines and transactions are all timed, bounded and given our errors in one
 * place, without another promise per command.
 */
export class Call implements Flight, HeldCall {
  answered = false;
  settled = false;
  graced = false;
  /** Less than the patience where a redirection has used some of it up. */
  budgetMs: number;
  /** The request that this call is made for, if any. */
  readonly record: RequestRecord | undefined = requestContext.getStore();
  /** Set for a write that counts only when replicas have it. */
  group: WaitGroup | undefined;
  private held: unknown;
  private converting = false;
  private readonly resolveCaller: (value: unknown) => unknown;
  private readonly rejectCaller: (error: Error) => void;

  constructor(
    private readonly host: CallHost,
    private readonly command: TrackedCommand,
    readonly startedMs: number,
    readonly patienceMs: number,
  ) {
    this.budgetMs = patienceMs;
    this.resolveCaller = command.resolve;
    this.rejectCaller = command.reject;
    command[CALL] = this;
    command.resolve = replied;
    command.reject = failed;
  }

  /** The budget is spent. The answer may still come and is then dropped. */
  expire(): void {
    this.settled = true;
    this.host.settled(this, 'timeout');
    this.rejectCaller.call(this.command, this.host.gate.error('timeout', true));
  }

  /** The server answered. */
  reply(value: unknown): unknown {
    if (!this.group) return this.take(value);
    this.held = value;
    this.group.hold(this);
    this.group = undefined;
    return undefined;
  }

  /** Enough replicas have the write. */
  release(): void {
    this.take(this.held);
  }

  /** The primary has the write, but it may be undone by a fail-over. */
  refuse(reason: UnavailableReason): void {
    this.end(this.host.gate.error(reason, true), reason === 'noreplicas' ? reason : undefined);
  }

  private take(value: unknown): unknown {
    const { host, command } = this;
    this.answered = true;
    host.answered();
    if (this.settled) return undefined;
    this.settled = true;
    this.converting = true;
    const result = this.resolveCaller.call(command, Array.isArray(value) ? this.cleanExec(value) : value);
    if (this.converting) host.settled(this, 'ok');
    this.converting = false;
    return result;
  }

  /** The server refused, the connection ended, or the library could not convert the reply. */
  fail(error: Error): void {
    const { host, command } = this;
    if (this.converting) {
      this.converting = false;
      host.settled(this, 'error');
      this.rejectCaller.call(command, commandError(host.purpose, command, error.message));
      return;
    }
    // Also for a call that was given up: the answer to EXEC depends on what it says.
    const ours = this.translate(error);
    this.end(ours, error.name === 'ReplyError' && 'reason' in ours ? ours.reason : undefined);
  }

  private end(error: Error, refusal: UnavailableReason | undefined): void {
    const { host, command } = this;
    this.answered = true;
    host.answered();
    if (this.settled) return;
    this.settled = true;
    // A redirection is no outcome: whoever follows it sends the command again.
    if (!(error instanceof RedirectError)) host.settled(this, 'error', refusal);
    this.rejectCaller.call(command, error);
  }

  /** A library error carries the command's arguments, passwords included; it goes no further than here. */
  private translate(error: Error): RedisUnavailableError | RedisCommandError | RedirectError {
    const { host, command } = this;
    if (error.name !== 'ReplyError') {
      host.transactionRefusal = undefined;
      return host.gate.lost();
    }
    const redirect = host.redirects ? readRedirect(error.message) : undefined;
    if (redirect) return redirect;
    const reason = reasonOfReply(error.message) ?? this.reasonOfAbort(error.message);
    if (reason === undefined) return commandError(host.purpose, command, error.message);
    if (command.inTransaction) host.transactionRefusal = reason;
    // A server that takes no writes refuses a script at its first one; only a missing right can stop it later.
    return host.gate.error(reason, reason === 'noperm' && error.message.includes(' script: '));
  }

  /** EXECABORT only says that something was refused before; the reason was in the answer to that command. */
  private reasonOfAbort(message: string): UnavailableReason | undefined {
    if (!message.startsWith('EXECABORT')) return undefined;
    const reason = this.host.transactionRefusal;
    this.host.transactionRefusal = undefined;
    return reason ?? reasonOfReply(/because of: (.*)$/.exec(message)?.[1] ?? '');
  }

  private cleanExec(value: unknown[]): unknown[] {
    if (this.command.name.toLowerCase() !== 'exec') return value;
    return value.map((item) => (item instanceof Error ? this.translate(item) : item));
  }
}

/** The server's text without what the caller had put into the command. */
function commandError(purpose: string, command: Command, message: string): RedisCommandError {
  const code = message.split(' ', 1)[0] ?? 'ERR';
  let text = message.replace(/,? with args beginning with:.*$/s, '');
  for (const arg of command.args) {
    const shown = String(arg);
    if (shown.length > 2) text = text.replaceAll(shown, '…');
  }
  return new RedisCommandError(purpose, command.name, printable(code, 40), printable(text, 200));
}
