import type { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import type { ContractEngine } from './engine.js';

/** What a command was refused with. */
export class Refusal {
  constructor(readonly message: string) {}
}

/** `refused('ERR syntax error')` is an expected reply like any other. */
export function refused(message: string): Refusal {
  return new Refusal(message);
}

/** One line as a newcomer would type it, or the words where one of them holds a space or is binary. */
export type Line = string | readonly (string | number | Buffer)[];
export type Step = readonly [line: Line, reply: unknown];
export type Facts = Record<string, readonly Step[]>;

type Method = (...words: (string | number | Buffer)[]) => Promise<unknown>;

/** Sends a line through the client's own method where it has one, so that its reply mapping is part of the proof. */
export async function send(redis: Redis, line: Line): Promise<unknown> {
  const [command = '', ...words] = typeof line === 'string' ? line.split(' ') : line;
  const methods = redis as unknown as Record<string, Method | undefined>;
  const method = methods[String(command).toLowerCase()];
  try {
    return await (method ? method.call(redis, ...words) : redis.call(String(command), ...words));
  } catch (error) {
    return new Refusal(error instanceof Error ? error.message : String(error));
  }
}

/** All replies of some lines, in order. */
export async function replies(redis: Redis, ...lines: Line[]): Promise<unknown[]> {
  const answers: unknown[] = [];
  for (const line of lines) answers.push(await send(redis, line));
  return answers;
}

/** Every entry becomes a case: its lines are sent one after the other and must be answered exactly so. */
export function facts(engine: ContractEngine, table: Facts): void {
  for (const [title, steps] of Object.entries(table)) {
    it(title, async () => {
      const lines = steps.map(([line]) => line);
      const expected = steps.map(([line, reply]) => ({ line: shown(line), reply }));
      const answers = await replies(engine.redis, ...lines);
      const actual = answers.map((reply, at) => ({ line: shown(lines[at] ?? ''), reply }));
      expect(actual).toEqual(expected);
    });
  }
}

/** An expected number that depends on the clock. Both ends are included. */
export function between(lowest: number, highest: number): object {
  return new Matching(
    `between ${lowest} and ${highest}`,
    (reply) => typeof reply === 'number' && reply >= lowest && reply <= highest,
  );
}

/** An expected list whose order Redis does not promise. */
export function sorted(...members: string[]): object {
  const wanted = JSON.stringify([...members].sort());
  return new Matching(
    `in any order ${wanted}`,
    (reply) => Array.isArray(reply) && JSON.stringify([...(reply as string[])].sort()) === wanted,
  );
}

/** What vitest takes for a matcher inside an expected value. */
class Matching {
  readonly $$typeof = Symbol.for('jest.asymmetricMatcher');

  constructor(
    private readonly description: string,
    readonly asymmetricMatch: (reply: unknown) => boolean,
  ) {}

  toString(): string {
    return this.description;
  }

  toAsymmetricMatcher(): string {
    return this.description;
  }
}

export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

function shown(line: Line): string {
  return typeof line === 'string' ? line : line.map(String).join(' ');
}
