import { HealthIndicatorService } from '@nestjs/terminus';
import { NEVER } from 'rxjs';
import { describe, expect, it } from 'vitest';
import type { RateLimitStore } from '../rate-limit/index.js';
import { type PurposeStatus, RedisStatus } from '../redis/index.js';
import { CompartmentNotes } from '../telemetry/index.js';
import { RedisHealth } from './redis.health.js';

class OnePurpose extends RedisStatus {
  readonly required: readonly string[] = [];
  state: PurposeStatus['state'] = 'up';

  all(): PurposeStatus[] {
    const lost = this.state === 'up' ? {} : { reason: 'refused' };
    return [{ purpose: 'billingEvents', state: this.state, sinceMs: 0, ...lost } as PurposeStatus];
  }
  of() {
    return this.all()[0] as PurposeStatus;
  }
  changes() {
    return NEVER;
  }
  ready() {
    return true;
  }
}

function rig() {
  const [status, notes] = [new OnePurpose(), new CompartmentNotes()];
  const health = new RedisHealth(status, new HealthIndicatorService(), {} as RateLimitStore, notes);
  return { status, notes, health };
}

describe('a compartment that answers and does not do what it should', () => {
  it('is degraded with the reason for as long as a feature says so', () => {
    const { notes, health } = rig();
    let note: string | undefined;
    notes.add('billingEvents', () => undefined);
    notes.add('billingEvents', () => note);
    expect(health.report('billingEvents', false)).toEqual({ status: 'up' });

    note = 'projector-backlog';
    const degraded = { status: 'degraded', reason: 'projector-backlog' };
    expect(health.report('billingEvents', false)).toEqual(degraded);
    expect(health.reports(false)).toEqual({ billingEvents: degraded });
    expect(health.report('billingEvents', true)).toMatchObject({ ...degraded, since: expect.any(String) });
    expect(health.check()).toMatchObject({ billingEvents: { status: 'degraded' } });

    note = undefined;
    expect(health.check()).toMatchObject({ billingEvents: { status: 'up' } });
  });

  it('is down for the reason of its loss once it does not answer', () => {
    const { notes, health, status } = rig();
    notes.add('billingEvents', () => 'projector-backlog');
    status.state = 'down';
    expect(health.report('billingEvents', false)).toEqual({ status: 'down', reason: 'refused' });
  });

  it('says nothing about other compartments', () => {
    const { notes, health } = rig();
    notes.add('rateLimit', () => 'whatever');
    expect(health.report('billingEvents', false)).toEqual({ status: 'up' });
  });
});
