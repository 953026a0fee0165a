/**
 * What a network can do to the bytes of one connection. A fault is a small object that transforms chunks; to add one
 * (a bandwidth limit, corruption) write one function here that returns a `Fault`, and set it with `proxy.use(…)`.
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

/** Replies arrive `ms` later, give or take `jitterMs`: added once to a round trip, so the arithmetic is easy. */
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

/** Both directions in pieces of `size` bytes: a parser must not depend on where TCP happens to cut. */
export function sliceBytes(size: number): Fault {
  const slice: ChunkTransform = (chunk) => {
    const pieces: Delivery[] = [];
    for (let at = 0; at < chunk.length; at += size) {
      pieces.push({ data: chunk.subarray(at, at + size), apart: true });
    }
    return pieces;
  };
  return { name: 'sliceBytes', attach: () => ({ up: slice, down: slice }) };
}
