import { Logger } from '@nestjs/common';
import { RedisCommandError, type ScriptClient, TurnBatches } from '../../redis/index.js';
import type { Clock } from '../../kernel/time.js';
import { limitScript } from '../limit-script.js';
import type { Question } from './question.js';
import { DecisionBatch } from './decision-batch.js';

const decide = limitScript('decide', { decode: decodeNumbers, binary: true });

/** Numbers that the script answers before those of the questions. */
const HEAD = 2;

export interface RedisCounterOptions {
  readonly client: ScriptClient;
  /** With the hash tag that keeps all states in one slot: `rl:{g}`. */
  readonly prefix: string;
  readonly clock: Clock;
  /** Told the version of what operators have set, with every call that answers. */
  readonly onVersion?: (version: number) => void;
  /** Told how many fields or keys held something foreign, when any did. */
  readonly onBroken?: (count: number) => void;
}

/**
 * Counts in Redis. What is asked within one turn of the event loop goes out in one script call. The client bounds each call in
 * time, and nothing is sent twice.
 */
export class RedisCounter {
  private readonly batches = new TurnBatches<Question, DecisionBatch>(
    () => new DecisionBatch(),
    (batch) => void this.run(batch),
  );

  constructor(private readonly options: RedisCounterOptions) {}

  ask(question: Question): void {
    this.batches.add(question);
  }

  private async run(batch: DecisionBatch): Promise<void> {
    const { client, prefix, clock } = this.options;
    let reply: Float64Array;
    try {
      reply = await decide.run(client, batch.keys(`${prefix}:s`, `${prefix}:version`), batch.args());
      if (reply.length !== HEAD + batch.replySize)
        throw new RedisCommandError('script', 'decide', 'REPLY', 'the answer is not about what was asked');
    } catch (error) {
      batch.fail(error, clock.monotonicMs());
      return;
    }
    this.tellHead(reply);
    batch.answer(reply, HEAD, clock.monotonicMs());
  }

  /** What is said beside the answers; they hold whatever becomes of it. */
  private tellHead(reply: Float64Array): void {
    const { onVersion, onBroken } = this.options;
    const broken = reply[1] as number;
    try {
      onVersion?.(reply[0] as number);
      if (broken > 0) onBroken?.(broken);
    } catch (error) {
      new Logger('RateLimit').error('A fault where the version of what operators have set is told', error);
    }
  }
}

export function decodeNumbers(reply: unknown): Float64Array {
  if (!Buffer.isBuffer(reply) || reply.length % 8 !== 0)
    throw new TypeError('decide.lua answers doubles as one text');
  const numbers = new Float64Array(reply.length / 8);
  // Copied, because the reply may lie anywhere in its buffer and doubles have to be aligned.
  new Uint8Array(numbers.buffer).set(reply);
  if (!numbers.every(Number.isSafeInteger)) throw new TypeError('decide.lua answers whole numbers');
  return numbers;
}
