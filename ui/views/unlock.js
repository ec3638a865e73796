/**
 * An account that is there but can't be opened yet: locked under a passphrase,
 * or in trouble that is told in words. Neither is a dead end: the account can
 * be erased from this device, and another one used.
 *
 * Owns: that the system is asked to recognise its person by itself once at most,
 * when somebody has come; whatever becomes of that, the passphrase opens it too.
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { el } from '../components/dom.js';
import { field } from '../components/field.js';
import { problemBox } from '../components/problem.js';
import { ready, stage } from '../components/stage.js';
import { actionText, problemText, t } from '../locale.js';
import { eraseDialog } from './erase.js';

/** @typedef {import('../types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').Problem} Problem */

/**
 * @param {AppInfo} info
 * @param {AccountSummary} account
 * @param {{ came: boolean, done: (account: AccountSummary) => void, other: () => void, erased: (notice: string) => void }} how `came` says whether somebody has just come, and not left
 */
export function unlockView(info, account, { came, done, other, erased }) {
  const secret = field('passphrase', t('passphrase-label'), { name: 'passphrase', autocomplete: 'current-password', dir: 'auto' }, { secret: 'passphrase' });
  const button = el('button', { id: 'continue', type: 'submit', class: 'primary' }, t('unlock-submit'));
  const outcome = el('div', { class: 'outcome' });
  let busy = false;
  /** Nothing follows any more from what was asked here. */
  let closed = false;

  /** Where the system's biometrics open it as well. @type {HTMLButtonElement | null} */
  let recognise = null;
  let name = '';
  let asking = false;
  /** Whether the system was asked by itself already. */
  let offered = false;

  async function offer() {
    if (recognise === null || offered || !came || document.visibilityState !== 'visible') return;
    offered = true;
    // No keyboard on the screen while a finger or a face is looked for.
    if (secret.input.value === '') recognise.focus();
    await ask();
  }

  async function ask() {
    if (asking || recognise === null) return;
    asking = true;
    offered = true;
    recognise.setAttribute('aria-disabled', 'true');
    recognise.textContent = t('unlock-biometrics-busy', { name });
    announce(recognise.textContent);
    outcome.replaceChildren();
    try {
      const opened = await api.unlockByBiometrics(account.id);
      if (!closed) done(opened);
    } catch (error) {
      if (!closed) refused(api.asProblem(error));
    } finally {
      asking = false;
      recognise?.removeAttribute('aria-disabled');
      recognise?.replaceChildren(t('unlock-biometrics', { name }));
    }
  }

  /** @param {Problem} problem */
  function refused(problem) {
    if (problem.code === 'biometrics_gone' || problem.code === 'biometrics_unavailable') {
      recognise?.remove();
      recognise = null;
    }
    // Who broke it off knows that.
    if (problem.code !== 'biometrics_cancelled') outcome.replaceChildren(el('p', { class: 'problem', role: 'alert', data: { code: problem.code } }, problemText(problem)));
    secret.input.focus();
  }

  /** Asks whether there is another way than the passphrase. */
  async function know() {
    const state = await api.biometrics(account.id).catch(() => null);
    if (closed || !state?.on || state.kind === null) return;
    name = t('biometrics-name', { kind: state.kind });
    recognise = el('button', { id: 'unlock-biometrics', type: 'button', class: 'quiet', on: { click: () => void ask() } }, t('unlock-biometrics', { name }));
    button.after(recognise);
    await offer();
  }

  /** Somebody who left it locked comes back. */
  function seen() {
    if (document.visibilityState === 'hidden') came = true;
    else void offer();
  }

  async function submit() {
    if (busy) return;
    if (secret.input.value === '') {
      secret.fail({ code: 'passphrase_needed', args: {}, action: 'unlock' });
      return;
    }
    busy = true;
    button.setAttribute('aria-disabled', 'true');
    outcome.replaceChildren();
    try {
      const opened = await api.unlock(account.id, secret.input.value);
      secret.input.value = '';
      if (!closed) done(opened);
    } catch (error) {
      const problem = api.asProblem(error);
      if (problem.code === 'passphrase_wrong' || problem.code === 'passphrase_needed') {
        secret.fail(problem);
        secret.input.select();
      } else {
        outcome.replaceChildren(problemBox(problem, info.version, () => void submit()));
        button.focus();
      }
    } finally {
      busy = false;
      button.removeAttribute('aria-disabled');
    }
  }

  const card = el(
    'form',
    { class: 'card', novalidate: true, on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); void submit(); } } },
    el('h1', {}, t('unlock-title')),
    el('p', { class: 'lead' }, t('unlock-lead', { email: account.email })),
    el('input', { type: 'text', name: 'username', autocomplete: 'username', value: account.email, hidden: true, readonly: true, 'aria-hidden': 'true', tabindex: -1 }),
    secret.element,
    outcome,
    button,
    el('button', { id: 'another-account', type: 'button', class: 'quiet', on: { click: other } }, t('another-account')),
    wayOut(info, account, t('unlock-forgotten'), erased),
  );
  return {
    element: stage('unlock', card),
    shown() {
      ready('signin');
      secret.input.focus();
      document.addEventListener('visibilitychange', seen);
      void know();
    },
    close() {
      closed = true;
      document.removeEventListener('visibilitychange', seen);
      secret.input.value = '';
    },
  };
}

/**
 * @param {AppInfo} info
 * @param {AccountSummary} account
 * @param {string} why a sentence above the button, or none
 * @param {(notice: string) => void} erased
 */
function wayOut(info, account, why, erased) {
  return el(
    'div',
    { class: 'way-out' },
    why ? el('p', { class: 'hint' }, why) : null,
    el('button', { id: 'erase', type: 'button', class: 'quiet small', on: { click: () => eraseDialog(info, account, { done: erased }) } }, t('erase')),
  );
}

/**
 * @param {AppInfo} info
 * @param {AccountSummary | null} account
 * @param {Problem} problem
 * @param {{ again: () => void, other: () => void, erased: (notice: string) => void }} how
 */
export function troubleView(info, account, problem, { again, other, erased }) {
  const owner = problem.action === 'tell_owner';
  const box = owner ? problemBox(problem, info.version, null) : el('p', { class: 'problem', role: 'alert', data: { code: problem.code } }, problemText(problem));
  const button = el('button', { id: 'continue', type: 'button', class: 'primary', on: { click: again } }, actionText(owner || problem.action === 'none' ? 'retry' : problem.action));
  const card = el(
    'div',
    { class: 'card' },
    el('h1', {}, t('trouble-title')),
    account ? el('p', { class: 'lead' }, t('trouble-account', { email: account.email, server: account.server })) : null,
    box,
    button,
    account ? el('button', { id: 'another-account', type: 'button', class: 'quiet', on: { click: other } }, t('another-account')) : null,
    // Who holds it elsewhere can sign out there.
    account && problem.code !== 'account_in_use' ? wayOut(info, account, '', erased) : null,
  );
  return {
    element: stage('trouble', card),
    shown() {
      ready('signin');
      button.focus();
    },
  };
}
