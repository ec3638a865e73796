/**
 * Messages that a search found: one row each, with what was looked for marked,
 * and how far back was looked.
 *
 * Owns: drawing them, and asking for more. Never: what is found; the core says.
 */
import { el, spoken } from './dom.js';
import { dayText, t, whenText } from '../locale.js';

/** @typedef {import('../types/bridge').Found} Found */
/** @typedef {import('../types/bridge').Reach} Reach */

/**
 * A text with the parts that were found in `mark` elements. Marks count UTF-16
 * units, as `slice` does.
 * @param {import('../types/bridge').Excerpt} excerpt
 * @returns {(Node | string)[]}
 */
export function marked({ text, marks }) {
  const parts = [];
  let at = 0;
  for (const { from, until } of marks) {
    parts.push(text.slice(at, from), el('mark', {}, text.slice(from, until)));
    at = until;
  }
  parts.push(text.slice(at));
  return parts;
}

/** @param {Reach} reach @param {number} now @returns {string} */
export function reachText(reach, now) {
  if (reach.to === 'instant') return t('found-back-instant', { day: dayText(reach.at, now) });
  return reach.to === 'beginning' ? t('found-back-beginning') : t('found-back-nothing');
}

/**
 * @param {Found} found
 * @param {number} now
 * @param {(found: Found) => void} open
 */
function row(found, now, open) {
  const { message, title, excerpt } = found;
  return el(
    'li',
    {},
    el(
      'button',
      { type: 'button', class: 'row found', tabindex: -1, data: { found: message.id }, on: { click: () => open(found) } },
      el('span', { class: 'row-top' },
        el('span', { class: 'row-title', dir: 'auto' }, title || t('nobody')),
        el('time', { class: 'row-when', datetime: new Date(message.at).toISOString() }, whenText(message.at, now)),
      ),
      el('span', { class: 'found-text' },
        message.is_me ? spoken(t('found-you')) : null,
        el('span', { dir: 'auto', class: 'isolated' }, ...marked(excerpt)),
      ),
    ),
  );
}

export class FoundMessages {
  #list = el('ul', { class: 'conversations', 'aria-label': t('found-messages') });
  #reach = el('p', { class: 'found-reach', role: 'status' });
  #more = el('button', { type: 'button', class: 'quiet small', on: { click: () => void this.#next() } }, t('found-more'));
  #query = '';
  /** @type {Found[]} */
  #found = [];
  #asked = 0;
  element = el('section', { class: 'found-messages', hidden: true }, el('h2', {}, t('found-messages')), this.#list, this.#more, this.#reach);

  /**
   * @param {import('../session.js').Session} session
   * @param {(found: Found) => void} open
   */
  constructor(session, open) {
    this.session = session;
    this.open = open;
  }

  /** @returns {HTMLButtonElement[]} */
  buttons() {
    return this.element.hidden ? [] : [...this.#list.querySelectorAll('button')];
  }

  /** Looks for this; nothing for an empty one. @param {string} query */
  async look(query) {
    this.#query = query;
    this.#found = [];
    this.#asked += 1;
    if (query === '') {
      this.element.hidden = true;
      return;
    }
    await this.#next();
  }

  async #next() {
    const mine = this.#asked;
    const page = await this.session.search(this.#query, this.#found.at(-1)?.message.sort ?? null);
    if (mine !== this.#asked) return;
    this.#found.push(...page.found);
    const now = Date.now();
    this.#list.replaceChildren(...this.#found.map((found) => row(found, now, this.open)));
    this.#more.hidden = !page.more;
    const reach = reachText(page.reach, now);
    this.#reach.textContent = this.#found.length === 0 ? `${t('found-none', { query: this.#query })} ${reach}` : reach;
    this.element.hidden = false;
  }
}
