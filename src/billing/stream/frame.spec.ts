import { describe, expect, it } from 'vitest';
import type { LogEntry } from '../log/log-entry.js';
import { chunkOf } from './chunk.js';
import { byeFrame, cursorFrame, eventFrame, gapFrame, shownData } from './frame.js';

const entry = (more: Partial<LogEntry> = {}): LogEntry => ({
  id: '5-1',
  tenantSequence: 7,
  tenantId: 't',
  type: 'invoice.paid',
  eventId: 'evt_1',
  createdS: 1,
  objectId: '',
  data: '{"a":1}',
  stale: false,
  replayed: false,
  ...more,
});

describe('The frames of the stream', () => {
  it('are id, event and one line of data', () => {
    expect(eventFrame(entry()).toString()).toBe('id: 5-1.7\nevent: invoice.paid\ndata: {"a":1}\n\n');
  });

  it('mark what is late, and what is told once more', () => {
    expect(shownData(entry({ stale: true }))).toBe('{"a":1,"stale":true}');
    expect(shownData(entry({ stale: true, replayed: true, data: '{}' }))).toBe(
      '{"stale":true,"replayed":true}',
    );
    expect(shownData(entry({ stale: true, data: '[1]' }))).toBe('[1]');
  });

  it('let no line break of a foreign text become a field', () => {
    const frame = eventFrame(entry({ type: 'x\nid: 9-9.9', data: '{}\r\nid: 9-9.9\rretry: 1\n\nevent: y' }));
    const fields = frame.toString().split('\n').filter(Boolean);
    expect(fields.map((line) => line.slice(0, line.indexOf(':')))).toEqual([
      'id',
      'event',
      'data',
      'data',
      'data',
      'data',
      'data',
    ]);
  });

  it('of control have no id', () => {
    const from = { entryId: '1-0', sequence: 1 } as const;
    const oldest = { entryId: '9-0', sequence: 9 } as const;
    expect(gapFrame({ reason: 'trimmed', from, oldest, missed: 7 }).toString()).toBe(
      'event: gap\ndata: {"reason":"trimmed","from":"1-0.1","oldest":"9-0.9","missed":7}\n\n',
    );
    expect(gapFrame({ reason: 'unknown' }).toString()).toBe('event: gap\ndata: {"reason":"unknown"}\n\n');
    expect(byeFrame('drain', 1500.4).toString()).toBe(
      'retry: 1500\n\nevent: bye\ndata: {"reason":"drain"}\n\n',
    );
    expect(cursorFrame(from).toString()).toBe('id: 1-0.1\n\n');
  });
});

describe('A chunk', () => {
  it('is the same bytes with and without the frame of HTTP/1.1', () => {
    const { framed, plain, events } = chunkOf([Buffer.from('grüße'), Buffer.from('!'.repeat(20))], 2);
    expect(framed.toString()).toBe(`1b\r\ngrüße${'!'.repeat(20)}\r\n`);
    expect([plain.toString(), events]).toEqual([`grüße${'!'.repeat(20)}`, 2]);
    expect(plain.buffer).toBe(framed.buffer);
  });

  it('is never empty, which would end the answer', () => {
    expect(() => chunkOf([])).toThrow(RangeError);
  });
});
