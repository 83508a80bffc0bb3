// Drain and resume, on the operators' listener.
import {refresh} from './network-page.js';

const dialog = document.getElementById('drain');
const by = (id) => document.getElementById(id);
const tokenKey = 'mirrornet-token'; // in this tab alone

let action; // what the dialog is about: {resume, kind, name}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-drain], [data-resume]');
  if (!button) return;
  const resume = button.hasAttribute('data-resume');
  action = {resume, kind: button.dataset.kind, name: resume ? button.dataset.resume : button.dataset.drain};
  const what = `${action.kind} ${action.name}`;
  by('drain-title').textContent = `${resume ? 'Resume' : 'Drain'} ${what}?`;
  by('drain-text').textContent = resume
    ? `Every node sends clients there again, at once.`
    : `Every node sends new clients elsewhere until the time is over or it is resumed. Requests that still reach it are answered.`;
  by('drain-fields').hidden = resume;
  by('drain-do').textContent = resume ? 'Resume' : 'Drain';
  by('drain-error').textContent = '';
  dialog.showModal();
  (resume ? by('drain-do') : by('drain-for')).focus();
});

by('drain-cancel').addEventListener('click', () => dialog.close());

dialog.querySelector('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  by('drain-error').textContent = '';
  by('drain-do').disabled = true;
  try {
    await operate();
  } finally {
    by('drain-do').disabled = false;
  }
});

async function operate() {
  const {resume, kind, name} = action;
  const token = by('drain-token').value || sessionStorage.getItem(tokenKey);
  const headers = token ? {Authorization: `Bearer ${token}`} : {};
  let answer, said;
  try {
    answer = resume
      ? await fetch(`/drains/${encodeURIComponent(kind)}/${encodeURIComponent(name)}`, {method: 'DELETE', headers})
      : await fetch('/drains', {method: 'POST', headers: {...headers, 'Content-Type': 'application/json'},
        body: JSON.stringify({kind, name, for: by('drain-for').value, why: by('drain-why').value})});
    said = await answer.json().catch(() => ({}));
  } catch {
    by('drain-error').textContent = 'The node does not answer. Nothing was changed, as far as is known here.';
    return;
  }
  if (!answer.ok) {
    by('drain-error').textContent = said.error ?? `The node answers ${answer.status}.`;
    if (answer.status === 403 && /token/i.test(said.error ?? '') && !/not set/.test(said.error)) {
      by('drain-error').textContent = token ? 'That is not the token.' : 'This wants the token of the listener.';
      sessionStorage.removeItem(tokenKey);
      by('drain-token-field').hidden = false;
      by('drain-token').focus();
    }
    return;
  }
  if (by('drain-token').value) sessionStorage.setItem(tokenKey, by('drain-token').value);
  by('drain-token').value = '';
  by('drain-token-field').hidden = true;
  dialog.close();
  const done = by('operated');
  done.textContent = resume ? `${kind} ${name} takes clients again.` : `${kind} ${name} is drained${said.until ? ` until ${said.until.slice(0, 16).replace('T', ' ')} UTC` : ''}.`;
  setTimeout(() => { done.textContent = ''; }, 8000);
  refresh();
}
