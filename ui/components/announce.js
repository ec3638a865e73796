/**
 * One polite live region for the whole page: what is said here is read out
 * once, in order.
 */
import { el } from './dom.js';

const region = el('div', { id: 'announcements', class: 'spoken', role: 'status', 'aria-live': 'polite', 'aria-relevant': 'additions' });

/** @param {Element} body puts the region into the page, before anything is said */
export function installAnnouncements(body) {
  body.append(region);
}

/** @param {string} text */
export function announce(text) {
  region.append(el('p', { dir: 'auto' }, text));
  // What was read out needs no keeping; the last few stay for slow readers.
  while (region.children.length > 5) region.firstElementChild?.remove();
}
