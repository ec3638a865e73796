/**
 * Signing out: asked once, and once more where messages are not sent yet.
 *
 *   asked ──confirm──> busy ──> signed out
 *                       └──unsent_messages──> wait | copy | discard ──> signed out
 */
import * as api from '../api.js';
import { copyText } from '../components/copy.js';
import { openDialog } from '../components/dialog.js';
import { el } from '../components/dom.js';
import { problemBox } from '../components/problem.js';
import { t } from '../locale.js';

/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').Unsent} Unsent */

/**
 * @param {Session} session
 * @param {AppInfo} info
 * @param {{ done: (notice: string) => void }} how
 */
export function signOutDialog(session, info, { done }) {
  const body = el('div', { class: 'dialog-body' });
  const dialog = openDialog('sign-out-dialog', [body], 'sign-out-title');
  let busy = false;

  /** @param {Unsent} unsent @param {HTMLButtonElement} button */
  async function leave(unsent, button) {
    if (busy) return;
    busy = true;
    const words = button.textContent;
    button.textContent = t('sign-out-busy');
    try {
      const { server_told: told, secrets_left: left } = await api.signOut(session.id, unsent);
      dialog.close();
      done(t(left ? 'signed-out-secrets-left' : told ? 'signed-out' : 'signed-out-untold'));
    } catch (error) {
      busy = false;
      button.textContent = words;
      const problem = api.asProblem(error);
      if (problem.code === 'unsent_messages') decide(Number(problem.args['count'] ?? 0));
      else {
        body.querySelector('.problem')?.remove();
        body.insertBefore(problemBox(problem, info.version, null), body.lastElementChild);
      }
    }
  }

  function confirm() {
    const out = el('button', { id: 'sign-out-confirm', type: 'button', class: 'primary', on: { click: () => void leave('ask', out) } }, t('sign-out-confirm'));
    const stay = el('button', { type: 'button', class: 'quiet', on: { click: () => dialog.close() } }, t('sign-out-stay'));
    body.replaceChildren(
      el('h2', { id: 'sign-out-title' }, t('sign-out-title')),
      el('p', {}, t('sign-out-lead', { email: session.account.peek().email })),
      el('div', { class: 'buttons' }, stay, out),
    );
    out.focus();
  }

  /** @param {number} count */
  function decide(count) {
    const status = el('p', { class: 'hint', role: 'status' });
    const wait = el('button', { id: 'unsent-wait', type: 'button', class: 'primary', on: { click: () => dialog.close() } }, t('unsent-wait'));
    const copy = el('button', { id: 'unsent-copy', type: 'button', class: 'quiet', on: { click: () => void copyOut() } }, t('unsent-copy'));
    const discard = el('button', { id: 'unsent-discard', type: 'button', class: 'danger', on: { click: () => void leave('discard', discard) } }, t('unsent-discard'));
    const place = el('div');
    body.replaceChildren(
      el('h2', { id: 'sign-out-title' }, t('unsent-title', { count })),
      el('p', {}, t('unsent-lead')),
      place,
      status,
      el('div', { class: 'buttons stacked' }, wait, copy, discard),
    );
    wait.focus();

    async function copyOut() {
      try {
        const rows = await api.unsentMessages(session.id);
        const text = rows.map((row) => {
          const name = session.conversation(row.conversation)?.title || t('nobody');
          return `${name}: ${row.text}`;
        }).join('\n\n');
        place.replaceChildren(el('textarea', { class: 'copied', readonly: true, rows: 4, dir: 'auto', 'aria-label': t('unsent-copy-label') }));
        const area = /** @type {HTMLTextAreaElement} */ (place.firstElementChild);
        area.value = text;
        const copied = await copyText(text);
        status.textContent = copied ? t('unsent-copied') : '';
        if (!copied) {
          area.focus();
          area.select();
        }
      } catch (error) {
        place.replaceChildren(problemBox(api.asProblem(error), info.version, null));
      }
    }
  }

  confirm();
}
