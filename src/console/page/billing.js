// The billing events of one tenant, as they happen. EventSource connects again by itself and says where it stood; where
// it was closed for good (an answer that is no stream), this page begins anew after the place that it knows.

const MOST_SHOWN = 200;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15_000;

const state = {
  received: 0,
  twice: 0,
  missing: 0,
  connects: 0,
  position: '',
  sequence: 0,
  pauseMs: FIRST_PAUSE_MS,
};
let source;
let again;

export function followOnSubmit() {
  document.querySelector('#sign-in').addEventListener('submit', async (submit) => {
    submit.preventDefault();
    stop();
    Object.assign(state, { received: 0, twice: 0, missing: 0, connects: 0, position: '', sequence: 0 });
    document.querySelector('#events').replaceChildren();
    try {
      await signIn();
      follow();
    } catch (error) {
      say(error instanceof Refused ? error.message : 'Nobody answers.');
    }
  });
}

class Refused extends Error {}

/** A login gives a token, the token a ticket, and the ticket a cookie that EventSource can send. */
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

function follow() {
  const query = new URLSearchParams();
  const types = document.querySelector('#types').value.trim();
  if (types) query.set('types', types);
  if (state.position) query.set('last_event_id', state.position);
  const heard = new EventSource(`/v1/billing/stream?${query.toString()}`);
  source = heard;
  say('Connecting …');
  heard.addEventListener('open', () => {
    state.connects += 1;
    state.pauseMs = FIRST_PAUSE_MS;
    say('Live.');
    count();
  });
  heard.addEventListener('error', () =>
    heard.readyState === EventSource.CLOSED ? beginAnew() : say('Lost; connecting again …'),
  );
  heard.addEventListener('gap', ({ data }) => showGap(JSON.parse(data)));
  heard.addEventListener('bye', ({ data }) =>
    say(`The server ends the stream (${JSON.parse(data).reason}); connecting again …`),
  );
  const names = document.querySelector('#types').dataset.names.split(' ');
  for (const name of names) heard.addEventListener(name, show);
  heard.addEventListener('message', show);
}

function stop() {
  source?.close();
  clearTimeout(again);
}

function beginAnew() {
  source.close();
  say(`Refused; again in ${Math.round(state.pauseMs / 1000)} s.`);
  again = setTimeout(follow, state.pauseMs);
  state.pauseMs = Math.min(state.pauseMs * 2, LONGEST_PAUSE_MS);
}

function show({ type, data, lastEventId }) {
  const sequence = Number(lastEventId.split('.')[1] ?? 0);
  if (lastEventId) state.position = lastEventId;
  if (!data) return;
  state.received += 1;
  if (sequence <= state.sequence) state.twice += 1;
  else if (state.sequence > 0 && !document.querySelector('#types').value.trim())
    state.missing += sequence - state.sequence - 1;
  state.sequence = Math.max(state.sequence, sequence);
  const { occurred_at: at, summary, stale, replayed } = JSON.parse(data);
  const marks = [stale && 'late', replayed && 'again'].filter(Boolean).join(', ');
  add(at, `${sequence}  ${type}  ${summary ?? ''}`, marks);
  count();
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
