import { ask } from './operator.js';
import { cell, fillRows } from './table.js';

const LINE = /^rate_limit_decisions_total\{([^}]*)\} (\S+)$/;
const LABEL = /(\w+)="([^"]*)"/g;
let before = { at: 0, counts: new Map() };

/** What the limiter answered since the process began, and how often a second between two looks. */
export async function showDecisions() {
  const [store, metrics] = await Promise.all([ask('/v1/rate-limit/store'), ask('/metrics')]);
  if (!store.ok || !metrics.ok) return;
  const { backend, healthy, instances, blocked, overrides, shadowed } = await store.json();
  document.querySelector('#limiter').textContent =
    `Counts in ${backend}${healthy ? '' : ' (degraded)'}, ${instances.count} instance(s), ${blocked} blocked, ` +
    `${overrides} override(s)${shadowed.length > 0 ? `, in shadow: ${shadowed.join(', ')}` : ''}.`;
  const now = { at: performance.now(), counts: countsIn(await metrics.text()) };
  const seconds = (now.at - before.at) / 1000;
  const rows = [...now.counts].map(([key, { policy, state, backend: by, count }]) => {
    const past = before.counts.get(key)?.count ?? 0;
    // After a restart of the process a count may be smaller than it was.
    const rate = before.at === 0 || count < past ? 0 : (count - past) / seconds;
    const figures = [cell(String(count), { number: true }), cell(rate.toFixed(1), { number: true })];
    return { key, cells: [cell(policy, { header: true }), cell(state, { state }), cell(by), ...figures] };
  });
  fillRows(document.querySelector('#decisions tbody'), rows);
  before = now;
}

/** @param {string} text of /metrics */
function countsIn(text) {
  const counts = new Map();
  for (const line of text.split('\n')) {
    const match = LINE.exec(line);
    if (!match || Number(match[2]) === 0) continue;
    const labels = Object.fromEntries([...match[1].matchAll(LABEL)].map(([, name, value]) => [name, value]));
    counts.set(match[1], { ...labels, count: Number(match[2]) });
  }
  return counts;
}
