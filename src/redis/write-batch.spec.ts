import { beforeEach, describe, expect, it } from 'vitest';
import { WriteBatch } from './write-batch.js';

describe('WriteBatch', () => {
  let batch: WriteBatch;
  let sent: (string | Buffer)[];
  const target = { write: (data: string | Buffer) => sent.push(data) };

  beforeEach(() => {
    batch = new WriteBatch();
    sent = [];
  });

  function gather(...data: (string | Buffer)[]): void {
    batch.open = true;
    for (const part of data) batch.write(part);
  }

  it('sends several texts as one text', () => {
    gather('a', 'b', 'ü');
    expect(sent).toEqual([]);
    batch.flushTo(target);
    expect(sent).toEqual(['abü']);
  });

  it('sends bytes and texts as one write in the order in which they came', () => {
    gather('a', Buffer.of(0, 255), 'ü', 'b', Buffer.of(13), Buffer.of(10), 'c');
    batch.flushTo(target);
    const expected = [
      Buffer.from('a'),
      Buffer.of(0, 255),
      Buffer.from('üb'),
      Buffer.of(13, 10),
      Buffer.from('c'),
    ];
    expect(sent).toEqual([Buffer.concat(expected)]);
  });

  it('sends bytes alone unchanged', () => {
    gather(Buffer.of(255));
    batch.flushTo(target);
    expect(sent).toEqual([Buffer.of(255)]);
  });

  it('sends nothing twice', () => {
    gather('a', Buffer.of(1));
    batch.flushTo(target);
    batch.flushTo(target);
    gather('b');
    batch.flushTo(target);
    expect(sent).toEqual([Buffer.from([97, 1]), 'b']);
    gather('c');
    batch.flushTo(target);
    expect(sent).toHaveLength(3);
    expect(sent[2]).toBe('c');
  });

  it('is full by bytes as by text, and not any more when it was sent', () => {
    gather('a'.repeat(400), Buffer.alloc(600), 'b'.repeat(23));
    expect(batch.full).toBe(false);
    batch.write('b');
    expect(batch.full).toBe(true);
    batch.flushTo(target);
    expect(batch.full).toBe(false);
    gather(Buffer.alloc(1024));
    expect(batch.full).toBe(true);
    batch.discard();
    expect(batch.full).toBe(false);
  });

  it('is closed by sending, so that the next command opens it anew', () => {
    gather('a');
    batch.flushTo(target);
    expect(batch.open).toBe(false);
  });

  it('sends nothing while it is not open', () => {
    batch.write('a');
    batch.flushTo(target);
    expect(sent).toEqual([]);
  });

  it('makes no empty write', () => {
    gather();
    batch.flushTo(target);
    expect(sent).toEqual([]);
    expect(batch.open).toBe(false);
  });

  it.each(['sent', 'discarded'])('is full with 50 commands, texts and bytes, until they are %s', (how) => {
    for (let round = 0; round < 2; round += 1) {
      gather(...Array.from({ length: 48 }, () => 'a'), Buffer.of(1));
      expect(batch.full).toBe(false);
      batch.write('b');
      expect(batch.full).toBe(true);
      if (how === 'sent') batch.flushTo(target);
      else batch.discard();
      expect(batch.full).toBe(false);
    }
  });

  it('is full with a kilobyte of text, however few the commands', () => {
    gather('a'.repeat(1023));
    expect(batch.full).toBe(false);
    batch.write('b');
    expect(batch.full).toBe(true);
    batch.flushTo(target);
    expect(batch.full).toBe(false);
  });

  it('forgets what was gathered for a connection that is gone', () => {
    gather('a', Buffer.of(1), 'b');
    batch.discard();
    expect(batch.open).toBe(false);
    batch.flushTo(target);
    gather('c');
    batch.flushTo(target);
    expect(sent).toEqual(['c']);
  });
});
