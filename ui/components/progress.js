/**
 * How far a piece of work is: a bar, a count and words. What is told late, or
 * out of order, never makes it go back.
 */
import { t } from '../locale.js';
import { el, say } from './dom.js';

/**
 * @param {string} labelledBy
 * @param {'step' | 'attempt'} what is counted
 * @param {number} count how many there are, as far as it is known
 * @param {string} starting the words before the first
 */
export function progress(labelledBy, what, count, starting) {
  const counted = (/** @type {number} */ number, /** @type {number} */ of) => (what === 'step' ? t('setup-progress', { number, of }) : t('setup-attempt', { number, of }));
  const number = el('p', { class: 'progress-number' }, count > 0 ? counted(0, count) : '');
  const words = el('p', { class: 'progress-words' }, starting);
  const bar = el('progress', { id: 'set-up-progress', 'aria-labelledby': labelledBy, ...(count > 0 ? { max: count, value: 0 } : {}) });
  let seen = 0;
  return {
    element: el('div', { class: 'progress' }, bar, number, words),
    /** How many were told. */
    seen: () => seen,
    /**
     * @param {number} at the step that begins, from 1
     * @param {number} of
     * @param {string} text
     * @returns {boolean} whether it is news
     */
    tell(at, of, text) {
      if (at <= seen) return false;
      seen = at;
      bar.max = of;
      bar.value = at - 1;
      say(number, counted(at, of));
      say(words, text);
      return true;
    },
  };
}
