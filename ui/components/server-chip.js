/** Which server it is: its name, its address and its version. */
import { t } from '../locale.js';
import { el } from './dom.js';
import { icon } from './icons.js';

/** @typedef {import('../types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('../types/bridge').ServerFound} ServerFound */

/** An address as a person reads it. @param {string} url */
export const hostOf = (url) => url.replace(/^https?:\/\//u, '');

/** Where an account is, as a person reads it. @param {AccountSummary} account */
export const placeOf = (account) => account.sample ? t('sample-place') : hostOf(account.server);

/**
 * @param {ServerFound} found
 * @param {HTMLElement | null} [button] what can be done with it
 */
export function serverChip(found, button = null) {
  const host = hostOf(found.url);
  return el(
    'div',
    { class: 'server-chip' },
    el('span', { class: 'chip-icon', 'aria-hidden': 'true' }, icon('server', 20)),
    el('span', { class: 'chip-text' }, el('strong', { dir: 'auto' }, found.project || host), found.project || found.version
      ? el('span', {}, el('span', { dir: 'ltr' }, found.project ? host : ''), found.project && found.version ? ' · ' : '', found.version ? t('server-version', { version: found.version }) : '')
      : null),
    button,
  );
}
