/**
 * A text that another app shared: a person chooses whom it is for, and it becomes a draft there.
 *
 * Owns: showing what was shared before anything is chosen. Never: sending it.
 */
import { el } from '../components/dom.js';
import { t } from '../locale.js';
import { peopleDialog } from './people.js';

/** As much of it as is shown, in letters. */
const SHOWN = 300;

/**
 * @param {import('../session.js').Session} session
 * @param {string} text
 * @param {(person: import('../types/bridge').PersonRow) => void} pick
 */
export function shareDialog(session, text, pick) {
  const letters = [...text];
  const shown = letters.length > SHOWN ? `${letters.slice(0, SHOWN).join('')}…` : text;
  const about = el('div', { class: 'share-about' }, el('p', { class: 'hint' }, t('share-about')), el('blockquote', { class: 'share-text', dir: 'auto' }, shown));
  peopleDialog(session, { pick, title: t('share-title'), about });
}
