/**
 * Asking for notices on a phone: once, after a first conversation, with the reason.
 *
 * Owns: when it is asked. Never: the system's own question, which comes only after a yes here.
 */
import * as api from '../api.js';
import { openDialog } from '../components/dialog.js';
import { el } from '../components/dom.js';
import { t } from '../locale.js';

/** Asks, if it may be asked and nobody has chosen yet. */
export async function offerNotices() {
  const [device, settings] = await Promise.all([api.thisDevice(), api.settings()]).catch(() => [null, null]);
  if (device?.phone?.notices !== 'ask' || !settings?.choices.notices || document.querySelector('dialog[open]')) return;
  const { choices } = settings;
  const yes = el('button', { id: 'notify-yes', type: 'button', class: 'primary', on: { click: () => { dialog.close(); void api.askToNotify().catch(() => {}); } } }, t('notify-yes'));
  const no = el('button', { id: 'notify-no', type: 'button', class: 'quiet', on: { click: () => { dialog.close(); void api.choose({ ...choices, notices: false }).catch(() => {}); } } }, t('notify-no'));
  const dialog = openDialog('notify-dialog', [
    el('div', { class: 'dialog-body' }, el('h2', { id: 'notify-title' }, t('notify-title')), el('p', {}, t('notify-about')), el('p', { class: 'hint' }, t('settings-notices-late')), el('div', { class: 'buttons' }, no, yes)),
  ], 'notify-title');
  yes.focus();
}
