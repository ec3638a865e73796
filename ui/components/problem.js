/** A problem as a person reads it: its sentence and, beside it, what can be done. */
import { actionText, problemText, product, t } from '../locale.js';
import { copyText } from './copy.js';
import { announce } from './announce.js';
import { el } from './dom.js';

/** @typedef {import('../types/bridge').Problem} Problem */

/**
 * @param {Problem} problem
 * @param {string} version the app's version, for the note to the server's owner
 * @param {(() => void) | null} act what the action's button does; null: no button
 * @returns {HTMLElement}
 */
export function problemBox(problem, version, act) {
  const sentence = problemText(problem);
  const box = el('div', { class: 'problem', role: 'alert', data: { code: problem.code } }, el('p', {}, sentence));
  if (problem.action === 'tell_owner') {
    const note = t('owner-note', { app: product(), version, problem: sentence, code: problem.code });
    box.append(
      el('button', {
        type: 'button',
        class: 'quiet small',
        on: { click: () => void copyText(plain(note)).then((done) => done && announce(t('owner-note-copied'))) },
      }, actionText(problem.action)),
    );
  } else if (act && problem.action !== 'none') {
    box.append(el('button', { type: 'button', class: 'quiet small', on: { click: act } }, actionText(problem.action)));
  }
  return box;
}

/** Without the marks that isolate an argument's direction. @param {string} text */
export function plain(text) {
  return text.replace(/[\u2066-\u2069]/gu, '');
}
