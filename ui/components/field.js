/**
 * A labelled input with its own place for an error, which names it and takes
 * the focus to it.
 */
import { problemText, t } from '../locale.js';
import { el } from './dom.js';
import { icon } from './icons.js';

/** @typedef {import('../types/bridge').Problem} Problem */
/**
 * @typedef {object} Field
 * @property {HTMLElement} element
 * @property {HTMLInputElement} input
 * @property {(problem: Problem) => void} fail shows the problem and moves the focus here
 * @property {(words: string) => void} say the same with words of one's own
 * @property {() => void} clear
 */

/**
 * @param {string} id
 * @param {string} label
 * @param {Record<string, unknown>} props of the input
 * @param {{ hint?: string, secret?: 'password' | 'passphrase' }} [more]
 * @returns {Field}
 */
export function field(id, label, props, { hint, secret } = {}) {
  const described = hint ? `${id}-hint ${id}-error` : `${id}-error`;
  const input = el('input', { id, 'aria-describedby': described, required: true, ...props, ...(secret ? { type: 'password' } : {}) });
  const error = el('p', { id: `${id}-error`, class: 'field-error', 'aria-live': 'polite' });
  const box = el('div', { class: 'field-box' }, input);
  if (secret) box.append(reveal(input, secret));
  const element = el(
    'div',
    { class: 'field' },
    el('label', { for: id }, label),
    box,
    hint ? el('p', { id: `${id}-hint`, class: 'hint' }, hint) : null,
    error,
  );
  const clear = () => {
    error.replaceChildren();
    input.removeAttribute('aria-invalid');
  };
  input.addEventListener('input', clear);
  /** @param {string} words */
  const say = (words) => {
    error.replaceChildren(icon('failed', 18), el('span', {}, words));
    input.setAttribute('aria-invalid', 'true');
    input.focus();
  };
  return {
    element,
    input,
    clear,
    say,
    fail(problem) {
      error.dataset.code = problem.code;
      say(problemText(problem));
      if (problem.action === 'change_input') input.select();
    },
  };
}

/** @param {HTMLInputElement} input @param {'password' | 'passphrase'} what */
function reveal(input, what) {
  const button = el('button', { type: 'button', class: 'icon-button reveal', 'aria-pressed': 'false' });
  const show = () => {
    const hidden = input.type === 'password';
    const words = t(hidden ? `${what}-show` : `${what}-hide`);
    button.setAttribute('aria-label', words);
    button.setAttribute('aria-pressed', String(!hidden));
    button.title = words;
    button.replaceChildren(icon(hidden ? 'eye' : 'blind', 20));
  };
  button.addEventListener('click', () => {
    input.type = input.type === 'password' ? 'text' : 'password';
    show();
    input.focus();
  });
  show();
  return button;
}
