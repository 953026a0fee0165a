import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterNode } from './cluster-node.js';
import type { Account } from './topology-accounts.js';

/**
 * What has just been done: the target imports the slot; the source answers ASK for keys that it lacks; up to
 * `batchSize` keys have gone over; the target calls the slot its own, while the source still asks to go there.
 */
export type MoveStep = 'importing' | 'migrating' | 'batch' | 'taken';

export interface MoveOptions {
  /** Awaited after each step, so that a test can hold the slot there. */
  after?: (step: MoveStep) => unknown;
  /** Rests this long after each step. */
  pauseMs?: number;
  /** Keys for one MIGRATE; 100 by default. */
  batchSize?: number;
}

export interface SlotMove extends MoveOptions {
  slot: number;
  source: ClusterNode;
  target: ClusterNode;
  /** All nodes; those that do not run are left out. */
  nodes: readonly ClusterNode[];
  /** Who MIGRATE logs in as at the target. */
  account: Account | undefined;
}

const MIGRATE_TIMEOUT_MS = 5_000;

/**
 * Moves a slot with its keys, in the order that keeps it readable at every moment: the target learns that it owns the
 * slot before the source forgets it.
 */
export async function moveSlot(move: SlotMove): Promise<void> {
  const { slot, source, target, nodes } = move;
  const done = async (step: MoveStep): Promise<void> => {
    await move.after?.(step);
    if (move.pauseMs !== undefined) await sleep(move.pauseMs);
  };
  await setSlot(target, slot, 'IMPORTING', source.id);
  await done('importing');
  await setSlot(source, slot, 'MIGRATING', target.id);
  await done('migrating');
  while (await migrateBatch(move)) await done('batch');
  await setSlot(target, slot, 'NODE', target.id);
  await done('taken');
  await setSlot(source, slot, 'NODE', target.id);
  for (const node of nodes) {
    if (node === source || node === target || !node.serving) continue;
    const { flags } = await node.myself();
    if (flags.includes('master')) await setSlot(node, slot, 'NODE', target.id);
  }
}

/** @returns whether there was anything to move */
async function migrateBatch({ slot, source, target, account, batchSize = 100 }: SlotMove): Promise<boolean> {
  const admin = source.admin();
  const keys = (await admin.call('CLUSTER', 'GETKEYSINSLOT', slot, batchSize)) as string[];
  if (keys.length === 0) return false;
  const to = [target.host, target.port, '', 0, MIGRATE_TIMEOUT_MS] as const;
  await admin.call('MIGRATE', ...to, ...credentials(account), 'KEYS', ...keys);
  return true;
}

function credentials(account: Account | undefined): string[] {
  if (!account) return [];
  const { username, password } = account;
  return username === undefined ? ['AUTH', password] : ['AUTH2', username, password];
}

async function setSlot(node: ClusterNode, slot: number, state: string, id: string): Promise<void> {
  await node.admin().call('CLUSTER', 'SETSLOT', slot, state, id);
}
