import type { INestApplication } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { IsInt, IsOptional, Max, Min } from 'class-validator';
import { ConfigModule, EnvVariable, type Profile, isLocal } from './config/index.js';
import { parseDurationMs } from './kernel/time.js';

export class ShutdownSettings {
  static readonly title = 'Shutdown';

  @EnvVariable('SHUTDOWN_DEADLINE_MS', {
    doc: 'The process has ended this long after SIGTERM, whatever Redis does; unset: 25000, or 5000 in local profiles',
    example: '25000',
    parse: parseDurationMs,
  })
  @IsOptional()
  @IsInt()
  @Min(2000)
  @Max(600_000)
  deadlineMs?: number;
}

@Module({
  imports: [ConfigModule.forFeature(ShutdownSettings)],
  exports: [ConfigModule.forFeature(ShutdownSettings)],
})
export class ShutdownModule {}

/** How the time between SIGTERM and the end is spent; the parts add up to the deadline. Milliseconds. */
export interface ShutdownBudget {
  readonly deadlineMs: number;
  /** Readiness is 503 and requests are still served, until load balancers have noticed. */
  readonly readinessDelayMs: number;
  /** Features drain and open requests finish. */
  readonly drainMs: number;
  /** Redis says goodbye. */
  readonly quitMs: number;
}

const QUIT_MS = 1000;

export function shutdownBudget(profile: Profile, { deadlineMs }: ShutdownSettings): ShutdownBudget {
  const total = deadlineMs ?? (isLocal(profile) ? 5000 : 25_000);
  // Nobody balances load in front of a local process, so Ctrl-C does not wait there.
  const readinessDelayMs = isLocal(profile) ? 0 : Math.min(5000, Math.floor(total / 5));
  return {
    deadlineMs: total,
    readinessDelayMs,
    drainMs: total - readinessDelayMs - QUIT_MS,
    quitMs: QUIT_MS,
  };
}

export interface ShutdownSteps {
  /** Turns readiness off. */
  readonly begin: () => void;
  /** Runs every hook, closes HTTP and then Redis. */
  readonly close: () => Promise<void>;
  /** Cuts the requests and streams that are still open. */
  readonly cut: () => void;
}

/**
 * Ends the application inside its budget, in order: readiness off, drain, HTTP, Redis. The hooks of Nest give
 * the order; this gives the bound, which they lack: one open stream would hold `close()` for ever.
 *
 * @returns true when everything ended by itself or by being cut, false when the deadline had to decide
 */
export async function shutDown(steps: ShutdownSteps, budget: ShutdownBudget): Promise<boolean> {
  steps.begin();
  await delay(budget.readinessDelayMs);
  const cut = setTimeout(steps.cut, budget.drainMs);
  const closed = steps.close().then(() => true);
  const late = delay(budget.drainMs + budget.quitMs).then(() => false);
  try {
    return await Promise.race([closed, late]);
  } finally {
    clearTimeout(cut);
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** The steps for an application on Node's HTTP server. */
export function shutdownSteps(app: INestApplication, begin: () => void): ShutdownSteps {
  return {
    begin,
    close: () => app.close(),
    cut: () => (app.getHttpServer() as { closeAllConnections(): void }).closeAllConnections(),
  };
}
