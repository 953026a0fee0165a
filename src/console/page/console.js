import { followOnSubmit } from './billing.js';
import { showCompartments } from './compartments.js';
import { showDecisions } from './decisions.js';
import { NotAnOperator, useToken } from './operator.js';

const EVERY_MS = 2000;
const connection = document.querySelector('#connection');
const operator = document.querySelector('#operator');

async function look() {
  try {
    await Promise.all([showCompartments(), showDecisions()]);
    tell('Live.');
    operator.hidden = true;
  } catch (error) {
    if (error instanceof NotAnOperator) {
      tell('For operators.');
      operator.hidden = false;
      return;
    }
    tell('Nobody answers; what is shown is old.');
  }
  setTimeout(() => void look(), EVERY_MS);
}

/** Said once: a status that is written again is read aloud again. */
function tell(text) {
  if (connection.textContent !== text) connection.textContent = text;
}

operator.addEventListener('submit', (submit) => {
  submit.preventDefault();
  useToken(document.querySelector('#ops-token').value);
  void look();
});

const { sign_in: account } = await (await fetch('/console/settings.json')).json();
if (account) {
  document.querySelector('#email').value = account.email;
  document.querySelector('#password').value = account.password;
}
followOnSubmit();
void look();
