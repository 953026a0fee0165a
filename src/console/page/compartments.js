import { ask } from './operator.js';
import { cell, fillRows } from './table.js';

/** States as they were shown last, to tell what changed. */
const shown = new Map();

/** Purposes and SQL: readiness says how they do, the isolation report what they share. */
export async function showCompartments() {
  const [readiness, isolation] = await Promise.all([json('/readyz'), json('/v1/isolation')]);
  const reports = new Map((isolation?.purposes ?? []).map((row) => [row.purpose, row]));
  if (isolation?.sql) reports.set('sql', isolation.sql);
  const rows = Object.entries(readiness?.purposes ?? {});
  fillRows(
    document.querySelector('#purposes tbody'),
    rows.map(([purpose, health]) => rowOf(purpose, health, reports.get(purpose))),
  );
  tellChanges(rows);
}

async function json(path) {
  const response = await ask(path);
  const text = response.headers.get('content-type') ?? '';
  // 503 of readiness has its report as well; a problem has another media type.
  return text.startsWith('application/json') ? response.json() : undefined;
}

function rowOf(purpose, health, report) {
  const reason = health.reason ? `${health.status}: ${health.reason}` : health.status;
  const latency = health.latency_ms === undefined ? '–' : `${health.latency_ms.toFixed(2)} ms`;
  return {
    key: purpose,
    cells: [
      cell(purpose, { header: true }),
      cell(reason, { state: health.status }),
      cell(report?.outage ?? '–'),
      cell(latency, { number: true }),
      cell(shareOf(report)),
      cell(health.address ?? report?.address ?? '–'),
      cell(timeOf(health.since)),
    ],
  };
}

function shareOf(report) {
  if (!report?.isolation) return '–';
  const others = report.shared_with ?? [];
  return others.length === 0
    ? `nothing (own ${report.isolation})`
    : `${report.isolation} with ${others.join(', ')}`;
}

function timeOf(text) {
  return text ? new Date(text).toLocaleTimeString() : '–';
}

/** For those who hear the page: only what changed. */
function tellChanges(rows) {
  const news = [];
  for (const [purpose, { status }] of rows) {
    const before = shown.get(purpose);
    if (before !== undefined && before !== status) news.push(`${purpose} is ${status}`);
    shown.set(purpose, status);
  }
  if (news.length > 0)
    document.querySelector('#changes').textContent = `${new Date().toLocaleTimeString()}: ${news.join(', ')}`;
}
