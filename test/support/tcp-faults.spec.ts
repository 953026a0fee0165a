import { describe, expect, it } from 'vitest';
import { ManualClock } from '../../src/kernel/manual-clock.js';
import { seededRandom } from './seeded-random.js';
import { bandwidth, corrupt, latency, sliceBytes, type Delivery, type Fault } from './tcp-faults.js';

/** What becomes of a chunk in one direction of a new connection. */
function send(fault: Fault, direction: 'up' | 'down' = 'down'): (chunk: Buffer) => Delivery[] {
  const treatment = fault.attach()[direction];
  if (typeof treatment !== 'function') throw new Error(`${fault.name} does not treat ${direction}`);
  return treatment;
}

const bytes = (deliveries: Delivery[]) => Buffer.concat(deliveries.map(({ data }) => data));
const delays = (deliveries: Delivery[]) => deliveries.map(({ delayMs }) => delayMs);

describe('latency', () => {
  it.each([
    [0, 40],
    [0.5, 60],
    [1, 80],
  ])('with a random number of %d delays by %d ms', (number, delayMs) => {
    const fault = latency(60, 20, () => number);
    expect(delays(send(fault)(Buffer.from('+OK\r\n')))).toEqual([delayMs]);
  });

  it('is never negative, and repeats its jitter for the same seed', () => {
    const jitter = (seed: number) => {
      const treat = send(latency(10, 50, seededRandom(seed)));
      return Array.from({ length: 50 }, () => treat(Buffer.from('x'))[0]?.delayMs ?? Number.NaN);
    };
    expect(Math.min(...jitter(1))).toBe(0);
    expect(Math.max(...jitter(1))).toBeGreaterThan(50);
    expect(jitter(1)).toEqual(jitter(1));
    expect(jitter(1)).not.toEqual(jitter(2));
  });
});

describe('bandwidth', () => {
  it('delivers a chunk in pieces of ten milliseconds, one after the other', () => {
    const treat = send(bandwidth(1_000, new ManualClock()));
    const deliveries = treat(Buffer.from('0123456789abcdefghijklmno'));
    expect(deliveries.map(({ data }) => data.toString())).toEqual(['0123456789', 'abcdefghij', 'klmno']);
    expect(delays(deliveries)).toEqual([10, 20, 25]);
  });

  it('lets a chunk wait for those before it, on whichever connection, and not for the other direction', () => {
    const clock = new ManualClock();
    const fault = bandwidth(1_000, clock);
    expect(delays(send(fault)(Buffer.alloc(10)))).toEqual([10]);
    clock.advance(4);
    expect(delays(send(fault)(Buffer.alloc(10)))).toEqual([16]);
    expect(delays(send(fault, 'up')(Buffer.alloc(10)))).toEqual([10]);
  });

  it('saves nothing up while nobody sends', () => {
    const clock = new ManualClock();
    const treat = send(bandwidth(1_000, clock));
    clock.advance(60_000);
    expect(delays(treat(Buffer.alloc(10)))).toEqual([10]);
  });
});

describe('corruption', () => {
  it('counts bytes over chunks, and for each connection anew', () => {
    const fault = corrupt({ everyNth: 3 });
    const treat = send(fault);
    expect([...bytes(treat(Buffer.alloc(4)))]).toEqual([0, 0, 0xff, 0]);
    expect([...bytes(treat(Buffer.alloc(4)))]).toEqual([0, 0xff, 0, 0]);
    expect([...bytes(send(fault)(Buffer.alloc(4)))]).toEqual([0, 0, 0xff, 0]);
  });

  it('hits about as many bytes as its rate says, and leaves the sender its own', () => {
    const sent = Buffer.alloc(10_000);
    const received = bytes(send(corrupt({ rate: 0.1, random: seededRandom(7) }))(sent));
    const hits = received.filter((byte) => byte === 0xff).length;
    expect(received).toHaveLength(10_000);
    expect(hits).toBeGreaterThan(900);
    expect(hits).toBeLessThan(1_100);
    expect(sent.every((byte) => byte === 0)).toBe(true);
  });
});

describe('slices', () => {
  it('keep every byte in order, also where the last one is short', () => {
    const deliveries = send(sliceBytes(2), 'up')(Buffer.from('hello'));
    expect(deliveries.map(({ data }) => data.toString())).toEqual(['he', 'll', 'o']);
    expect(deliveries.every(({ apart }) => apart)).toBe(true);
  });
});
