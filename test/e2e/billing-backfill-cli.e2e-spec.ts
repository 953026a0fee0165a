import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { BACKFILL_LOCK_KEY, LOG_KEY } from '../../src/billing/log/keys.js';
import { fakeEvents } from '../support/fake-stripe.js';
import { type OwnBuild, createOwnBuild } from '../support/own-build.js';
import { describeReal } from '../support/redis-availability.js';
import { waitFor } from '../support/wait-for.js';
import { OpsHouse } from './billing-ops/house.js';

const anHourAgo = () => Math.floor(Date.now() / 1000) - 3600;

describeReal('billing backfill', () => {
  let build: OwnBuild;
  let house: OpsHouse;
  beforeAll(() => {
    build = createOwnBuild('billing-backfill');
  });
  afterAll(() => build.remove());
  beforeEach(async () => {
    house = await OpsHouse.open();
  });
  afterEach(() => house.close());

  const backfill = (...words: string[]) => house.command(build.cli, ['billing', 'backfill', ...words]);
  /** Pages take so long that a process can be caught in the middle. */
  const slow = (pages: number) =>
    house.stripe.trouble(...Array.from({ length: pages }, () => ({ kind: 'slow', ms: 150 }) as const));
  const kept = async () => (await house.entries()).map(({ eventId }) => eventId);
  const half = (count: number) =>
    waitFor(async () => (await kept()).length >= count, { what: `${count} events`, timeoutMs: 30_000 });

  it('is killed in the middle, again and again, and has every event once in the end', async () => {
    house.stripe.add(fakeEvents({ count: 3000, startS: anHourAgo(), perSecond: 2 }));
    for (const last of [6, 9]) {
      // It gets some pages, and waits for the next one until it dies.
      let pages = 0;
      house.stripe.onRequest = (query) => {
        if (query.has('ending_before')) pages += 1;
        if (pages === last) house.stripe.trouble({ kind: 'slow', ms: 3_600_000 });
      };
      const running = backfill();
      await waitFor(() => pages === last, { what: 'the page that does not come', timeoutMs: 30_000 });
      const second = await backfill().end;
      expect(second.code).toBe(69);
      expect(second.err).toMatch(
        new RegExp(`A backfill is running: \\S+:${running.process.pid} has it since`),
      );
      running.process.kill('SIGKILL');
      await running.end;
      expect((await kept()).length).toBeGreaterThan(0);
      expect((await kept()).length).toBeLessThan(3000);
      await waitFor(async () => (await house.redis.admin().exists(BACKFILL_LOCK_KEY)) === 0, {
        what: 'the lock of the dead process to end',
        timeoutMs: 10_000,
      });
    }
    house.stripe.onRequest = () => undefined;
    const { code, out, err } = await backfill().end;
    expect({ code, err }).toMatchObject({ code: 0, err: expect.stringContaining('Going on with backfill') });
    expect(out).toMatch(/done: \d+ new, \d+ known, 0 refused/);
    const ids = await kept();
    expect(ids.length).toBe(3000);
    expect(new Set(ids).size).toBe(3000);
    expect((await house.entries()).filter(({ stale }) => stale)).toEqual([]);
  });

  it('ends in order at Ctrl-C, gives the lock back, and is gone on with at once', async () => {
    house.stripe.add(fakeEvents({ count: 1500, startS: anHourAgo(), perSecond: 2 }));
    slow(100);
    const running = backfill();
    await half(300);
    running.process.kill('SIGINT');
    const { code, err } = await running.end;
    expect(code).toBe(69);
    expect(err).toContain('The work was interrupted. Start again to go on.');
    expect(err).toMatch(/\[#+-+\] {2}\d+\.\d % {2}\d+\/s/);
    expect((await backfill().end).code).toBe(0);
    expect(new Set(await kept()).size).toBe(1500);
    expect((await kept()).length).toBe(1500);
  });

  it('leaves something that the other commands show, count and tell again', async () => {
    house.stripe.add(fakeEvents({ count: 40, startS: anHourAgo() }));
    const first = await backfill('--json').end;
    expect(JSON.parse(first.out)).toMatchObject({ state: 'done', taken: 40 });
    const cli = async (...words: string[]) => await house.command(build.cli, ['billing', ...words]).end;
    const listed = await cli('events', '--type', 'invoice.*', '--limit', '5', '--json');
    const [newest] = listed.out.trim().split('\n');
    expect(listed.out.trim().split('\n')).toHaveLength(5);
    // Within a page those of different objects may overtake: which one is the newest, the log says.
    const last = (await house.entries()).findLast(({ type }) => type === 'invoice.paid');
    expect(JSON.parse(newest ?? '')).toMatchObject({ type: 'invoice.paid', eventId: last?.eventId });
    const preview = await cli('replay', '--type', 'invoice.*', '--to', 'stream', '--id', 'of-this-test');
    expect(preview).toMatchObject({
      code: 0,
      out: expect.stringContaining('Would replay 20 of 40 entries to stream'),
    });
    expect(preview.err).toContain('Nothing was changed. Add --yes to do it.');
    expect((await kept()).length).toBe(40);
    const done = await cli(
      'replay',
      '--type',
      'invoice.*',
      '--to',
      'stream',
      '--id',
      'of-this-test',
      '--yes',
      '--json',
    );
    expect(JSON.parse(done.out)).toMatchObject({ matched: 20, outcomes: { told: 20 } });
    expect((await kept()).length).toBe(60);
    const lag = JSON.parse((await cli('lag', '--json')).out) as Record<string, unknown>;
    expect(lag).toMatchObject({
      log: { entries: 60 },
      dead_letters: 0,
      backfill: { last: { state: 'done', progress: 1 } },
    });
    expect((await cli('dlq')).err).toContain('0 dead letters.');
    expect((await cli('dlq', '--discard')).code).toBe(64);
    expect((await cli('replay')).err).toContain('Say which events');
    expect((await cli('replay', '--to', 'nowhere', '--type', '*')).code).toBe(64);
    // Somebody else's, of the right form, and no JSON inside.
    const [oldest] = await house.redis.admin().xrange(LOG_KEY, '-', '+', 'COUNT', 1);
    const fields = (oldest?.[1] ?? []).map((text, at, all) =>
      all[at - 1] === 'd' && at % 2 ? '{not json}' : text,
    );
    const foreign = String(await house.redis.admin().xadd(LOG_KEY, '*', ...fields));
    const odd = await cli('events', '--limit', '1', '--json');
    expect([odd.code, JSON.parse(odd.out)]).toMatchObject([0, { id: foreign, data: '{not json}' }]);
  });

  it('names a replay before it tells anything, so that one that was killed is gone on with', async () => {
    house.stripe.add(fakeEvents({ count: 1000, startS: anHourAgo() }));
    await backfill().end;
    const words = ['billing', 'replay', '--type', '*', '--to', 'stream', '--yes'];
    const killed = house.command(build.cli, words);
    await waitFor(async () => (await kept()).length > 1010, { what: 'some to be told', timeoutMs: 30_000 });
    killed.process.kill('SIGKILL');
    await killed.end;
    const [, id = ''] = /^Replay ([\w-]+)\. .*--id \1 goes on/m.exec(killed.err()) ?? [];
    const before = (await kept()).length;
    expect(before).toBeLessThan(2000);
    const again = await house.command(build.cli, [...words, '--id', id, '--json']).end;
    const { outcomes } = JSON.parse(again.out) as { outcomes: Record<string, number> };
    process.stdout.write(`  killed after ${before - 1000} of 1000; then ${JSON.stringify(outcomes)}\n`);
    expect(outcomes).toEqual({ 'told-before': before - 1000, told: 2000 - before });
    const told = (await kept()).slice(1000);
    expect([told.length, new Set(told).size]).toEqual([1000, 1000]);
  });

  it('says what is missing, and shows no key', async () => {
    const missing = await house.command(build.cli, ['billing', 'backfill'], { STRIPE_SECRET_KEY: '' }).end;
    expect(missing.code).toBe(64);
    expect(missing.err).toContain('STRIPE_SECRET_KEY is not set');
    const http = await house.command(build.cli, ['billing', 'backfill'], {
      STRIPE_API_BASE: 'http://stripe.example.com',
      STRIPE_SECRET_KEY: 'sk_live_canary_of_this_test',
    }).end;
    expect(http.code).toBe(78);
    expect(http.err).toContain('would send a live key in the clear');
    expect(http.err).not.toContain('canary');
  });
});
