/**
 * Where a message is written.
 *
 * Owns: what is typed, its height of one to four lines, when Enter sends, and
 * when a draft is worth keeping. Never: sending or keeping anything itself.
 */
import { t } from '../locale.js';
import { el } from './dom.js';
import { icon } from './icons.js';

/** Milliseconds after the last keystroke until a draft is kept. */
const DRAFT_AFTER = 400;
const LINES = 4;

/** Whether the keyboard is one on the screen, where Enter breaks the line. */
export const touching = () => matchMedia('(hover: none) and (pointer: coarse)').matches;

export class Composer {
  /** @type {HTMLFormElement} */
  element;
  #area;
  #button;
  #send;
  #keep;
  /** What the core has as draft. */
  #kept = '';
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {{ send: (text: string) => void, keep: (text: string) => void, resized: () => void }} deeds
   */
  constructor({ send, keep, resized }) {
    this.#send = send;
    this.#keep = keep;
    this.#area = el('textarea', {
      id: 'composer', rows: 1, dir: 'auto', autocapitalize: 'sentences', enterkeyhint: 'send', autocomplete: 'off', spellcheck: 'true',
      on: {
        input: () => this.#typed(),
        keydown: (/** @type {KeyboardEvent} */ event) => this.#key(event),
        blur: () => this.flush(),
      },
    });
    this.#button = el(
      'button',
      {
        id: 'send', type: 'submit', class: 'send', disabled: true, 'aria-label': t('send'), title: t('send'),
        // The focus stays in the text, so that a keyboard on the screen stays too.
        on: { pointerdown: (/** @type {Event} */ event) => event.preventDefault(), mousedown: (/** @type {Event} */ event) => event.preventDefault() },
      },
      icon('send', 22),
    );
    this.#resized = resized;
    this.element = el(
      'form',
      { class: 'composer', on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); this.#submit(); } } },
      el('div', { class: 'composer-field' }, this.#area),
      this.#button,
    );
  }

  /** @type {() => void} */
  #resized;

  get text() {
    return this.#area.value;
  }

  /** @param {string} text */
  set(text) {
    clearTimeout(this.#timer);
    this.#area.value = text;
    this.#kept = text;
    this.#fit();
  }

  /** Adds a text below what is there, as if it had been typed. @param {string} text */
  add(text) {
    this.#area.value = this.#area.value.trim() === '' ? text : `${this.#area.value}\n${text}`;
    this.#fit();
    this.flush();
  }

  /** Gives back a text that could not be queued, above what is typed since. @param {string} text */
  restore(text) {
    this.#area.value = this.#area.value === '' ? text : `${text}\n${this.#area.value}`;
    this.#fit();
    this.flush();
  }

  /**
   * @param {string} name whom this is written to
   * @param {'live' | 'offline' | 'sample'} where what becomes of what is sent
   */
  describe(name, where) {
    this.#area.setAttribute('aria-label', t('composer-label', { name }));
    const hint = t(where === 'live' ? 'composer-hint' : where === 'offline' ? 'composer-hint-offline' : 'composer-hint-sample');
    if (this.#area.placeholder === hint) return;
    this.#area.placeholder = hint;
    // A long hint may need a second line in a narrow window.
    if (this.#area.isConnected) this.#fit();
  }

  focus() {
    this.#area.focus({ preventScroll: true });
  }

  /** Keeps the draft now, if it differs from what is kept. */
  flush() {
    clearTimeout(this.#timer);
    if (this.#area.value.trim() === this.#kept.trim()) return;
    this.#kept = this.#area.value;
    this.#keep(this.#kept);
  }

  #typed() {
    this.#fit();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.flush(), DRAFT_AFTER);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key !== 'Enter' || event.shiftKey || event.altKey) return;
    // 229: the key belonged to a composition, which WebKit ends just before.
    if (event.isComposing || event.keyCode === 229) return;
    if (touching() && !event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    this.#submit();
  }

  #submit() {
    const text = this.#area.value.trim();
    if (text === '') return;
    clearTimeout(this.#timer);
    const kept = this.#kept;
    this.set('');
    this.focus();
    this.#send(text);
    if (kept.trim() !== '') this.#keep('');
  }

  /** Grows with what is typed, up to four lines. */
  #fit() {
    const area = this.#area;
    this.#button.disabled = area.value.trim() === '';
    const before = area.offsetHeight;
    // While it is measured the form keeps its height, or the messages above
    // would be scrolled for a moment that never was.
    const form = this.element;
    form.style.blockSize = `${form.offsetHeight}px`;
    area.style.blockSize = 'auto';
    const style = getComputedStyle(area);
    const line = Number.parseFloat(style.lineHeight) || 22.4;
    const padding = Number.parseFloat(style.paddingBlockStart) + Number.parseFloat(style.paddingBlockEnd) || 0;
    const most = line * LINES + padding;
    const wanted = Math.min(area.scrollHeight, most);
    area.style.blockSize = `${wanted}px`;
    area.style.overflowY = area.scrollHeight > most + 1 ? 'auto' : 'hidden';
    form.style.blockSize = '';
    if (area.offsetHeight !== before) this.#resized();
  }
}
