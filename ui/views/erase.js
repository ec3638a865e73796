/**
 * Erasing an account from this device without opening it: where its passphrase
 * is forgotten, or its keys or its data are gone.
 *
 * Owns: saying what is lost before it is lost. Never: erasing at the first
 * press; the safe answer has the focus.
 */
import * as api from '../api.js';
import { openDialog } from '../components/dialog.js';
import { el } from '../components/dom.js';
import { problemBox } from '../components/problem.js';
import { hostOf } from '../components/server-chip.js';
import { t } from '../locale.js';

/** @typedef {import('../types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */

/**
 * @param {AppInfo} info
 * @param {AccountSummary} account
 * @param {{ done: (notice: string) => void }} how
 */
export function eraseDialog(info, account, { done }) {
  const trouble = el('div', { class: 'outcome' });
  const stay = el('button', { id: 'erase-stay', type: 'button', class: 'primary', on: { click: () => dialog.close() } }, t('erase-stay'));
  const erase = el('button', { id: 'erase-confirm', type: 'button', class: 'danger', on: { click: () => void go() } }, t('erase-confirm'));
  const body = el(
    'div',
    { class: 'dialog-body' },
    el('h2', { id: 'erase-title' }, t('erase-title')),
    el('p', {}, t('erase-lead', { email: account.email, server: hostOf(account.server) })),
    el(
      'dl',
      { class: 'consequences' },
      el('dt', {}, t('erase-lost-title')),
      el('dd', {}, t('erase-lost')),
      el('dt', {}, t('erase-kept-title')),
      el('dd', {}, t('erase-kept')),
    ),
    trouble,
    el('div', { class: 'buttons' }, erase, stay),
  );
  const dialog = openDialog('erase-dialog', [body], 'erase-title');
  let busy = false;

  async function go() {
    if (busy) return;
    busy = true;
    erase.textContent = t('erase-busy');
    trouble.replaceChildren();
    try {
      const { server_told: told } = await api.signOut(account.id, 'discard');
      dialog.close();
      done(t(told ? 'erased' : 'erased-untold'));
    } catch (error) {
      busy = false;
      erase.textContent = t('erase-confirm');
      const problem = api.asProblem(error);
      // Somebody else was faster: it is gone, as was wanted.
      if (problem.code === 'account_unknown') {
        dialog.close();
        done(t('erased'));
        return;
      }
      trouble.replaceChildren(problemBox(problem, info.version, null));
    }
  }

  stay.focus();
}
