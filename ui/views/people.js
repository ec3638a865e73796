/**
 * Finding somebody to talk to: everybody on the server, by name.
 *
 * Owns: the query, the pages of its answer, and moving among them by keys.
 */
import * as api from '../api.js';
import { avatar } from '../components/avatar.js';
import { openDialog } from '../components/dialog.js';
import { el } from '../components/dom.js';
import { icon } from '../components/icons.js';
import { problemText, t } from '../locale.js';
import { effect } from '../signals.js';

/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').PersonRow} PersonRow */

const PART = 50;

/**
 * @param {Session} session
 * @param {{ pick: (person: PersonRow) => void, title?: string, about?: HTMLElement | null }} how what it is called where it is not for finding alone, and what stands above the list
 */
export function peopleDialog(session, { pick, title = t('people-title'), about = null }) {
  let asked = 0;
  let held = 0;
  let more = false;
  let busy = false;
  const search = el('input', {
    id: 'people-search', type: 'search', placeholder: t('people-search'), 'aria-label': t('people-search'), autocomplete: 'off', spellcheck: 'false', dir: 'auto', enterkeyhint: 'search',
    on: { input: () => void look(), keydown: (/** @type {KeyboardEvent} */ event) => key(event) },
  });
  const list = el('ul', { class: 'people', 'aria-label': title });
  const note = el('p', { class: 'people-note', role: 'status' });
  const scroller = el('div', { class: 'people-scroller', on: { scroll: () => nearEnd(), keydown: (/** @type {KeyboardEvent} */ event) => arrows(event) } }, list, note);
  const dialog = openDialog('people', [
    el(
      'header',
      { class: 'dialog-head' },
      el('h2', { id: 'people-title' }, title),
      el('button', { type: 'button', class: 'icon-button', 'aria-label': t('close'), title: t('close'), on: { click: () => dialog.close() } }, icon('close')),
    ),
    ...(about ? [about] : []),
    el('div', { class: 'search-box' }, icon('search', 18), search),
    scroller,
  ], 'people-title');

  async function look() {
    const mine = (asked += 1);
    held = 0;
    await part(mine, true);
  }

  /** @param {number} mine @param {boolean} fresh */
  async function part(mine, fresh) {
    busy = true;
    const query = search.value.trim();
    try {
      const page = await api.people(session.id, query, held, PART);
      if (mine !== asked) return;
      const rows = page.people.map((person) => personRow(person));
      if (fresh) list.replaceChildren(...rows);
      else list.append(...rows);
      held += page.people.length;
      more = page.more;
      list.hidden = held === 0;
      note.textContent = held > 0 ? '' : t(query === '' ? 'people-alone' : 'people-none');
    } catch (error) {
      if (mine !== asked) return;
      note.textContent = problemText(api.asProblem(error));
    } finally {
      if (mine === asked) busy = false;
    }
  }

  function nearEnd() {
    if (more && !busy && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 400) void part(asked, false);
  }

  /** @param {PersonRow} person */
  function personRow(person) {
    const name = person.name || t('nobody');
    const choose = () => {
      dialog.close();
      pick(person);
    };
    return el(
      'li',
      {},
      el(
        'button',
        { type: 'button', class: 'person', data: { person: person.id }, on: { click: choose } },
        avatar(person.id, person.name),
        el('span', { class: 'person-name', dir: 'auto' }, person.is_me ? t('you-suffix', { name }) : name),
      ),
    );
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    const first = list.querySelector('button');
    if (!first) return;
    if (event.key === 'ArrowDown') {
      event.preventDefault();
      first.focus();
    } else if (event.key === 'Enter' && !event.isComposing && event.keyCode !== 229) {
      event.preventDefault();
      first.click();
    }
  }

  /** @param {KeyboardEvent} event */
  function arrows(event) {
    const all = [...list.querySelectorAll('button')];
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    if (to < 0) search.focus();
    else all[Math.min(to, all.length - 1)]?.focus();
  }

  search.focus();
  // Names come in after a first sign-in: look again, but never under the feet
  // of somebody who is moving among those that are shown.
  const stop = effect(() => {
    session.people.value;
    if (held === 0 || document.activeElement === search) void look();
  });
  dialog.addEventListener('close', stop, { once: true });
}
