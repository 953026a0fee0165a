import type { ClusterNode, KnownNode } from './cluster-node.js';

/** A replica reports by itself once per second. */
const ACK_MS = 1_500;

/** The node that most of the running nodes hold for the master of the slot; during a take-over they may differ. */
export async function masterOfSlot(nodes: readonly ClusterNode[], slot: number): Promise<ClusterNode> {
  const ids = await ownersOfSlot(nodes, slot);
  const votes = (id: string) => ids.filter((other) => other === id).length;
  const winner = nodes.find(({ id }) => votes(id) * 2 > ids.length);
  if (!winner)
    throw new Error(`The nodes agree on no master of slot ${slot}, they say ${JSON.stringify(ids)}`);
  return winner;
}

/** Whether every running node holds this one for the master of the slot. */
export async function isMasterOfSlot(
  nodes: readonly ClusterNode[],
  slot: number,
  node: ClusterNode,
): Promise<boolean> {
  return (await ownersOfSlot(nodes, slot)).every((id) => id === node.id);
}

async function ownersOfSlot(nodes: readonly ClusterNode[], slot: number): Promise<(string | undefined)[]> {
  const views = await Promise.all(nodes.filter(({ serving }) => serving).map((node) => node.known()));
  return views.map(
    (view) => view.find(({ slots }) => slots.some(([first, last]) => first <= slot && slot <= last))?.id,
  );
}

/** Throws with the first thing that is not settled among the nodes that run. */
export async function assertSettled(nodes: readonly ClusterNode[]): Promise<void> {
  const serving = nodes.filter((node) => node.serving);
  const layouts = new Set<string>();
  for (const node of serving) {
    const info = String(await node.admin().call('CLUSTER', 'INFO'));
    if (!info.includes('cluster_state:ok')) throw new Error(`Node ${node.port} says ${info.slice(0, 60)}…`);
    const view = await node.known();
    if (view.length !== nodes.length) throw new Error(`Node ${node.port} knows ${view.length} nodes`);
    for (const { id, port } of serving) assertHealthy(`Node ${port} at node ${node.port}`, id, view);
    await assertInStep(node, view, serving);
    await assertReplicasListed(node, view, serving);
    layouts.add(layout(view));
  }
  if (layouts.size !== 1) throw new Error(`The nodes differ about the slots: ${[...layouts].join(' | ')}`);
}

function assertHealthy(who: string, id: string, view: KnownNode[]): void {
  const entry = view.find((known) => known.id === id);
  const bad = entry?.flags.filter((flag) => !['myself', 'master', 'slave'].includes(flag));
  if (!entry?.connected || bad?.length !== 0) throw new Error(`${who} is ${JSON.stringify(entry)}`);
}

async function assertInStep(node: ClusterNode, view: KnownNode[], serving: ClusterNode[]): Promise<void> {
  const masterId = view.find(({ id }) => id === node.id)?.masterId;
  if (masterId === undefined) {
    const replicas = view.filter((known) => known.masterId === node.id);
    const count = replicas.filter(({ id }) => serving.some((other) => other.id === id)).length;
    // A connected replica may get nothing for another second, and lose it when it takes over: it has to answer.
    const answers = await node.admin().wait(count, ACK_MS);
    if (answers < count) throw new Error(`${answers} of ${count} replicas answer to node ${node.port}`);
    return;
  }
  const [role, , , link] = (await node.admin().call('ROLE')) as unknown[];
  if (role !== 'slave' || link !== 'connected' || !serving.some(({ id }) => id === masterId)) {
    throw new Error(`Replica ${node.port} is ${String(role)}, its link to ${masterId} ${String(link)}`);
  }
}

/** Clients find replicas by CLUSTER SLOTS, which leaves them out until their first byte of replication is gossiped. */
async function assertReplicasListed(
  node: ClusterNode,
  view: KnownNode[],
  serving: ClusterNode[],
): Promise<void> {
  const ranges = (await node.admin().call('CLUSTER', 'SLOTS')) as [
    number,
    number,
    ...[string, number, string][],
  ][];
  const listed = new Set(ranges.flatMap(([, , ...members]) => members.map(([, , id]) => id)));
  const missing = serving.find(
    ({ id }) => !listed.has(id) && view.some((known) => known.id === id && known.masterId !== undefined),
  );
  if (missing) throw new Error(`CLUSTER SLOTS of node ${node.port} lacks the replica ${missing.port}`);
}

/** Who has which slots and who replicates whom, in an order that does not depend on the node. */
function layout(view: KnownNode[]): string {
  const lines = view.map(({ id, masterId, slots }) => `${id}:${masterId ?? slots.join('+')}`);
  return lines.toSorted().join(' ');
}
