/** The frame of every screen before an account is open: the bird at one side, a card at the other. */
import { product } from '../locale.js';
import { el } from './dom.js';
import { nameDrawing } from './icons.js';

/**
 * @param {string} step named on the element, for styles and tests
 * @param {HTMLElement} card
 */
export function stage(step, card) {
  return el(
    'div',
    { class: 'stage', data: { step } },
    el('div', { class: 'stage-scene', 'aria-hidden': 'true' }, el('img', { src: 'assets/meadow.svg', alt: '', class: 'day-scene' }), el('img', { src: 'assets/meadow-night.svg', alt: '', class: 'night-scene' })),
    el(
      'div',
      { class: 'stage-side' },
      el('header', { class: 'stage-brand' }, el('img', { src: 'assets/mark.svg', alt: '', class: 'mark-image' }), nameDrawing(product())),
      card,
    ),
  );
}

/** Says on the body which screen can be used now. @param {'signin' | 'list' | 'conversation'} screen */
export function ready(screen) {
  document.body.dataset.ready = screen;
}

/** Says that no screen can be used yet. */
export function notReady() {
  delete document.body.dataset.ready;
}
