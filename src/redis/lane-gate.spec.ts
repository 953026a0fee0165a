import { beforeEach, describe, expect, it } from 'vitest';
import { LaneGate } from './lane-gate.js';

describe('LaneGate', () => {
  let gate: LaneGate;
  beforeEach(() => {
    gate = new LaneGate('rateLimit');
  });

  it('is shut until the first proof', () => {
    expect(gate.isOpen).toBe(false);
    expect(gate.refusal()).toMatchObject({ purpose: 'rateLimit', reason: 'other', maybeExecuted: false });
    gate.open();
    expect(gate.isOpen).toBe(true);
  });

  it('refuses with the reason that it was last shut for', () => {
    gate.open();
    gate.shut('refused');
    expect(gate.isOpen).toBe(false);
    gate.shut('dns');
    expect(gate.refusal()).toMatchObject({ reason: 'dns', maybeExecuted: false });
  });

  it('refuses with "timeout" while it is open: then nobody answers behind it', () => {
    gate.open();
    expect(gate.refusal()).toMatchObject({ reason: 'timeout', maybeExecuted: false });
  });

  it('keeps callers off as soon as the connection is about to end', () => {
    gate.open();
    gate.losing('protocol');
    expect(gate.isOpen).toBe(false);
    expect(gate.refusal().reason).toBe('protocol');
  });

  it('lets the first word on a loss stand', () => {
    gate.open();
    gate.losing('readonly');
    gate.losing('reset');
    expect(gate.refusal().reason).toBe('readonly');
    expect(gate.lost()).toMatchObject({ reason: 'readonly', maybeExecuted: true });
    expect(gate.takeLoss()).toEqual({ reason: 'readonly', replaced: false });
  });

  it('does not change why it is shut when a later attempt fails', () => {
    gate.shut('auth');
    gate.losing('refused');
    expect(gate.refusal().reason).toBe('auth');
    expect(gate.takeLoss().reason).toBe('refused');
  });

  it('takes a loss without a word on it for a reset', () => {
    gate.open();
    expect(gate.lost()).toMatchObject({ reason: 'reset', maybeExecuted: true });
    expect(gate.takeLoss()).toEqual({ reason: 'reset', replaced: false });
  });

  it('tells a loss once', () => {
    gate.open();
    gate.losing('tls');
    gate.takeLoss();
    expect(gate.takeLoss()).toEqual({ reason: 'reset', replaced: false });
  });

  it('forgets the last loss when it opens', () => {
    gate.losing('tls');
    gate.open();
    expect(gate.lost().reason).toBe('reset');
    gate.losing('oom');
    expect(gate.takeLoss().reason).toBe('oom');
  });

  it('knows a connection that was replaced on purpose until it asked or opened', () => {
    gate.open();
    gate.replace();
    expect(gate.isOpen).toBe(false);
    expect(gate.isReplacing).toBe(true);
    expect(gate.takeLoss()).toEqual({ reason: 'reset', replaced: true });
    expect(gate.isReplacing).toBe(false);
    gate.open();
    gate.replace();
    gate.open();
    expect(gate.isReplacing).toBe(false);
  });

  it('takes nothing for a replacement that was lost already', () => {
    gate.open();
    gate.losing('refused');
    gate.replace();
    expect(gate.isReplacing).toBe(false);
    expect(gate.takeLoss()).toEqual({ reason: 'refused', replaced: false });
  });

  it('tells callers to wait a second', () => {
    expect(gate.refusal()).toMatchObject({ status: 503, retryAfterMs: 1000 });
    expect(gate.error('oom', true)).toMatchObject({ reason: 'oom', maybeExecuted: true });
  });
});
