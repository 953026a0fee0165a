import { beforeEach, describe, expect, it } from 'vitest';
import { setImmediate as turn } from 'node:timers/promises';
import { GroupCommit } from './group-commit.js';

describe('GroupCommit', () => {
  let commit: GroupCommit;
  let waits: { answer: (count: number) => void; fail: (error: Error) => void }[];
  let told: string[];

  const write = (name: string) =>
    commit.join().hold({
      release: () => void told.push(`${name} released`),
      refuse: (reason) => void told.push(`${name} refused: ${reason}`),
    });

  beforeEach(() => {
    waits = [];
    told = [];
    commit = new GroupCommit(
      1,
      () => new Promise((answer, fail: (error: Error) => void) => waits.push({ answer, fail })),
    );
  });

  it('sends one WAIT for the writes of a turn, and none where nothing was written', () => {
    commit.commit();
    write('a');
    write('b');
    expect(waits).toHaveLength(0);
    commit.commit();
    commit.commit();
    expect(waits).toHaveLength(1);
  });

  it('lets what is written while one is under way share the next one', async () => {
    write('a');
    commit.commit();
    write('b');
    commit.commit();
    write('c');
    commit.commit();
    expect(waits).toHaveLength(1);
    waits[0]?.answer(1);
    await turn();
    expect(told).toEqual(['a released']);
    expect(waits).toHaveLength(2);
    waits[1]?.answer(0);
    await turn();
    expect(told.slice(1)).toEqual(['b refused: noreplicas', 'c refused: noreplicas']);
  });

  it('tells what the connection was lost by, and sends nothing more for it', async () => {
    write('a');
    commit.commit();
    write('b');
    commit.lost('readonly');
    expect(told).toEqual(['a refused: readonly']);
    waits[0]?.fail(new Error('Connection is closed.'));
    await turn();
    commit.commit();
    expect(told).toHaveLength(1);
    expect(waits).toHaveLength(1);
  });

  it('tells a server that refuses WAIT by its own reason', async () => {
    write('a');
    commit.commit();
    waits[0]?.fail(new Error("NOPERM this user has no permissions to run the 'wait' command"));
    await turn();
    expect(told).toEqual(['a refused: noperm']);
  });
});
