// The billing events of one tenant, as they happen. When a stream ends, the next one begins where it stood, until its session
// is over.

import { StreamRefused, readEvents } from './event-stream.js';

const MOST_SHOWN = 200;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;
/** The session is over, or is of nobody who may read this. */
const SIGNED_OUT = [401, 403];
/** Of the refusals below 500, those that pass by themselves. */
const PASSES = [408, 425, 429];

const begun = { received: 0, twice: 0, missing: 0, connects: 0, position: '', sequence: 0 };
const state = { ...begun };
let following = new AbortController();

export function followOnSubmit() {
  document.querySelector('#sign-in').addEventListener('submit', async (submit) => {
    submit.preventDefault();
    following.abort();
    const { signal } = (following = new AbortController());
    Object.assign(state, begun);
    document.querySelector('#events').replaceChildren();
    count();
    try {
      await signIn();
    } catch (error) {
      return say(error instanceof Refused ? error.message : 'Nobody answers.');
    }
    if (!signal.aborted) await follow(document.querySelector('#types').value.trim(), signal);
  });
}

class Refused extends Error {}

/** A login gives a token, the token a ticket, and the ticket a cookie for the stream alone. */
async function signIn() {
  say('Signing in …');
  const email = document.querySelector('#email').value;
  const password = document.querySelector('#password').value;
  const { access_token: token } = await post('/v1/auth/token', { email, password });
  const { ticket } = await post('/v1/billing/stream/ticket', undefined, { authorization: `Bearer ${token}` });
  await post('/v1/billing/stream/session', { ticket });
}

async function post(path, body, headers = {}) {
  const json = body === undefined ? {} : { 'content-type': 'application/json' };
  const response = await fetch(path, {
    method: 'POST',
    headers: { ...json, ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  const answer = text === '' ? {} : JSON.parse(text);
  if (!response.ok) throw new Refused(`${answer.title ?? response.status}: ${answer.detail ?? path}`);
  return answer;
}

/** @param {string} types as they were when it began: what is missing is seen where everything is followed */
async function follow(types, signal) {
  const url = `/v1/billing/stream${types ? `?types=${encodeURIComponent(types)}` : ''}`;
  const wait = { pauseMs: FIRST_PAUSE_MS, retryMs: FIRST_PAUSE_MS };
  const client = {
    signal,
    onOpen: () => {
      wait.pauseMs = FIRST_PAUSE_MS;
      state.connects += 1;
      say('Live.');
      count();
    },
    onRetry: (ms) => (wait.retryMs = ms),
    onEvent: (event) => take(event, types === ''),
  };
  say('Connecting …');
  while (!signal.aborted) {
    const refusal = await readEvents(url, { ...client, lastEventId: state.position }).catch((error) => error);
    if (signal.aborted) return;
    if (isFinal(refusal)) return say(finalWord(refusal));
    await pause(pauseAfter(refusal, wait), signal);
  }
}

/** Asking again changes nothing. */
function isFinal(refusal) {
  return refusal instanceof StreamRefused && refusal.status < 500 && !PASSES.includes(refusal.status);
}

function finalWord({ status }) {
  return SIGNED_OUT.includes(status)
    ? 'Your session has ended. Sign in again to go on.'
    : `The stream is refused (${status}). Look at what you ask for, and follow again.`;
}

/** @returns {number} until the next try, milliseconds; what a server asks for is waited for */
function pauseAfter(refusal, wait) {
  if (!(refusal instanceof StreamRefused)) {
    // One that was ended in order has said why.
    if (refusal) say('Lost; connecting again …');
    return wait.retryMs;
  }
  const ms = Math.max(wait.pauseMs, refusal.retryAfterMs);
  wait.pauseMs = Math.min(wait.pauseMs * 2, LONGEST_PAUSE_MS);
  say(`Refused; again in ${Math.round(ms / 1000)} s.`);
  return ms;
}

function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}

function take({ type, data, id }, everything) {
  if (id) state.position = id;
  if (data === '') return count();
  if (type === 'gap') return showGap(JSON.parse(data));
  if (type === 'bye')
    return say(`The server ends the stream (${JSON.parse(data).reason}); connecting again …`);
  show(type, data, everything);
}

function show(type, data, everything) {
  const sequence = Number(state.position.split('.')[1] ?? 0);
  state.received += 1;
  if (sequence <= state.sequence) state.twice += 1;
  else if (state.sequence > 0 && everything) state.missing += sequence - state.sequence - 1;
  state.sequence = Math.max(state.sequence, sequence);
  const { occurred_at: at, summary, stale, replayed } = fieldsOf(data);
  const marks = [stale && 'late', replayed && 'again'].filter(Boolean).join(', ');
  add(at ?? new Date().toISOString(), `${sequence}  ${type}  ${summary ?? ''}`, marks);
  count();
}

/** Nothing of what somebody else put into the stream, which need not be JSON. */
function fieldsOf(data) {
  try {
    return JSON.parse(data);
  } catch {
    return {};
  }
}

function showGap({ missed, reason }) {
  const text = missed === undefined ? `A gap (${reason}).` : `${missed} events are not kept any more.`;
  // Told, so not missing without a word.
  state.sequence = 0;
  add(new Date().toISOString(), text, 'gap');
}

function add(at, text, mark) {
  const item = document.createElement('li');
  const time = document.createElement('time');
  time.dateTime = at;
  time.textContent = new Date(at).toLocaleTimeString();
  item.append(time, ` ${text} `);
  if (mark) {
    const note = document.createElement('span');
    note.className = 'mark';
    note.textContent = mark;
    item.append(note);
  }
  const list = document.querySelector('#events');
  list.prepend(item);
  while (list.children.length > MOST_SHOWN) list.lastElementChild.remove();
}

function count() {
  for (const name of ['received', 'twice', 'missing', 'connects'])
    document.querySelector(`#${name}`).textContent = String(state[name]);
  document.querySelector('#position').textContent = state.position || '–';
}

function say(text) {
  document.querySelector('#stream-state').textContent = text;
}
