import { beforeEach, describe, expect, it } from 'vitest';
import type { Subjects } from '../policies/policy.js';
import type { StreamLease } from './stream-decision.js';
import { openStreamQuotas } from './stream-quotas.rig.js';

const byUser = (target: { pattern: string } | { id: string }, streams: number) =>
  ({ streamQuota: 'chat', limit: 'chat-user', streams, ...target }) as const;

/** Everything counted in this process, with nothing replaced: what operators set is read as Redis would have it. */
describe('A number of streams that operators have set', () => {
  let rig: ReturnType<typeof openStreamQuotas>;
  beforeEach(() => (rig = openStreamQuotas()));

  async function fill(subjects: Subjects): Promise<StreamLease[]> {
    const opened: StreamLease[] = [];
    for (;;) {
      const { lease } = await rig.streams.open('chat', subjects);
      if (!lease) return opened;
      opened.push(lease);
    }
  }

  it('takes the place of the limit, for its subject or else by the longest pattern', async () => {
    rig.override(
      byUser({ pattern: '*' }, 1),
      byUser({ pattern: 'gold-*' }, 40),
      byUser({ id: rig.digestOf('user', 'gold-1') }, 7),
    );
    expect(await fill({ user: 'ann' })).toHaveLength(1);
    expect(await fill({ user: 'gold-2' })).toHaveLength(40);
    expect(await fill({ user: 'gold-1' })).toHaveLength(7);
    const { decision } = await rig.streams.open('chat', { user: 'gold-2' });
    expect(decision.limits.map(({ limit, remaining }) => [limit.name, limit.streams, remaining])).toEqual([
      ['chat-user', 40, 0],
    ]);
    rig.override();
    expect(await fill({ user: 'bob' })).toHaveLength(5);
  });

  it('leaves the other limits of the quota as they are', async () => {
    rig.override(byUser({ pattern: '*' }, 1000));
    expect(await fill({ tenant: 'acme', user: 'ann' })).toHaveLength(50);
  });

  it('that is lower closes nothing: new streams are opened when enough of the others have ended', async () => {
    const opened = await fill({ user: 'ann' });
    rig.override(byUser({ pattern: 'ann' }, 2));
    expect(rig.leases.size).toBe(5);
    for (const { close } of opened.splice(0, 3)) {
      expect((await rig.streams.open('chat', { user: 'ann' })).allowed).toBe(false);
      close();
    }
    expect(rig.leases.size).toBe(2);
    expect((await rig.streams.open('chat', { user: 'ann' })).allowed).toBe(false);
    opened.pop()?.close();
    expect(await fill({ user: 'ann' })).toHaveLength(1);
  });

  it('is shared by the instances where each counts for itself', async () => {
    rig.state.instances = 4;
    expect(await fill({ user: 'ann' })).toHaveLength(1);
    rig.override(byUser({ pattern: 'bob' }, 40));
    expect(await fill({ user: 'bob' })).toHaveLength(10);
  });
});
