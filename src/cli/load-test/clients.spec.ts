import { describe, expect, it } from 'vitest';
import { announcedPerMinute, clientsFor, loopbackAddress } from './clients.js';

describe('Simulated clients', () => {
  it.each([
    [100 / 60, 1, 100],
    [1000 / 60, 5, 200],
    [2000, 500, 240],
  ])('at %d requests per second are %i, each inside its limit', (rate, count, each) => {
    const clients = clientsFor(rate, 300, true);
    expect(clients.count).toBe(count);
    expect(clients.perMinuteEach).toBeCloseTo(each, 6);
    expect(clients.insideLimits).toBe(true);
  });

  it('take turns, and have a loopback address each', () => {
    const { count, addressOf } = clientsFor(2000, 300, true);
    const addresses = Array.from({ length: count * 3 }, (_, index) => addressOf(index));
    expect(new Set(addresses).size).toBe(500);
    expect(addresses.slice(0, 3)).toEqual(['127.0.0.2', '127.0.0.3', '127.0.0.4']);
    expect(addresses[count]).toBe('127.0.0.2');
    expect(loopbackAddress(252)).toBe('127.0.0.254');
    expect(loopbackAddress(253)).toBe('127.0.1.2');
  });

  it('are one address of the system without loopback, inside the limit up to the limit', () => {
    expect(clientsFor(5, 300, false)).toMatchObject({ count: 1, insideLimits: true });
    const above = clientsFor(1000 / 60, 300, false);
    expect(above).toMatchObject({ count: 1, insideLimits: false });
    expect(above.addressOf(7)).toBeUndefined();
  });

  it('say so when there are not enough addresses to keep inside a tight limit', () => {
    expect(clientsFor(2000, 10, true)).toMatchObject({ count: 1000, insideLimits: false });
  });
});

describe('An announced policy', () => {
  it.each([
    ['"default";q=300;w=60', 300],
    ['"default";q=300;w=60, "day";q=1440;w=86400', 1],
    ['"default";q=300;qu="requests";w=60;pk=:cHsdsRa894==:', 300],
    ['"streams";q=2;qu="concurrent-requests";w=45, "default";q=30;w=60', 30],
    ['"default"; q=300; w=30', 600],
    ['"broken";q=x;w=60', undefined],
    ['"none";q=0;w=60, "never";q=1;w=0', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j is %s a minute', (header, perMinute) => {
    expect(announcedPerMinute(header)).toBe(perMinute);
  });
});
