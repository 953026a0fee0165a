import type { Address } from '../dialer.js';
import { HandshakeError } from '../handshake-error.js';
import type { RawCall } from '../handshake.js';
import { SlotTable } from './slot-table.js';
import { tellingFailure } from './telling-failure.js';
import { describeAddress } from './topology.js';
import { notA, wrongKind } from './wrong-kind.js';

/** What one node of a cluster said of it, or why it said nothing. */
export interface ClusterAnswer {
  readonly node: Address;
  readonly table?: SlotTable;
  /** -1 for a node that says itself that the cluster is not well. */
  readonly epoch: number;
  readonly failure?: HandshakeError;
}

/** Asks a node for its view. @throws HandshakeError */
export async function askForTable(ask: RawCall, node: Address): Promise<ClusterAnswer> {
  const refused = (error: Error) => refuse(error, node);
  const [info, slots] = await Promise.all([ask('CLUSTER', 'INFO'), ask('CLUSTER', 'SLOTS')]).catch(refused);
  const text = String(info);
  const table = SlotTable.read(slots, node);
  if (!table) throw new HandshakeError('protocol', 'the node does not say where the slots are', 'nodes');
  const epoch = Number(/cluster_current_epoch:(\d+)/.exec(text)?.[1] ?? 0);
  // A node that lost the others still answers, with the past.
  return { node, epoch: text.includes('cluster_state:ok') ? epoch : -1, table };
}

/** A view of all slots; of a cluster that is well, if there is one, and else as young as possible. */
export function bestOf(answers: readonly ClusterAnswer[]): ClusterAnswer | undefined {
  const [best] = answers.filter(({ table }) => table?.covered).sort((a, b) => b.epoch - a.epoch);
  return best;
}

/** What waiting does not cure; looked for until the map is known for the first time. */
export function wrongSettings(answers: readonly ClusterAnswer[]): HandshakeError | undefined {
  const wrong = wrongKind(answers);
  if (wrong) return wrong;
  const [first, ...others] = answers.filter(({ table }) => (table?.nodeIds.size ?? 0) > 0);
  const stranger = others.find(
    ({ table }) => table && ![...table.nodeIds].some((id) => first?.table?.nodeIds.has(id)),
  );
  if (!first || !stranger) return undefined;
  const detail = `${describeAddress(first.node)} and ${describeAddress(stranger.node)} belong to different clusters`;
  return new HandshakeError('topology', detail, 'nodes');
}

/** Why nobody knows the slots, as far as it was told; it names its node. */
export function causeOf(answers: readonly ClusterAnswer[]): HandshakeError {
  const none = 'no node of the cluster knows a primary for every slot';
  const telling = tellingFailure(answers.flatMap(({ failure }) => failure ?? []));
  return telling ?? new HandshakeError('clusterdown', none);
}

/** Names the node; what is wrong with the topology names it already. */
export function blame({ reason, message, suspect }: HandshakeError, node: Address): HandshakeError {
  const detail = reason === 'topology' ? message : `the node at ${describeAddress(node)}: ${message}`;
  return new HandshakeError(reason, detail, suspect);
}

function refuse(error: Error, node: Address): never {
  if (error instanceof HandshakeError) throw error;
  // The second is what a Sentinel says.
  if (/cluster support disabled|unknown command/i.test(error.message))
    throw notA('node of a cluster', describeAddress(node));
  if (error.message.startsWith('NOPERM'))
    throw new HandshakeError('noperm', 'the server refuses CLUSTER INFO or SLOTS');
  throw error;
}
