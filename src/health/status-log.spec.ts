import { Logger } from '@nestjs/common';
import { BehaviorSubject } from 'rxjs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Profile, Settings } from '../config/index.js';
import { ManualClock } from '../kernel/manual-clock.js';
import { type PurposeStatus, RedisStatus } from '../redis/index.js';
import { LogSettings } from '../telemetry/index.js';
import { StatusLog } from './status-log.js';

const MINUTE = 60_000;
const lines: string[] = [];
const note = (level: string) => (message: string) => void lines.push(`${level} ${message}`);

beforeEach(() => {
  lines.splice(0);
  Logger.overrideLogger({
    log: note('info'),
    warn: note('warn'),
    error: note('error'),
    debug: note('debug'),
  });
});
afterEach(() => Logger.overrideLogger(false));

class OnePurpose extends RedisStatus {
  readonly required = [];
  private readonly subject: BehaviorSubject<PurposeStatus>;

  constructor(private readonly clock: ManualClock) {
    super();
    const row = { purpose: 'billingEvents', state: 'up', outage: 'closed', sinceMs: clock.nowMs() };
    this.subject = new BehaviorSubject(row as unknown as PurposeStatus);
  }
  turn(state: PurposeStatus['state'], reason?: PurposeStatus['reason']): void {
    const { reason: _before, ...row } = this.subject.value;
    this.subject.next({ ...row, state, sinceMs: this.clock.nowMs(), ...(reason ? { reason } : {}) });
  }
  all() {
    return [this.subject.value];
  }
  of() {
    return this.subject.value;
  }
  changes() {
    return this.subject.asObservable();
  }
  ready() {
    return true;
  }
  get watched() {
    return this.subject.observed;
  }
}

function start(profile: Profile = 'production') {
  const clock = new ManualClock();
  const status = new OnePurpose(clock);
  const settings = Object.assign(new LogSettings(), { warnIntervalMs: 5 * MINUTE });
  const log = new StatusLog(status, new Settings(profile), settings, clock);
  return { clock, status, log };
}

describe('the log of compartments', () => {
  it('says nothing about one that is up', () => {
    start().log.onApplicationBootstrap();
    expect(lines).toEqual([]);
  });

  it('warns about one that was lost before the start', () => {
    const { status, log } = start();
    status.turn('down', 'refused');
    log.onApplicationBootstrap();
    expect(lines).toEqual(['error PRODUCTION DEGRADED: billingEvents is down (refused)']);
  });

  it('writes each change of state, but warns once per five minutes however often it flaps', () => {
    const { clock, status, log } = start('staging');
    log.onApplicationBootstrap();
    for (let second = 0; second < 60; second += 2) {
      status.turn('down', 'reset');
      clock.advance(1000);
      status.turn('up');
      clock.advance(1000);
    }
    expect(lines.filter((line) => line.startsWith('info'))).toHaveLength(60);
    expect(lines.filter((line) => line.startsWith('warn'))).toEqual([
      'warn Degraded: billingEvents is down (reset)',
    ]);
  });

  it('reminds every five minutes while it stays lost, and no longer when it is back', () => {
    const { clock, status, log } = start();
    log.onApplicationBootstrap();
    status.turn('down', 'timeout');
    for (let minute = 0; minute < 16; minute++) clock.advance(MINUTE);
    expect(lines.filter((line) => line.startsWith('error'))).toHaveLength(4);
    status.turn('up');
    clock.advance(60 * MINUTE);
    expect(lines.filter((line) => line.startsWith('error'))).toHaveLength(4);
    expect(lines.at(-1)).toBe('info Compartment billingEvents: down -> up');
  });

  it('takes a changed reason for a detail', () => {
    const { status, log } = start();
    log.onApplicationBootstrap();
    status.turn('down', 'refused');
    lines.splice(0);
    status.turn('down', 'timeout');
    expect(lines).toEqual(['debug Reason changed']);
  });

  it('is silent once the application closes', () => {
    const { clock, status, log } = start();
    log.onApplicationBootstrap();
    status.turn('down', 'refused');
    log.onModuleDestroy();
    lines.splice(0);
    status.turn('up');
    clock.advance(60 * MINUTE);
    expect(lines).toEqual([]);
    expect(status.watched).toBe(false);
  });
});
