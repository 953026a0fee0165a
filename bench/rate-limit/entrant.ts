import { setTimeout as sleep } from 'node:timers/promises';
import { MEASURED_CORE, pin } from '../cores.js';
import { Helper } from '../helper.js';
import type { Setting } from './contestant.js';
import type { Admissions, ContestantOrder, Phase, Round, Traffic } from './contestant-process.js';
import type { MeasuredServer } from './measured-server.js';

/** Microseconds per decision, unless said otherwise. */
export interface Sample {
  readonly perSecond: number;
  readonly nodeUs: number;
  readonly redisUs: number;
  /** Script calls per decision. */
  readonly calls: number;
}

export interface Load {
  readonly traffic: Traffic;
  readonly concurrency: number;
  readonly ms: number;
  /** What every answer has to be; a limiter that lets through what it should deny has not been fast. */
  readonly expect: 'allowed' | 'denied';
}

const MOST_ATTEMPTS = 10;
/** A limiter that has lost Redis needs a moment to find it again. */
const RECOVERY_MS = 2000;

/** A contestant that has entered: its process, and what a round of it costs. */
export class Entrant {
  private constructor(
    readonly name: string,
    readonly title: string,
    private readonly helper: Helper<ContestantOrder>,
  ) {}

  static async enter(name: string, setting: Setting, clients = 1): Promise<Entrant> {
    const helper = Helper.start<ContestantOrder>(new URL('./contestant-process.js', import.meta.url));
    pin(helper.pid, MEASURED_CORE);
    const title = String(await helper.tell({ open: name, setting, clients }));
    return new Entrant(name, title, helper);
  }

  /** Rounds that were measured again, because the contestant took the stalled machine for an outage of Redis. */
  repeated = 0;

  async round(load: Load, server: MeasuredServer): Promise<Sample> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const sample = await this.attempt(load, server);
      if (sample) return sample;
      this.repeated += 1;
      await sleep(RECOVERY_MS);
    }
    throw new Error(`${this.title}: decides without Redis in every round`);
  }

  /** @returns undefined when some decisions were made without Redis */
  private async attempt(load: Load, server: MeasuredServer): Promise<Sample | undefined> {
    const { traffic, concurrency, ms, expect } = load;
    if (traffic === 'fresh') await server.flush();
    const callsBefore = await server.scriptCalls();
    const cpuBefore = await server.cpuUs();
    const order = { round: { ms, concurrency, traffic } };
    const round = (await this.helper.tell(order)) as Round;
    const redisUs = (await server.cpuUs()) - cpuBefore;
    const calls = (await server.scriptCalls()) - callsBefore;
    const { decisions, allowed } = round;
    if (round.degraded > 0) return undefined;
    const wrong = expect === 'allowed' ? decisions - allowed : allowed;
    if (wrong > 0) throw new Error(`${this.title}: ${wrong} of ${decisions} answers were not "${expect}"`);
    return {
      perSecond: (decisions / round.ms) * 1000,
      nodeUs: round.cpuUs / decisions,
      redisUs: redisUs / decisions,
      calls: calls / decisions,
    };
  }

  /** Asks about each of that many subjects until all are denied. */
  async exhaust(subjects: number): Promise<void> {
    for (let pass = 0; pass < MOST_ATTEMPTS; pass += 1) {
      if ((await this.each(subjects)) === 0) return;
    }
    throw new Error(`${this.title}: never denies all of ${subjects} subjects`);
  }

  /** Decides once about each of that many subjects. @returns how many were allowed */
  async each(subjects: number, from = 0): Promise<number> {
    return (await this.helper.tell({ each: subjects, from })) as number;
  }

  /** @returns when attempts were admitted, milliseconds since the first one */
  async attack(phases: readonly Phase[]): Promise<readonly number[]> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt += 1) {
      const { admitted, degraded } = (await this.helper.tell({ attack: phases })) as Admissions;
      if (degraded === 0) return admitted;
      this.repeated += 1;
      await sleep(RECOVERY_MS);
    }
    throw new Error(`${this.title}: decides without Redis in every attack`);
  }

  leave(): Promise<void> {
    return this.helper.stop();
  }
}
