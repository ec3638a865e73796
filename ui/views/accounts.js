/**
 * The accounts on this device: which there are, and which one is used now.
 *
 * Owns: asking for them anew each time, and moving among them by keys. Never:
 * opening or closing one; who shows this decides what follows from a choice.
 */
import * as api from '../api.js';
import { avatar } from '../components/avatar.js';
import { openDialog } from '../components/dialog.js';
import { el, spoken } from '../components/dom.js';
import { icon } from '../components/icons.js';
import { placeOf } from '../components/server-chip.js';
import { problemText, t } from '../locale.js';

/** @typedef {import('../types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('../types/bridge').Code} Code */

/** What stands below an account that can't be opened as it is. @type {Partial<Record<Code, string>>} */
const states = {
  passphrase_needed: 'account-locked',
  account_in_use: 'account-elsewhere',
  sign_in_needed: 'account-ended',
};

/**
 * @param {object} how
 * @param {string | null} how.current the account that is used now
 * @param {number} how.unread its unread messages
 * @param {(account: AccountSummary) => void} how.pick another one was chosen
 * @param {(() => void) | null} how.add null where one is adding already
 */
export function accountsDialog({ current, unread, pick, add }) {
  const list = el('ul', { class: 'accounts', 'aria-label': t('accounts'), on: { keydown: (/** @type {KeyboardEvent} */ event) => arrows(event) } });
  const note = el('p', { class: 'people-note', role: 'status' });
  const close = el('button', { type: 'button', class: 'icon-button', 'aria-label': t('close'), title: t('close'), on: { click: () => dialog.close() } }, icon('close'));
  const dialog = openDialog('accounts-dialog', [
    el('header', { class: 'dialog-head' }, el('h2', { id: 'accounts-title' }, t('accounts-title')), close),
    el('div', { class: 'accounts-scroller' }, list, note),
    ...(add ? [el('div', { class: 'dialog-foot' }, el('button', { id: 'account-add', type: 'button', class: 'quiet', on: { click: () => { dialog.close(); add(); } } }, icon('find', 20), t('account-add')))] : []),
  ], 'accounts-title');
  close.focus();

  async function fill() {
    try {
      const accounts = await api.accounts();
      list.replaceChildren(...accounts.map(row));
      const first = list.querySelector('[aria-current]') ?? list.querySelector('button');
      if (first instanceof HTMLElement && (document.activeElement === close || document.activeElement === document.body)) first.focus();
    } catch (error) {
      note.textContent = problemText(api.asProblem(error));
    }
  }

  /** @param {AccountSummary} account */
  function row(account) {
    const now = account.id === current;
    const state = now ? 'account-now' : account.problem ? states[account.problem.code] ?? 'account-trouble' : '';
    const choose = () => {
      dialog.close();
      if (!now) pick(account);
    };
    return el(
      'li',
      {},
      el(
        'button',
        { type: 'button', class: 'person account', 'aria-current': now ? 'true' : null, data: { account: account.id }, on: { click: choose } },
        avatar(account.person, account.name || account.email),
        el(
          'span',
          { class: 'account-text' },
          el('span', { class: 'person-name', dir: 'auto' }, account.name || account.email),
          el('span', { class: 'soft', dir: account.sample ? null : 'ltr' }, placeOf(account)),
          state ? el('span', { class: 'account-state' }, now ? icon('sent', 16) : null, t(state)) : null,
        ),
        now && unread > 0
          ? el('span', { class: 'badge' }, el('span', { 'aria-hidden': 'true' }, unread > 999 ? '999+' : String(unread)), spoken(t('unread-count', { count: unread })))
          : null,
      ),
    );
  }

  /** @param {KeyboardEvent} event */
  function arrows(event) {
    const all = [...list.querySelectorAll('button')];
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    all[Math.max(0, Math.min(to, all.length - 1))]?.focus();
  }

  void fill();
}
