import { type Clock, systemClock } from '../../src/kernel/time.js';

/**
 * What a network can do to the bytes of one connection. A fault is a small object that transforms chunks; to add one
 * (duplication, say) write one function here that returns a `Fault`, and set it with `proxy.use(…)`.
 */

/** A piece that travels on, perhaps later; pieces of one direction never overtake each other. */
export interface Delivery {
  data: Buffer;
  delayMs?: number;
  /** In a turn of the event loop of its own, so that the receiver sees a chunk of its own. */
  apart?: boolean;
  /** After this piece close the connection in both directions. */
  close?: boolean;
}

/** Gets every chunk of one direction of one connection and says what becomes of it; `[]` loses it. */
export type ChunkTransform = (chunk: Buffer) => Delivery[];

/**
 * `hold` keeps everything, including the end of the connection, until another fault is set: what TCP does on both
 * sides of a partition, where nothing is lost that the sender's kernel can still repeat.
 */
export type Treatment = ChunkTransform | 'hold';

export interface Treatments {
  /** From the client to the server; passes unchanged when absent. */
  up?: Treatment;
  /** From the server to the client; passes unchanged when absent. */
  down?: Treatment;
}

export interface Fault {
  readonly name: string;
  /** Called for every connection, live or new, so that counters live in a closure and not in the proxy. */
  attach(): Treatments;
  /** Whether a new connection is let in; else it is reset at once. Absent: every one is. */
  admits?(openConnections: number): boolean;
}

export const unchanged: ChunkTransform = (chunk) => [{ data: chunk }];

export function pass(): Fault {
  return { name: 'pass', attach: () => ({}) };
}

/** Connections are accepted and nothing moves, in neither direction: a firewall that drops packets. */
export function blackHole(): Fault {
  return { name: 'blackHole', attach: () => ({ up: 'hold', down: 'hold' }) };
}

/** The server receives and executes everything, and no reply arrives. */
export function dropReplies(): Fault {
  return { name: 'dropReplies', attach: () => ({ down: () => [] }) };
}

/**
 * Replies arrive `ms` later, give or take `jitterMs`: added once to a round trip, so the arithmetic is easy.
 *
 * @param random from 0 to 1; `seededRandom` repeats the same jitter
 */
export function latency(ms: number, jitterMs = 0, random: () => number = Math.random): Fault {
  const delay = (): number => Math.max(0, ms + (random() * 2 - 1) * jitterMs);
  return { name: 'latency', attach: () => ({ down: (chunk) => [{ data: chunk, delayMs: delay() }] }) };
}

/** The connection ends when `n` bytes of replies have passed, typically within a reply. */
export function closeAfterBytes(n: number): Fault {
  const attach = (): Treatments => {
    let left = n;
    const down: ChunkTransform = (chunk) => {
      const data = chunk.subarray(0, left);
      left -= data.length;
      return [{ data, close: left === 0 }];
    };
    return { down };
  };
  return { name: 'closeAfterBytes', attach };
}

/**
 * Each direction carries `bytesPerSecond` at most, all connections together: what does not fit waits in front of the
 * line, also for connections that are gone by then, as in the buffer of a real one.
 */
export function bandwidth(bytesPerSecond: number, clock: Clock = systemClock): Fault {
  // Ten milliseconds' worth at a time: a receiver sees a trickle, not one late burst.
  const pieceBytes = Math.max(1, Math.floor(bytesPerSecond / 100));
  const line = (): ChunkTransform => {
    let freeAtMs = 0;
    return (chunk) =>
      pieces(chunk, pieceBytes).map((data) => {
        const nowMs = clock.monotonicMs();
        freeAtMs = Math.max(freeAtMs, nowMs) + (data.length * 1000) / bytesPerSecond;
        return { data, delayMs: freeAtMs - nowMs };
      });
  };
  const treatments = { up: line(), down: line() };
  return { name: 'bandwidth', attach: () => treatments };
}

/** Which bytes of the replies of a connection arrive inverted: each nth one, or any one with this likelihood. */
export type Damage = { readonly everyNth: number } | { readonly rate: number; readonly random: () => number };

/** Replies arrive damaged, and none is missing: what the checksum of TCP lets through. */
export function corrupt(damage: Damage): Fault {
  const attach = (): Treatments => {
    let seen = 0;
    const hit = (): boolean => {
      seen += 1;
      return 'rate' in damage ? damage.random() < damage.rate : seen % damage.everyNth === 0;
    };
    return { down: (chunk) => [{ data: chunk.map((byte) => (hit() ? byte ^ 0xff : byte)) as Buffer }] };
  };
  return { name: 'corrupt', attach };
}

/** Connections beyond `most` are reset as soon as they are made; those that are open stay. */
export function connectionCap(most: number): Fault {
  return { name: 'connectionCap', attach: () => ({}), admits: (open) => open < most };
}

/** Both directions in pieces of `size` bytes: a parser must not depend on where TCP happens to cut. */
export function sliceBytes(size: number): Fault {
  const slice: ChunkTransform = (chunk) => pieces(chunk, size).map((data) => ({ data, apart: true }));
  return { name: 'sliceBytes', attach: () => ({ up: slice, down: slice }) };
}

function pieces(chunk: Buffer, size: number): Buffer[] {
  return Array.from({ length: Math.ceil(chunk.length / size) }, (_, index) =>
    chunk.subarray(index * size, (index + 1) * size),
  );
}
