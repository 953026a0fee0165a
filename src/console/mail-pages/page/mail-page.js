const EMAIL = { name: 'email', label: 'E-mail', type: 'email', autocomplete: 'username' };
const PASSWORD = {
  name: 'password',
  label: 'Password',
  type: 'password',
  autocomplete: 'current-password',
};
const NEW_PASSWORD = {
  name: 'new_password',
  label: 'New password, 15 characters or more',
  type: 'password',
  autocomplete: 'new-password',
};

const PAGES = {
  '/verify-email': { title: 'Confirm the address', to: 'auth/email/verify', token: true },
  '/reset-password': {
    title: 'Choose a new password',
    to: 'auth/password/confirm',
    token: true,
    fields: [NEW_PASSWORD],
  },
  '/accept-invitation': {
    title: 'Accept the invitation',
    to: 'invitations/accept',
    token: true,
    signsIn: true,
    fields: [EMAIL, PASSWORD],
  },
  '/login': { title: 'Log in', to: 'auth/token', fields: [EMAIL, PASSWORD] },
  '/forgot-password': { title: 'Ask for a new password', to: 'auth/password/forgot', fields: [EMAIL] },
  '/status/confirm': { title: 'Confirm status alerts', to: 'status/subscriptions/verify', token: true },
  '/status/unsubscribe': {
    title: 'End status alerts',
    to: 'status/subscriptions/unsubscribe',
    token: true,
  },
};

const element = (id) => document.getElementById(id);
const form = element('form');
const button = form.querySelector('button');

/** @returns the token of the link; undefined where there is none, or the link is broken */
function tokenOfLink() {
  try {
    const [, token] = /^#token=(.+)$/.exec(location.hash) ?? [];
    return token && decodeURIComponent(token);
  } catch {
    return undefined;
  }
}

async function post(to, body, accessToken) {
  const response = await fetch(`/v1/${to}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(accessToken && { authorization: `Bearer ${accessToken}` }),
    },
    body: JSON.stringify(body),
  });
  return { ok: response.ok, status: response.status, text: await response.text() };
}

/** An invitation is accepted by an account: it logs in first, where the page asks for that. */
async function send({ to, token, signsIn }, values) {
  const linked = token ? { token: tokenOfLink() } : {};
  if (!signsIn) return await post(to, { ...linked, ...values });
  const login = await post('auth/token', values);
  return login.ok ? await post(to, linked, JSON.parse(login.text).access_token) : login;
}

function show({ ok, status, text }) {
  element('outcome').textContent = ok ? `Done (${status}).` : `Refused (${status}).`;
  element('answer').textContent = text;
  element('answer').hidden = text === '';
}

function fieldOf({ name, label, type, autocomplete }) {
  const input = Object.assign(document.createElement('input'), {
    id: name,
    name,
    type,
    autocomplete,
    required: true,
  });
  const caption = Object.assign(document.createElement('label'), { htmlFor: name, textContent: label });
  return [caption, input];
}

function open(page) {
  element('title').textContent = page.title;
  document.title = page.title;
  button.textContent = page.title;
  element('fields').replaceChildren(...(page.fields ?? []).flatMap(fieldOf));
  form.hidden = false;
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (page.token && !tokenOfLink()) {
      element('outcome').textContent = 'This link has no token: open the whole link of the mail.';
      return;
    }
    button.disabled = true;
    try {
      show(await send(page, Object.fromEntries(new FormData(form))));
    } catch {
      element('outcome').textContent = 'No answer. Is the application running?';
    } finally {
      button.disabled = false;
    }
  });
}

const page = PAGES[location.pathname.replace(/\/$/, '')];
if (page) open(page);
else element('outcome').textContent = 'No mail leads here.';
