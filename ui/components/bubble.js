/**
 * One message as it is seen: the bubble, its time and state, and what can be
 * done where it failed. Also what stands above it: a day, or where the unread
 * begin.
 *
 * Owns: the elements of one entry and changing only what differs. Never:
 * where it stands, or what happens when a button is pressed.
 */
import { dayText, instantText, problemText, t, timeText } from '../locale.js';
import { el, spoken } from './dom.js';
import { icon } from './icons.js';
import { pieces } from './linkify.js';

/** @typedef {import('../types/bridge').MessageRow} MessageRow */
/**
 * @typedef {object} Look
 * @property {MessageRow} row
 * @property {boolean} above whether it is joined to the one above
 * @property {boolean} below whether it is joined to the one below
 * @property {string | null} day the day that begins here
 * @property {boolean} unread whether the unread begin here
 * @property {string} author who wrote it, as it is read out
 */
/**
 * @typedef {object} Deeds
 * @property {(url: string) => void} open
 * @property {(row: MessageRow) => void} retry
 * @property {(row: MessageRow) => void} discard
 * @property {(row: MessageRow) => void} copy
 */

const marks = /** @type {const} */ ({ queued: 'clock', sending: 'rising', sent: 'sent', failed: 'failed' });
const onlyEmoji = /^(?:\p{Regional_Indicator}{2}|\p{Emoji_Presentation}|\p{Emoji}\uFE0F)(?:[\p{Emoji_Modifier}\u200D\uFE0F\s]|\p{Regional_Indicator}|\p{Emoji_Presentation}|\p{Extended_Pictographic})*$/u;
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** @param {string} text @returns {boolean} one to three emoji and nothing else */
export function isEmojiOnly(text) {
  if (text.length > 40 || !onlyEmoji.test(text)) return false;
  return [...graphemes.segment(text.replace(/\s/gu, ''))].length <= 3;
}

export class Entry {
  /** @type {HTMLElement} */
  element;
  /** @type {Look} */
  look;
  #deeds;
  #bubble;

  /** @param {Look} look @param {Deeds} deeds */
  constructor(look, deeds) {
    this.#deeds = deeds;
    this.look = look;
    this.#bubble = this.#makeBubble(look);
    this.element = el('div', { class: 'entry', role: 'presentation' });
    this.#fill();
  }

  get row() {
    return this.look.row;
  }

  /** @param {Look} look */
  update(look) {
    const old = this.look;
    const same =
      old.above === look.above && old.below === look.below && old.day === look.day &&
      old.unread === look.unread && old.author === look.author;
    if (old.row === look.row && same) return;
    this.look = look;
    if (!sameShown(old.row, look.row) || old.author !== look.author) {
      this.#bubble = this.#makeBubble(look);
      this.#fill();
    } else if (!same) {
      this.#fill();
    }
  }

  #fill() {
    const { row, above, below, day, unread, author } = this.look;
    const message = el(
      'div',
      {
        class: `message${row.is_me ? ' mine' : ''}${above ? ' joined-above' : ''}${below ? ' joined-below' : ''}`,
        role: 'listitem',
      },
      spoken(t('author-line', { name: author })),
      this.#bubble,
      row.state === 'failed' && this.#trouble(row),
    );
    this.element.replaceChildren(
      ...(day ? [el('div', { class: 'day', role: 'listitem' }, el('span', {}, day))] : []),
      ...(unread ? [el('div', { class: 'unread-divider', role: 'listitem' }, el('span', {}, t('new-messages-divider')))] : []),
      message,
    );
  }

  /** @param {Look} look */
  #makeBubble({ row }) {
    const text = el('span', { class: 'text' });
    // Written so by another program.
    if (row.text === '') text.append(el('em', {}, t('no-text')));
    for (const piece of pieces(row.text)) {
      text.append(piece.url ? this.#link(piece.text, piece.url) : piece.text);
    }
    const meta = el(
      'span',
      { class: 'meta', dir: document.documentElement.dir || 'ltr' },
      el('time', { datetime: new Date(row.at).toISOString(), title: instantText(row.at) }, timeText(row.at)),
      row.is_me && el('span', { class: 'mark', title: t(`state-${row.state}`) }, icon(marks[row.state], 14), spoken(t(`state-${row.state}`))),
    );
    return el(
      'div',
      { class: `bubble${isEmojiOnly(row.text) ? ' big' : ''}`, data: { message: row.id, state: row.state } },
      el('div', { class: 'body', dir: 'auto' }, text, meta),
    );
  }

  /** @param {string} text @param {string} url */
  #link(text, url) {
    /** @param {Event} event */
    const follow = (event) => {
      event.preventDefault();
      this.#deeds.open(url);
    };
    return el('a', { href: url, title: url, rel: 'noreferrer noopener', on: { click: follow, auxclick: follow, dragstart: (event) => event.preventDefault() } }, text);
  }

  /** @param {MessageRow} row */
  #trouble(row) {
    /** @param {string} name @param {(row: MessageRow) => void} deed */
    const button = (name, deed) =>
      el('button', { type: 'button', class: 'quiet small', data: { deed: name }, on: { click: () => deed(this.row) } }, t(`failed-${name}`));
    return el(
      'div',
      { class: 'trouble' },
      el('p', {}, row.problem ? `${t('failed-lead')} ${problemText(row.problem)}` : t('failed-lead')),
      el('div', { class: 'deeds' }, button('retry', this.#deeds.retry), button('copy', this.#deeds.copy), button('discard', this.#deeds.discard)),
    );
  }
}

/** @param {MessageRow} a @param {MessageRow} b */
function sameShown(a, b) {
  return (
    a === b ||
    (a.text === b.text && a.at === b.at && a.state === b.state && a.sender === b.sender && a.is_me === b.is_me &&
      a.problem?.code === b.problem?.code)
  );
}

/**
 * The day a message begins, or null.
 * @param {MessageRow | undefined} above
 * @param {MessageRow} row
 * @param {(at: number) => number} dayOf
 */
export function dayBefore(above, row, dayOf) {
  return !above || dayOf(above.at) !== dayOf(row.at) ? dayText(row.at, Date.now()) : null;
}
