/**
 * The passphrase of an account on this device: set, changed, or taken away.
 *
 * Owns: asking for it, twice where it is new. Never: keeping one; what was
 * typed is wiped when the dialog closes.
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { openDialog } from '../components/dialog.js';
import { el } from '../components/dom.js';
import { field } from '../components/field.js';
import { problemBox } from '../components/problem.js';
import { t } from '../locale.js';

/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').Problem} Problem */

/**
 * @param {Session} session
 * @param {AppInfo} info
 * @param {'set' | 'change' | 'remove'} what
 * @param {() => void} done
 */
export function passphraseDialog(session, info, what, done) {
  const secret = { type: 'password', dir: 'auto' };
  const old = what === 'set' ? null : field('passphrase-old', t('passphrase-old-label'), { ...secret, autocomplete: 'current-password' }, { secret: 'passphrase' });
  const next = what === 'remove' ? null : field('passphrase-new', t('passphrase-new-label'), { ...secret, autocomplete: 'new-password' }, { secret: 'passphrase', hint: t('passphrase-hint') });
  const again = what === 'remove' ? null : field('passphrase-again', t('passphrase-again-label'), { ...secret, autocomplete: 'new-password' }, { secret: 'passphrase' });
  const fields = [old, next, again].filter((one) => one !== null);
  const outcome = el('div', { class: 'outcome' });
  const submit = el('button', { id: 'passphrase-submit', type: 'submit', class: what === 'remove' ? 'danger' : 'primary' }, t(`passphrase-${what}-submit`));
  const cancel = el('button', { type: 'button', class: 'quiet', on: { click: () => dialog.close() } }, t('cancel'));
  let busy = false;

  async function keep() {
    if (busy) return;
    if (old && old.input.value === '') return old.say(t('passphrase-old-empty'));
    if (next && [...next.input.value].length < 8) return next.fail({ code: 'passphrase_short', args: {}, action: 'change_input' });
    if (next && again && next.input.value !== again.input.value) return again.say(t('passphrase-differs'));
    busy = true;
    submit.setAttribute('aria-disabled', 'true');
    // A passphrase is slow to try on purpose.
    submit.textContent = t('passphrase-busy');
    announce(t('passphrase-busy'));
    outcome.replaceChildren();
    try {
      session.account.value = await api.setPassphrase(session.id, old?.input.value ?? null, next?.input.value ?? null);
      dialog.close();
      done();
    } catch (error) {
      const problem = api.asProblem(error);
      if (old && problem.code === 'passphrase_wrong') old.fail(problem);
      else if (next && problem.code === 'passphrase_short') next.fail(problem);
      else {
        outcome.replaceChildren(problemBox(problem, info.version, null));
        submit.focus();
      }
    } finally {
      busy = false;
      submit.removeAttribute('aria-disabled');
      submit.textContent = t(`passphrase-${what}-submit`);
    }
  }

  const form = el(
    'form',
    { class: 'dialog-body', novalidate: true, on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); void keep(); } } },
    el('h2', { id: 'passphrase-title' }, t(`passphrase-${what}-title`)),
    el('p', {}, t(`passphrase-${what}-lead`, { email: session.account.peek().email })),
    ...fields.map(({ element }) => element),
    outcome,
    el('div', { class: 'buttons' }, cancel, submit),
  );
  const dialog = openDialog('passphrase-dialog', [form], 'passphrase-title');
  dialog.addEventListener('close', () => {
    for (const { input } of fields) input.value = '';
  });
  fields[0]?.input.focus();
}
