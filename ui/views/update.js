/**
 * Asking for a newer version, in the settings.
 *
 * Owns: what is shown while it is asked for, found, fetched. Never: asking by
 * itself, or following anything in what the publisher wrote about a version.
 *
 *   asked? ──> the newest already | found ──> fetched ──> the program begins anew
 *                                   │           │
 *                                   └─not now   └─it failed: asked again
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { el } from '../components/dom.js';
import { problemBox } from '../components/problem.js';
import { t } from '../locale.js';

/** @typedef {import('../types/bridge').AppInfo} AppInfo */

/** @param {AppInfo} info @returns {HTMLElement} */
export function updateSetting(info) {
  const outcome = el('div', { id: 'update-outcome', class: 'update-outcome' });
  const ask = el('button', { id: 'update-ask', type: 'button', class: 'quiet', on: { click: () => void look() } }, t('update-ask'));

  /** @param {boolean} on */
  function busy(on) {
    ask.disabled = on;
    outcome.setAttribute('aria-busy', String(on));
  }

  /** @param {unknown} error @param {() => void} again */
  function failed(error, again) {
    outcome.replaceChildren(problemBox(api.asProblem(error), info.version, again));
  }

  async function look() {
    busy(true);
    outcome.replaceChildren(el('span', { class: 'spinner', role: 'img', 'aria-label': t('update-asking') }));
    try {
      const newer = await api.lookForUpdate();
      if (newer) offer(newer);
      else {
        outcome.replaceChildren(el('p', {}, t('update-none')));
        announce(t('update-none'));
      }
    } catch (error) {
      failed(error, () => void look());
    }
    busy(false);
  }

  /** @param {{ version: string, notes: string }} newer */
  function offer({ version, notes }) {
    const words = t('update-found', { version });
    const install = el('button', { id: 'update-take', type: 'button', class: 'primary', on: { click: () => void take() } }, t('update-take'));
    const later = el('button', { id: 'update-later', type: 'button', class: 'quiet', on: { click: () => { outcome.replaceChildren(); ask.focus(); } } }, t('update-later'));
    outcome.replaceChildren(
      el('p', {}, words),
      notes ? el('p', { class: 'update-notes soft', dir: 'auto' }, notes) : '',
      el('p', { class: 'hint' }, t('update-how')),
      el('div', { class: 'buttons' }, later, install),
    );
    announce(words);
    install.focus();
  }

  async function take() {
    busy(true);
    const bar = el('progress', { id: 'update-progress', max: 100, 'aria-label': t('update-fetching') });
    outcome.replaceChildren(el('p', {}, t('update-fetching')), bar);
    const end = await api.onUpdate((hundredths) => { bar.value = hundredths; });
    try {
      await api.takeUpdate();
      outcome.replaceChildren(el('p', {}, t('update-begins')));
      announce(t('update-begins'));
    } catch (error) {
      // What was found is used up: it is asked for again.
      failed(error, () => void look());
      busy(false);
    }
    end();
  }

  return el('div', { class: 'setting update' }, ask, outcome);
}
