/** One server of event streams in a process of its own. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { serve } from '../helper.js';
import type { Ground } from './contestant.js';
import { SERVERS } from './servers.js';

export type ContestantOrder =
  | { readonly open: string; readonly ground: Ground }
  /** Collects garbage, so that what is measured is what is needed. */
  | { readonly settle: true };

serve<ContestantOrder>(async (order) => {
  if ('settle' in order) return collect();
  const server = SERVERS[order.open];
  if (!server) throw new Error(`There is no contestant ${order.open}`);
  return server.open(order.ground);
});

/** @returns resident memory afterwards, bytes */
function collect(): number {
  setFlagsFromString('--expose-gc');
  const gc = runInNewContext('gc') as () => void;
  for (let turn = 0; turn < 3; turn += 1) gc();
  return process.memoryUsage.rss();
}
