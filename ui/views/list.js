/**
 * The list of conversations with its search, which also looks in what was
 * said, and what belongs to the account:
 * finding people, the menu, the connection.
 *
 * Owns: one row a conversation, updated in place; moving among them by arrow
 * keys. Never: the order, which the core's sort keys give.
 */
import { avatar } from '../components/avatar.js';
import { arrange, el, say, spoken } from '../components/dom.js';
import { FoundMessages } from '../components/found.js';
import { icon, nameDrawing } from '../components/icons.js';
import { menuButton } from '../components/menu.js';
import { placeOf } from '../components/server-chip.js';
import { product, t, whenText } from '../locale.js';
import { effect } from '../signals.js';

/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').ConversationRow} ConversationRow */
/** @typedef {import('../signals.js').Signal<string | null>} Selected */

const marks = /** @type {const} */ ({ queued: 'clock', sending: 'rising', sent: 'sent', failed: 'failed' });

/**
 * @param {Session} session
 * @param {{ selected: Selected, open: (id: string) => void, openMessage: (conversation: string, message: string, title: string) => void, findPeople: () => void, accounts: () => void, settings: () => void, signOut: () => void }} how
 */
export function listView(session, { selected, open, openMessage, findPeople, accounts, settings, signOut }) {
  /** @type {Map<string, Row>} */
  const rows = new Map();
  /** What the search found; null where nothing is looked for. @type {string[] | null} */
  let found = null;
  let asked = 0;

  const list = el('ul', { class: 'conversations', 'aria-label': t('conversations'), on: { focusin: (/** @type {FocusEvent} */ event) => stopAt(event.target) } });
  const empty = el('div', { class: 'list-empty' });
  const messages = new FoundMessages(session, ({ message, title }) => openMessage(message.conversation, message.id, title));
  const scroller = el('div', { class: 'list-scroller', on: { scroll: () => nearEnd(), keydown: (/** @type {KeyboardEvent} */ event) => arrows(event) } }, list, empty, messages.element);
  const search = el('input', {
    id: 'search', type: 'search', placeholder: t('search-conversations'), 'aria-label': t('search-conversations'), autocomplete: 'off', spellcheck: 'false', dir: 'auto', enterkeyhint: 'search',
    on: { input: () => void look(), keydown: (/** @type {KeyboardEvent} */ event) => searchKey(event) },
  });
  const who = el('p', { class: 'menu-who' });
  const menu = menuButton('menu', t('menu'), icon('menu'), [
    who,
    el('button', { id: 'accounts', type: 'button', role: 'menuitem', tabindex: -1, 'aria-haspopup': 'dialog', on: { click: accounts } }, icon('people', 20), t('accounts-menu')),
    el('button', { id: 'settings-open', type: 'button', role: 'menuitem', tabindex: -1, 'aria-haspopup': 'dialog', 'aria-keyshortcuts': 'Control+,', on: { click: settings } }, icon('settings', 20), t('settings-menu')),
    el('button', { id: 'sign-out', type: 'button', role: 'menuitem', tabindex: -1, on: { click: signOut } }, icon('leave', 20), t(session.account.peek().sample ? 'sample-leave' : 'sign-out')),
  ]);
  const connectionSlot = el('div', { class: 'connection-slot' });
  const element = el(
    'nav',
    { class: 'pane-list', 'aria-label': t('conversations') },
    el(
      'header',
      { class: 'list-head' },
      el('h1', { class: 'brand' }, el('img', { src: 'assets/mark.svg', alt: '', class: 'mark-image' }), nameDrawing(product())),
      el('button', { id: 'find-people', type: 'button', class: 'icon-button', 'aria-label': t('find-people'), title: t('find-people'), on: { click: findPeople } }, icon('find')),
      menu.element,
    ),
    el('div', { class: 'search-box' }, icon('search', 18), search),
    scroller,
    connectionSlot,
  );

  async function look() {
    const query = search.value.trim();
    const mine = (asked += 1);
    void messages.look(query).catch(() => {});
    if (query === '') {
      found = null;
      draw();
      return;
    }
    try {
      const result = await session.find(query);
      if (mine !== asked) return;
      for (const row of result) if (!rows.has(row.id)) rows.set(row.id, new Row(row, open));
      found = result.map((row) => row.id);
    } catch {
      if (mine !== asked) return;
      found = [];
    }
    draw();
  }

  /** @param {KeyboardEvent} event */
  function searchKey(event) {
    if (event.key === 'Escape' && search.value !== '') {
      event.preventDefault();
      search.value = '';
      void look();
    } else if (event.key === 'ArrowDown' || (event.key === 'Enter' && !event.isComposing)) {
      const first = buttons()[0];
      if (!first) return;
      event.preventDefault();
      if (event.key === 'Enter') first.click();
      else first.focus();
    }
  }

  /** @returns {HTMLButtonElement[]} */
  function buttons() {
    return [...list.querySelectorAll('button'), ...messages.buttons()];
  }

  /** @param {KeyboardEvent} event */
  function arrows(event) {
    const all = buttons();
    const at = all.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement));
    if (at < 0) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    if (to < 0) search.focus();
    else all[Math.min(to, all.length - 1)]?.focus();
  }

  /** @param {EventTarget | null} target */
  function stopAt(target) {
    for (const button of buttons()) button.tabIndex = button === target ? 0 : -1;
  }

  function nearEnd() {
    if (found === null && scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 600) {
      void session.loadMore().catch(() => {});
    }
  }

  function draw() {
    const all = session.list.peek();
    const now = Date.now();
    for (const row of all) {
      const held = rows.get(row.id);
      if (held) held.update(row, now);
      else rows.set(row.id, new Row(row, open));
    }
    const shown = found ?? all.map((row) => row.id);
    const focused = document.activeElement;
    const wanted = shown.flatMap((id) => rows.get(id) ?? []);
    arrange(list, wanted.map((row) => row.element));
    if (focused instanceof HTMLElement && focused.isConnected && list.contains(focused)) focused.focus({ preventScroll: true });
    const current = selected.peek();
    // One stop for the Tab key: where the focus is, the open conversation, or the first.
    const stop = wanted.find((row) => row.element.contains(document.activeElement)) ?? wanted.find((row) => row.id === current) ?? wanted[0];
    for (const row of wanted) row.mark(row.id === current, row === stop);
    list.hidden = wanted.length === 0;
    drawEmpty(wanted.length, all.length);
  }

  /** @param {number} shown @param {number} all */
  function drawEmpty(shown, all) {
    if (shown > 0) {
      empty.replaceChildren();
      return;
    }
    const button = el('button', { type: 'button', class: all === 0 && found === null ? 'primary' : 'quiet', on: { click: findPeople } }, t(found === null ? 'find-people' : 'list-none-people'));
    if (found === null) {
      empty.replaceChildren(el('img', { src: 'assets/perch.svg', alt: '', class: 'perch' }), el('h2', {}, t('list-empty-title')), el('p', {}, t('list-empty-lead')), button);
    } else {
      empty.replaceChildren(el('p', { role: 'status' }, t('list-none', { query: search.value.trim() })), button);
    }
  }

  const stopList = effect(() => {
    session.list.value;
    selected.value;
    draw();
  });
  const stopWho = effect(() => {
    const account = session.account.value;
    who.replaceChildren(
      el('span', { class: 'soft' }, t('signed-in-as')),
      el('strong', { dir: 'auto' }, account.name || account.email),
      el('span', { class: 'soft', dir: account.sample ? null : 'ltr' }, placeOf(account)),
    );
  });
  // Times are written by day: at midnight "today" is another day.
  /** @type {ReturnType<typeof setTimeout>} */
  let midnight;
  const untilMidnight = () => {
    const next = new Date();
    next.setHours(24, 0, 1, 0);
    midnight = setTimeout(() => { draw(); untilMidnight(); }, next.getTime() - Date.now());
  };
  untilMidnight();

  return {
    element,
    connectionSlot,
    focus() {
      const stop = list.querySelector('button[tabindex="0"]') ?? empty.querySelector('button');
      if (stop instanceof HTMLElement) stop.focus({ preventScroll: true });
    },
    search() {
      search.focus();
      search.select();
    },
    close() {
      clearTimeout(midnight);
      stopList();
      stopWho();
    },
  };
}

