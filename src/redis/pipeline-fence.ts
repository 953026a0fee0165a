import { inspect } from 'node:util';
import type { ChainableCommander, Command } from 'ioredis';
import { CROSS_SLOT, type CommandGuard } from './command-guard.js';
import { RedisIsolationError } from './redis.errors.js';

/** The parts of a pipeline that the client library keeps to itself. */
interface PipelineInsides {
  sendCommand(command: Command): unknown;
  exec(callback?: unknown): Promise<unknown>;
  _transactions: number;
}

export interface FenceHost {
  readonly purpose: string;
  readonly guard: CommandGuard;
  /** Throws when nothing can be sent now. */
  assertUsable(): void;
}

/**
 * Puts the guard where a pipeline's commands are queued. At the socket it would be too late: one refused
 * command would leave the others unsent for ever, or send half of a transaction. A refusal throws at once
 * and also fails `exec()`, so nothing of a pipeline with a refused command is sent.
 */
export function fencePipeline<P extends ChainableCommander>(pipeline: P, host: FenceHost): P {
  const insides = pipeline as unknown as PipelineInsides;
  const { purpose, guard } = host;
  const queue = insides.sendCommand.bind(insides);
  const execute = insides.exec.bind(insides);
  let refusal: RedisIsolationError | undefined;
  // A pipeline from multi() has queued its MULTI before the fence stood.
  const fromMulti = insides._transactions > 0;
  let inTransaction = fromMulti;
  /** That of the transaction which is being queued, where slots matter. */
  let slot: number | undefined;
  let dispatched = false;

  // Printed as a name: it holds its commands, arguments included.
  const name = (): string => `Pipeline(${purpose})`;
  Object.assign(pipeline, { toString: name, toJSON: name, [inspect.custom]: name });

  insides.sendCommand = (command) => {
    refusal ??= judge(command);
    if (refusal) throw refusal;
    // The library marks only what follows its own multi(), not what follows call('MULTI').
    if (inTransaction) command.inTransaction = true;
    return queue(command);
  };

  insides.exec = (callback) => {
    try {
      if (inTransaction && insides._transactions === 0) refusal ??= withoutExec(purpose);
      if (dispatched) throw new RedisIsolationError(purpose, 'exec', 'this pipeline has been sent already');
      if (refusal) throw refusal;
      // Where it ends an inline multi() it only queues EXEC and gives the pipeline back; the next one sends.
      const sends = fromMulti || insides._transactions === 0;
      if (sends) host.assertUsable();
      dispatched = sends;
      return callback === undefined ? execute() : execute(callback);
    } catch (error) {
      return refused(error as Error, callback);
    }
  };

  function judge(command: Command): RedisIsolationError | undefined {
    const name = typeof command.name === 'string' ? command.name.toLowerCase() : undefined;
    if (name === 'multi' && !inTransaction) {
      inTransaction = true;
      slot = undefined;
      return undefined;
    }
    if ((name === 'exec' || name === 'discard') && inTransaction) {
      inTransaction = false;
      return undefined;
    }
    return guard.judge(command) ?? (inTransaction ? judgeSlot(command) : undefined);
  }

  /** A node runs a transaction as a whole. At its EXEC the commands around it would have been sent already. */
  function judgeSlot(command: Command): RedisIsolationError | undefined {
    const next = guard.slotOf(command);
    if (next === undefined) return undefined;
    if (slot !== undefined && slot !== next) return new RedisIsolationError(purpose, 'multi', CROSS_SLOT);
    slot = next;
    return undefined;
  }

  return pipeline;
}

function withoutExec(purpose: string): RedisIsolationError {
  const rule = 'it has no EXEC and would leave a shared connection inside it';
  return new RedisIsolationError(purpose, 'multi', rule);
}

/** As the library does it: the callback hears of it, and a promise that nobody looks at ends no process. */
function refused(error: Error, callback: unknown): Promise<never> {
  const answer = Promise.reject(error);
  answer.catch(() => undefined);
  if (typeof callback === 'function') (callback as (error: Error) => void)(error);
  return answer;
}
