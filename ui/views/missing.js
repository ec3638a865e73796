/**
 * For somebody whose server has no chat for them: whom to ask, with a text to
 * copy.
 *
 * Owns: that text. Never: asking anybody; it is copied, and sent by whoever
 * wants to.
 */
import { copyText } from '../components/copy.js';
import { el, say } from '../components/dom.js';
import { plain } from '../components/problem.js';
import { hostOf } from '../components/server-chip.js';
import { product, t } from '../locale.js';

/**
 * The text, with the server's address and the program to run in it.
 * @param {string} server its address
 * @param {string} email of whoever would like to chat
 */
export const askingText = (server, email) => plain(t('missing-text', { server, email, program: `${product().toLowerCase()}-provision` }));

/**
 * What stands in the card.
 * @param {string} server its address
 * @param {string} email of whoever would like to chat
 */
export function missingCard(server, email) {
  const text = askingText(server, email);
  const area = el('textarea', { id: 'missing-text', class: 'copied', readonly: true, rows: 9, dir: 'auto', 'aria-describedby': 'missing-status' });
  area.value = text;
  const status = el('p', { id: 'missing-status', class: 'hint', role: 'status' });
  const copy = el('button', { id: 'missing-copy', type: 'button', class: 'primary', on: { click: () => void copyOut() } }, t('missing-copy'));

  async function copyOut() {
    if (await copyText(text)) {
      say(status, t('missing-copied'));
      copy.textContent = t('missing-copy-again');
    } else {
      say(status, t('missing-copy-by-hand'));
      area.focus();
      area.select();
    }
  }

  return {
    content: [
      el('h1', {}, t('missing-title')),
      el('p', { class: 'lead' }, t('missing-lead', { email, host: hostOf(server) })),
      el('div', { class: 'field' }, el('label', { for: 'missing-text' }, t('missing-text-label')), area, status),
      copy,
    ],
    copy,
  };
}
