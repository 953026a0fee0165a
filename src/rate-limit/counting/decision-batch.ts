import type { Batch } from '../../redis/index.js';
import type { CompiledLimit } from '../policies/compiled-limit.js';
import type { Question } from './question.js';
import { rateOutcome } from './gcra.js';
import type { Meter } from './meter.js';
import { type LimitOutcome, unitsOf } from './outcome.js';
import { windowOutcome } from './sliding-window.js';

/** Questions in one call: enough that the call's own price is nothing, few enough that Redis is never held up for long. */
const MOST_QUESTIONS = 32;
/** Numbers in the script's first argument are bytes, and must stay one byte as UTF-8. */
const HIGHEST_BYTE = 127;

interface FieldClass {
  readonly generationUs: number;
  readonly number: number;
  fields: string;
  width: number;
  count: number;
}

let lastBatch = 0;

/** Questions that go to Redis in one call of decide.lua, and how its answer is read. */
export class DecisionBatch implements Batch<Question> {
  /** Meters carry the number of the batch they stand in, which saves a table per batch. */
  private readonly id = (lastBatch += 1);
  private readonly questions: Question[] = [];
  private readonly classes: FieldClass[] = [];
  private readonly limits: CompiledLimit[] = [];
  private program = '';
  private costs = '';
  /** Numbers that the script answers with for these questions, beside its own. */
  replySize = 0;

  /** Whether another question still fits. */
  hasRoomFor({ meters }: Question): boolean {
    if (this.questions.length >= MOST_QUESTIONS || this.limits.length + meters.length > HIGHEST_BYTE)
      return false;
    for (const { count } of this.classes) if (count + meters.length > HIGHEST_BYTE) return false;
    return true;
  }

  get isFull(): boolean {
    return this.questions.length >= MOST_QUESTIONS;
  }

  add(question: Question): void {
    const { operation, meters, cost } = question;
    this.questions.push(question);
    let program = String.fromCharCode(operation, meters.length);
    for (let at = 0; at < meters.length; at += 1) {
      const meter = meters[at] as Meter;
      const units = unitsOf(cost, at);
      const limit = this.limitNumber(meter.limit);
      this.replySize += meter.limit.kind === 'window' ? 3 : 1;
      if (meter.batch !== this.id) this.place(meter);
      if (units < HIGHEST_BYTE) program += String.fromCharCode(limit, meter.slot, units);
      else {
        program += String.fromCharCode(limit, meter.slot, HIGHEST_BYTE);
        this.costs += `${units} `;
      }
    }
    this.program += program;
  }

  /** @param prefix of the states; the class and the parity of the generation follow */
  keys(prefix: string, versionKey: string): string[] {
    const keys: string[] = [];
    for (const { generationUs } of this.classes) {
      const key = `${prefix}:${generationUs / 1e6}`;
      keys.push(`${key}:0`, `${key}:1`);
    }
    keys.push(versionKey);
    return keys;
  }

  args(): (string | number)[] {
    const args: (string | number)[] = [this.program, this.costs, this.classes.length];
    for (const { generationUs, width, fields } of this.classes) args.push(generationUs, width, fields);
    for (const limit of this.limits) {
      const { number } = this.classOf(limit);
      args.push(number, limit.kind === 'window' ? 1 : 0, limit.periodUs, limit.capacity);
    }
    return args;
  }

  /** @param numbers the reply, which has been checked to be `replySize` integers from `start` on */
  answer(numbers: Float64Array, start: number, nowMs: number): void {
    const nowUs = Math.floor(nowMs * 1000);
    let at = start;
    for (const question of this.questions) {
      const { meters, cost } = question;
      const denied = (numbers[at] as number) < 0;
      const outcomes: LimitOutcome[] = [];
      for (let place = 0; place < meters.length; place += 1) {
        const meter = meters[place] as Meter;
        const units = unitsOf(cost, place);
        const first = numbers[at] as number;
        const value = denied ? -1 - first : first;
        if (meter.limit.kind === 'rate') {
          // The limit may have been lowered while Redis was asked about the higher one.
          meter.setAhead(Math.min(value, meter.limit.capacity), nowUs);
          outcomes.push(rateOutcome(value, meter.limit, units, denied));
          at += 1;
        } else {
          const counts = {
            current: value,
            previous: numbers[at + 1] as number,
            elapsedUs: numbers[at + 2] as number,
          };
          meter.setCounts(counts, nowUs);
          outcomes.push(windowOutcome(counts, meter.limit, units, denied));
          at += 3;
        }
      }
      try {
        question.answered(!denied, outcomes, nowMs);
      } catch (error) {
        // A fault of whoever asked this one: the others have their answers all the same.
        question.failed(error, nowMs);
      }
    }
  }

  fail(error: unknown, nowMs: number): void {
    for (const question of this.questions) question.failed(error, nowMs);
  }

  private limitNumber(limit: CompiledLimit): number {
    // A handful at most, and nearly always the first ones.
    const at = this.limits.indexOf(limit);
    return at >= 0 ? at + 1 : this.limits.push(limit);
  }

  private place(meter: Meter): void {
    const one = this.classOf(meter.limit);
    one.fields += meter.field;
    one.width = meter.field.length;
    one.count += 1;
    meter.batch = this.id;
    meter.slot = one.count;
  }

  private classOf({ generationUs }: CompiledLimit): FieldClass {
    for (const known of this.classes) if (known.generationUs === generationUs) return known;
    const made = { generationUs, number: this.classes.length + 1, fields: '', width: 1, count: 0 };
    this.classes.push(made);
    return made;
  }
}
