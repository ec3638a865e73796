/**
 * A person's picture until there is one: their initials on an egg, whose
 * colour is theirs alone as far as eight colours go.
 */
import { el } from './dom.js';

const words = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** @param {string} text @returns {string} */
function firstLetter(text) {
  for (const { segment } of words.segment(text)) return segment.toLocaleUpperCase();
  return '';
}

/** @param {string} name @returns {string} one or two letters, or a middle dot for nobody */
export function initials(name) {
  // A bracket or a quote is no initial, unless there is nothing else.
  const parts = name.trim().split(/\s+/u).filter(Boolean).map((part) => part.replace(/^[^\p{L}\p{N}]+(?=.*[\p{L}\p{N}])/u, ''));
  const first = firstLetter(parts[0] ?? '');
  const last = parts.length > 1 ? firstLetter(parts.at(-1) ?? '') : '';
  return first + last || '·';
}

/** @param {string} id @returns {number} 0 to 7, the same for the same person everywhere */
export function hueOf(id) {
  let sum = 7;
  for (let at = 0; at < id.length; at += 1) sum = (sum * 31 + id.charCodeAt(at)) >>> 0;
  return sum % 8;
}

/**
 * @param {string} person
 * @param {string} name
 */
export function avatar(person, name) {
  return el('span', { class: 'avatar', 'aria-hidden': 'true', data: { hue: String(hueOf(person)) } }, initials(name));
}
