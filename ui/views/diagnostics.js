/**
 * Diagnostics, saved into a file: what is in it and what isn't, and where it goes.
 *
 * Owns: that both are said before anything is written. Never: what is in the
 * file, which no page sees, nor sending it anywhere.
 *
 *   said ──save──> writing ──> written, and where
 *     ^               └──────> it failed: another place, or again
 *     └──────────────────────────┘
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { openDialog } from '../components/dialog.js';
import { el } from '../components/dom.js';
import { icon } from '../components/icons.js';
import { problemBox } from '../components/problem.js';
import { sizeText, t } from '../locale.js';

/** @typedef {import('../api.js').SavePlace} SavePlace */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */

/**
 * @param {Session} session
 * @param {AppInfo} info
 */
export function diagnosticsDialog(session, info) {
  const outcome = el('div', { class: 'outcome' });
  const where = el('div', { class: 'field diagnostics-where' }, el('span', { class: 'spinner', role: 'img', 'aria-label': t('pause') }));
  const close = el('button', { id: 'diagnostics-close', type: 'button', class: 'quiet', on: { click: () => dialog.close() } }, t('cancel'));
  const save = el('button', { id: 'diagnostics-save', type: 'button', class: 'primary', 'aria-disabled': 'true', on: { click: () => void write() } }, t('diagnostics-save'));
  /** @type {HTMLSelectElement | null} */
  let choice = null;
  let busy = true;

  /** @param {boolean} on */
  function working(on) {
    busy = on;
    if (on) save.setAttribute('aria-disabled', 'true');
    else save.removeAttribute('aria-disabled');
    outcome.setAttribute('aria-busy', String(on));
  }

  /** @param {unknown} error @param {() => void} again */
  function failed(error, again) {
    outcome.replaceChildren(problemBox(api.asProblem(error), info.version, again));
  }

  async function places() {
    try {
      offer(await api.savePlaces());
      outcome.replaceChildren();
      working(false);
    } catch (error) {
      where.replaceChildren();
      failed(error, () => void places());
    }
  }

  /** @param {SavePlace[]} all the usual one first */
  function offer(all) {
    const path = el('p', { id: 'diagnostics-path', class: 'hint address', dir: 'ltr' }, all[0]?.path ?? '');
    const chosen = el('select', {
      id: 'diagnostics-place', 'aria-describedby': 'diagnostics-path',
      on: { change: () => { path.textContent = all.find(({ place }) => place === chosen.value)?.path ?? ''; } },
    }, ...all.map(({ place }) => el('option', { value: place }, t(`diagnostics-place-${place}`))));
    choice = chosen;
    where.replaceChildren(
      el('label', { for: 'diagnostics-place' }, t('diagnostics-place')),
      el('span', { class: 'select' }, chosen, icon('chevron', 18)),
      path,
    );
  }

  async function write() {
    if (busy || choice === null) return;
    working(true);
    outcome.replaceChildren(el('span', { class: 'spinner', role: 'img', 'aria-label': t('diagnostics-writing') }));
    announce(t('diagnostics-writing'));
    try {
      const saved = await api.saveDiagnostics(session.id, /** @type {SavePlace['place']} */ (choice.value));
      outcome.replaceChildren(
        el('p', { id: 'diagnostics-saved', tabindex: -1 }, t('diagnostics-saved', { size: sizeText(saved.bytes) })),
        el('p', { class: 'address', dir: 'ltr' }, saved.path),
        saved.from_the_beginning ? '' : el('p', { class: 'hint' }, t('diagnostics-part')),
        el('p', { class: 'hint' }, t('diagnostics-then')),
      );
      announce(t('diagnostics-saved', { size: sizeText(saved.bytes) }));
      // What is to be known of it was read.
      said.remove();
      where.remove();
      save.remove();
      close.textContent = t('close');
      close.focus();
    } catch (error) {
      failed(error, () => void write());
      working(false);
    }
  }

  /** @param {string} id @param {string[]} about the ids of sentences */
  const list = (id, about) => [
    el('h3', { id }, t(id)),
    el('ul', { class: 'terms-list', 'aria-labelledby': id }, ...about.map((words) => el('li', {}, t(words)))),
  ];

  const title = el('h2', { id: 'diagnostics-title', tabindex: -1 }, t('diagnostics-title'));
  const said = el(
    'div',
    { class: 'diagnostics-said' },
    el('p', {}, t('diagnostics-lead')),
    ...list('diagnostics-not', ['diagnostics-not-texts', 'diagnostics-not-names', 'diagnostics-not-secrets']),
    ...list('diagnostics-in', ['diagnostics-in-happened', 'diagnostics-in-ids', 'diagnostics-in-lengths', 'diagnostics-in-device']),
  );
  const dialog = openDialog('diagnostics', [
    // Longer than some screens: scrolled by the keyboard as well.
    el('div', { class: 'dialog-body', tabindex: 0, role: 'group', 'aria-labelledby': 'diagnostics-title' }, title, said),
    el('div', { class: 'terms-foot' }, where, outcome, el('div', { class: 'buttons' }, close, save)),
  ], 'diagnostics-title');
  title.focus();
  void places();
}