class Row {
  #title = el('span', { class: 'row-title', dir: 'auto' });
  #when = el('time', { class: 'row-when' });
  #preview = el('span', { class: 'row-preview' });
  #badge = el('span', { class: 'badge' });
  #picture = el('span', { class: 'row-picture' });
  #button;
  /** @type {ConversationRow | null} */
  #row = null;
  #day = '';

  /** @param {ConversationRow} row @param {(id: string) => void} open */
  constructor(row, open) {
    this.id = row.id;
    this.#button = el(
      'button',
      { type: 'button', class: 'row', tabindex: -1, data: { conversation: row.id }, on: { click: () => open(row.id) } },
      this.#picture,
      el('span', { class: 'row-top' }, this.#title, this.#when),
      el('span', { class: 'row-bottom' }, this.#preview, this.#badge),
    );
    this.element = el('li', {}, this.#button);
    this.update(row, Date.now());
  }

  /** @param {ConversationRow} row @param {number} now */
  update(row, now) {
    const when = row.last ? whenText(row.last.at, now) : '';
    if (this.#row === row && this.#day === when) return;
    const old = this.#row;
    this.#row = row;
    this.#day = when;
    const name = row.title || t('nobody');
    say(this.#title, name);
    say(this.#when, when);
    if (row.last) this.#when.dateTime = new Date(row.last.at).toISOString();
    if (!old || old.title !== row.title || old.person !== row.person) this.#picture.replaceChildren(avatar(row.person, row.title));
    this.#preview.replaceChildren(...preview(row));
    this.#badge.hidden = row.unread === 0;
    this.#badge.replaceChildren(...(row.unread > 0 ? [el('span', { 'aria-hidden': 'true' }, row.unread > 999 ? '999+' : String(row.unread)), spoken(t('unread-count', { count: row.unread }))] : []));
    this.#button.classList.toggle('is-unread', row.unread > 0);
  }

  /** @param {boolean} current @param {boolean} stop */
  mark(current, stop) {
    if (current) this.#button.setAttribute('aria-current', 'true');
    else this.#button.removeAttribute('aria-current');
    this.#button.tabIndex = stop ? 0 : -1;
  }
}

/** @param {ConversationRow} row @returns {(Node | string)[]} */
function preview(row) {
  const draft = row.draft?.trim();
  if (draft) return [el('span', { class: 'draft' }, t('preview-draft')), el('span', { dir: 'auto', class: 'isolated' }, draft.replace(/\s+/gu, ' ').slice(0, 200))];
  if (!row.last) return [];
  const { is_me: mine, state } = row.last;
  const text = row.last.text || t('no-text');
  if (!mine) return [el('span', { dir: 'auto', class: 'isolated' }, text)];
  return [
    el('span', { class: `mark mark-${state}`, title: t(`state-${state}`) }, icon(marks[state], 15), spoken(t(`state-${state}`))),
    el('span', { class: 'isolated', dir: 'auto' }, t('preview-you', { text })),
  ];
}
