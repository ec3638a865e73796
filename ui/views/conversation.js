/**
 * One conversation: its messages, where one is in them, and the composer.
 *
 * Owns: the elements of what `timeline.js` holds, the scroll position (kept by
 * hand: WebKitGTK has no scroll anchoring), asking for older and newer pages,
 * reading, the draft. Never: the order or the state of a message.
 *
 *   loading ──page(newest)──> shown ──near the top──> page(before) | fetch_older
 *                               │  └─near the end───> page(after)
 *                               └─ at the end and in focus ──> mark_read
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { avatar } from '../components/avatar.js';
import { dayBefore, Entry } from '../components/bubble.js';
import { Composer } from '../components/composer.js';
import { away } from '../components/connection.js';
import { copyText } from '../components/copy.js';
import { arrange, el, say } from '../components/dom.js';
import { icon } from '../components/icons.js';
import { menuButton } from '../components/menu.js';
import { plain, problemBox } from '../components/problem.js';
import { dayOf, problemText, t } from '../locale.js';
import { compare, joined, PAGE, MOST, Timeline } from '../timeline.js';
import { effect } from '../signals.js';
import { mayWrite } from '../session.js';
import { blockDialog, reportDialog, termsDialog, unblock } from './safety.js';

/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').Change} Change */
/** @typedef {import('../types/bridge').ConversationRow} ConversationRow */
/** @typedef {import('../types/bridge').MessageRow} MessageRow */
/** @typedef {import('../types/bridge').Page} Page */
/** @typedef {import('../types/bridge').Problem} Problem */

/** Pixels from the end that still count as being there. */
const AT_END = 24;
/** Pixels from an end at which the next page is asked for. */
const NEAR = 800;

export class ConversationView {
  /** @type {HTMLElement} */
  element;
  connectionSlot = el('div', { class: 'connection-slot' });
  #session;
  #info;
  #name;
  #timeline = new Timeline();
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Map<number, HTMLElement>} */
  #groups = new Map();
  #closed = false;
  #loaded = false;
  #loadingOlder = false;
  #loadingNewer = false;
  /** Whether the server has been asked and the answer is not in yet. */
  #fetching = false;
  /** @type {Problem | null} */
  #olderProblem = null;
  /** A message that is shown again when its neighbours have come. @type {string | null} */
  #jumping = null;
  /** Whether what is shown was jumped to and may lie apart from the newest. */
  #apart = false;
  /** After which message the server was asked for more. */
  #fetchedAfter = '';
  /** Whether the end was in view, and so is to stay there. */
  #stuck = true;
  /** What stands at the top edge, for when the width changes. @type {{ element: Element, top: number } | null} */
  #anchor = null;
  #width = 0;
  /** Where the scroller stood when last looked at. */
  #lastTop = 0;
  /** The `sort` up to which all is read, and below which no divider stands. @type {string | null} */
  #unreadFrom = null;
  #markedUntil = '';
  #unseen = 0;
  /** Changes that came before the first page. @type {{ change: Change, revision: number }[]} */
  #early = [];
  /** Own messages that are new, and so come in moving. @type {Set<string>} */
  #entering = new Set();

  #title = el('h1', { class: 'conversation-title', dir: 'auto', tabindex: -1 });
  #picture = el('span', { class: 'conversation-picture' });
  #log = el('div', { class: 'messages', role: 'list' });
  #top = el('div', { class: 'older', role: 'status' });
  #spinner = el('div', { class: 'spinner-place', hidden: true }, el('span', { class: 'spinner', role: 'img', 'aria-label': t('pause') }));
  #empty = el('div', { class: 'conversation-empty', hidden: true });
  #scroller;
  #jump;
  #trouble = el('div', { class: 'composer-trouble' });
  #composer;
  /** In the composer's place where one can't write. */
  #gate = el('div', { class: 'gate', hidden: true });
  #menu = el('div', { class: 'conversation-deeds' });
  #gated = '';
  #sizes;
  #stops;

  /**
   * @param {Session} session
   * @param {AppInfo} info
   * @param {string} id
   * @param {{ name: string, back: () => void }} how
   */
  constructor(session, info, id, { name, back }) {
    this.id = id;
    this.#session = session;
    this.#info = info;
    this.#name = name;
    this.#jump = el('button', { type: 'button', class: 'jump', hidden: true, on: { click: () => void this.toNewest() } }, icon('down', 20), el('span'));
    this.#scroller = el('div', { class: 'scroller', tabindex: 0, role: 'region', on: { scroll: () => this.#scrolled() } }, this.#top, this.#spinner, this.#empty, this.#log);
    this.#composer = new Composer({
      send: (text) => session.track(this.#send(text)),
      keep: (text) => session.track(api.saveDraft(session.id, id, text)),
      resized: () => this.#resized(),
    });
    this.element = el(
      'div',
      { class: 'conversation' },
      el(
        'header',
        { class: 'conversation-head' },
        el('button', { id: 'back', type: 'button', class: 'icon-button back', 'aria-label': t('back-to-list'), title: t('back-to-list'), on: { click: back } }, icon('back')),
        this.#picture,
        el('div', { class: 'conversation-who' }, this.#title, this.connectionSlot),
        this.#menu,
      ),
      el('div', { class: 'conversation-body' }, this.#scroller, this.#jump),
      el('footer', { class: 'conversation-foot' }, this.#trouble, this.#gate, this.#composer.element),
    );
    this.#describe();
    this.#sizes = new ResizeObserver(() => this.#resized());
    this.#sizes.observe(this.#scroller);
    const focused = () => this.#read();
    addEventListener('focus', focused);
    const stopConnection = effect(() => {
      const { state } = session.connection.value;
      this.#composer.describe(this.#shownName(), this.#where(state));
      if (state === 'live' && this.#timeline.older === 'server' && this.#loaded) {
        this.#olderProblem = null;
        queueMicrotask(() => this.#wantMore());
      }
      this.#drawTop();
    });
    const stopSafety = effect(() => {
      void session.safety.value;
      this.#drawGate();
    });
    this.#stops = [() => removeEventListener('focus', focused), stopConnection, stopSafety];
  }

  /** Asks for the newest page and shows it. */
  async load() {
    this.#spinner.hidden = false;
    try {
      await api.watch(this.#session.id, this.id);
      const page = await api.page(this.#session.id, this.id, { at: 'newest' }, PAGE);
      if (this.#closed) return;
      this.#loaded = true;
      this.#name = page.conversation.title || this.#name;
      this.#describe();
      this.#markedUntil = page.read_until ?? '';
      this.#unreadFrom = page.conversation.unread > 0 ? (page.read_until ?? '') : null;
      if (page.conversation.draft && this.#composer.text === '') this.#composer.set(page.conversation.draft);
      this.#timeline.reset(page);
      for (const { change, revision } of this.#early) this.change(change, revision);
      this.#early = [];
      this.#spinner.hidden = true;
      this.#draw();
      this.#toStart();
      this.#read();
      this.#wantMore();
    } catch (error) {
      if (this.#closed) return;
      this.#spinner.hidden = true;
      this.#log.replaceChildren();
      this.#empty.hidden = false;
      this.#empty.replaceChildren(problemBox(api.asProblem(error), this.#info.version, () => void this.load()));
    }
  }

  /** After the stream started anew: what is held is asked for again. */
  async reload() {
    if (!this.#loaded || this.#closed) return;
    try {
      await api.watch(this.#session.id, this.id);
      const first = this.#timeline.first;
      if (this.#stuck || !first) {
        const page = await api.page(this.#session.id, this.id, { at: 'newest' }, PAGE);
        if (this.#closed) return;
        this.#keep(() => this.#timeline.reset(page));
      } else {
        const page = await api.page(this.#session.id, this.id, { at: 'after', sort: first.sort }, MOST);
        if (this.#closed) return;
        const older = this.#timeline.older;
        this.#keep(() => this.#timeline.reset({ ...page, older, messages: [first, ...page.messages] }));
      }
      this.#read();
    } catch {
      // The connection's words say what is wrong; the next start tries again.
    }
  }

  /** @param {Change} change @param {number} revision */
  change(change, revision) {
    if (this.#closed) return;
    if (!this.#loaded) {
      this.#early.push({ change, revision });
      return;
    }
    if (change.kind === 'message' && change.value.conversation === this.id) {
      this.#message(change.value, revision);
    } else if (change.kind === 'message_gone' && change.value.conversation === this.id) {
      const { id } = change.value;
      this.#keep(() => this.#timeline.remove(id, revision));
    } else if (change.kind === 'history' && change.value.conversation === this.id) {
      this.#history(change.value.older, change.value.problem);
    } else if (change.kind === 'conversation' && change.value.id === this.id) {
      if (change.value.title && change.value.title !== this.#name) {
        this.#name = change.value.title;
        this.#describe();
        this.#keep(() => {});
      }
    }
  }

  /**
   * Shows this message among its neighbours and lights it up for a moment. One
   * that stands alone, with what is around it still on the server, is shown at
   * once and again when its neighbours are there.
   * @param {string} id
   */
  async jumpTo(id) {
    this.#jumping = null;
    try {
      const page = await api.page(this.#session.id, this.id, { at: 'around', sort: id }, PAGE);
      if (this.#closed || !this.#loaded) return;
      const alone = page.older === 'server' && page.newer === 'server' && page.messages.length <= 1;
      if (alone && !away.has(this.#session.connection.peek().state)) this.#jumping = id;
      this.#showAround(page, id);
      if (this.#jumping) {
        await api.fetch(this.#session.id, this.id, { at: 'around', sort: id });
      }
    } catch (error) {
      this.#jumping = null;
      this.#trouble.replaceChildren(problemBox(api.asProblem(error), this.#info.version, null));
    }
  }

  /** @param {import('../types/bridge').Page} page @param {string} id */
  #showAround(page, id) {
    this.#apart = true;
    this.#fetchedAfter = '';
    this.#olderProblem = null;
    this.#timeline.reset(page);
    this.#stuck = false;
    this.#draw();
    const entry = this.#entries.get(id)?.element;
    if (!entry) return;
    const { top, height } = entry.getBoundingClientRect();
    const { top: edge, height: view } = this.#scroller.getBoundingClientRect();
    this.#scroller.scrollTop += top - edge - (view - height) / 2;
    this.#scrolled();
    // Begun anew where it is lit already.
    entry.classList.remove('sought');
    void entry.offsetWidth;
    entry.classList.add('sought');
    entry.addEventListener('animationend', () => entry.classList.remove('sought'), { once: true });
    announce(t('announce-message', { name: this.#entryAuthor(id), text: (this.#timeline.get(id)?.text ?? '').slice(0, 300) }));
  }

  /** @param {string} id */
  #entryAuthor(id) {
    return this.#timeline.get(id)?.is_me ? t('you') : this.#shownName();
  }

  get #person() {
    return this.id.replace(/^dm:/u, '');
  }

  /** What can be done about the person, and what stands where one can't write to them. */
  #drawGate() {
    const safety = this.#session.safety.peek();
    const person = { id: this.#person, name: this.#shownName() };
    const blocked = safety?.blocked.find((one) => one.person === person.id);
    const state = blocked ? `blocked-${blocked.reach}` : mayWrite(safety) ? 'open' : 'terms';
    if (this.#gated === state) return;
    this.#gated = state;
    const failed = (/** @type {unknown} */ error) => this.#trouble.replaceChildren(problemBox(api.asProblem(error), this.#info.version, null));
    const lift = () => void unblock(this.#session, person).then(() => this.focus(), failed);
    const focused = this.#composer.element.contains(document.activeElement) || this.#gate.contains(document.activeElement);
    if (blocked) {
      this.#gate.replaceChildren(
        el('p', {}, t(blocked.reach === 'device' ? 'blocked-note-device' : 'blocked-note', { name: person.name })),
        el('button', { id: 'gate-unblock', type: 'button', class: 'quiet small', on: { click: lift } }, t('unblock')),
      );
    } else if (state === 'terms') {
      this.#gate.replaceChildren(
        el('p', {}, t('terms-needed')),
        el('button', { id: 'gate-terms', type: 'button', class: 'primary small', 'aria-haspopup': 'dialog', on: { click: () => termsDialog(this.#session, this.#info) } }, t('terms-read')),
      );
    } else {
      this.#gate.replaceChildren();
    }
    this.#gate.hidden = state === 'open';
    this.#composer.element.hidden = state !== 'open';
    if (focused) this.focus();
    // Of oneself nothing is to be said.
    if (person.id === this.#session.account.peek().person) return;
    const item = (/** @type {string} */ id, /** @type {import('../components/icons.js').IconName} */ face, /** @type {string} */ words, /** @type {() => void} */ press) =>
      el('button', { id, type: 'button', role: 'menuitem', tabindex: -1, on: { click: press } }, icon(face, 20), words);
    this.#menu.replaceChildren(menuButton('conversation-menu', t('conversation-menu', { name: person.name }), icon('menu'), [
      item('report', 'flag', t('report'), () => reportDialog(this.#session, this.#info, person, this.#theirs())),
      blocked ? item('unblock', 'block', t('unblock'), lift) : item('block', 'block', t('block'), () => blockDialog(this.#session, this.#info, person)),
    ]).element);
  }

  /** What they wrote last, newest first. */
  #theirs() {
    return this.#timeline.rows().filter((row) => !row.is_me && row.text !== '').slice(-30).reverse();
  }

  focus() {
    const gate = this.#gate.hidden ? null : this.#gate.querySelector('button');
    if (gate) gate.focus({ preventScroll: true });
    else this.#composer.focus();
  }

  /** A text from elsewhere, for a draft. Once it is loaded, so that the draft before it is there. @param {string} text */
  add(text) {
    this.#composer.add(text);
  }

  /** The page is put away: what is typed must not be lost. */
  hidden() {
    this.#composer.flush();
  }

  close() {
    this.#composer.flush();
    this.#closed = true;
    this.#sizes.disconnect();
    for (const stop of this.#stops) stop();
  }

  /** Shows the newest messages and goes to the end. */
  async toNewest() {
    if (this.#timeline.newer) {
      try {
        const page = await api.page(this.#session.id, this.id, { at: 'newest' }, PAGE);
        if (this.#closed) return;
        this.#timeline.reset(page);
        this.#apart = false;
        this.#stuck = true;
        this.#draw();
      } catch {
        return;
      }
    }
    this.#toEnd();
  }

  #shownName() {
    return this.#name || t('nobody');
  }

  #describe() {
    const name = this.#shownName();
    say(this.#title, name);
    this.#picture.replaceChildren(avatar(this.#person, this.#name));
    this.#gated = '';
    this.#drawGate();
    this.#log.setAttribute('aria-label', t('messages-with', { name }));
    this.#scroller.setAttribute('aria-label', t('messages-with', { name }));
    this.#composer.describe(name, this.#where(this.#session.connection.peek().state));
  }

  /** @param {string} text */
  async #send(text) {
    this.#trouble.replaceChildren();
    try {
      const row = await api.send(this.#session.id, this.id, text);
      if (this.#closed) return;
      if (this.#timeline.newer) {
        await this.toNewest();
        return;
      }
      if (!this.#timeline.get(row.id)) this.#entering.add(row.id);
      this.#keep(() => this.#timeline.upsert(row, 0));
      this.#toEnd();
    } catch (error) {
      const problem = api.asProblem(error);
      if (this.#closed) {
        await api.saveDraft(this.#session.id, this.id, text).catch(() => {});
        return;
      }
      this.#composer.restore(text);
      /** @type {Partial<Record<import('../types/bridge').Action, () => void>>} */
      const deeds = { retry: () => this.#composer.element.requestSubmit(), accept_terms: () => termsDialog(this.#session, this.#info) };
      this.#trouble.replaceChildren(problemBox(problem, this.#info.version, deeds[problem.action] ?? null));
    }
  }

  /** @param {MessageRow} row @param {number} revision */
  #message(row, revision) {
    const old = this.#timeline.get(row.id);
    const end = this.#timeline.last;
    const newest = !end || row.sort > end.sort;
    if (!old && row.is_me && newest && row.state !== 'sent') this.#entering.add(row.id);
    /** @type {import('../timeline.js').Outcome} */
    let outcome = 'stale';
    this.#keep(() => {
      outcome = this.#timeline.upsert(row, revision);
    });
    if (outcome === 'stale') return;
    if (old && old.state !== 'failed' && row.state === 'failed') {
      announce(t('announce-failed', { reason: row.problem ? problemText(row.problem) : '' }));
    }
    if (!old && !row.is_me && (newest || outcome === 'outside')) {
      if (newest) announce(t('announce-message', { name: this.#shownName(), text: row.text.slice(0, 300) }));
      if (newest && !this.#stuck) {
        this.#unseen += 1;
        this.#drawJump();
      }
    }
    if (!old && row.is_me && newest && outcome === 'inserted') this.#toEnd();
    this.#read();
    this.#wantMore();
  }

  /** @param {import('../types/bridge').Older} older @param {Problem | null} problem */
  #history(older, problem) {
    this.#fetching = false;
    const sought = this.#jumping;
    this.#jumping = null;
    if (sought && !problem) {
      void this.jumpTo(sought);
      return;
    }
    this.#olderProblem = problem;
    if (problem) {
      this.#drawTop();
      return;
    }
    const { first } = this.#timeline;
    if (!first) {
      void this.load();
    } else if (this.#timeline.older !== 'held') {
      this.#timeline.older = older === 'beginning' ? 'held' : older;
      if (older === 'server') this.#timeline.older = 'held';
      this.#loadOlder();
    }
    if (this.#apart) this.#wantMore();
  }

  #wantMore() {
    if (!this.#loaded || this.#closed || this.#jumping) return;
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (scrollTop < NEAR) this.#loadOlder();
    if (this.#timeline.newer && scrollHeight - scrollTop - clientHeight < NEAR) void this.#loadNewer();
  }

  #loadOlder() {
    const { older } = this.#timeline;
    if (older === 'held') void this.#pageBefore();
    else if (older === 'server') void this.#fetchOlder();
  }

  async #pageBefore() {
    const { first } = this.#timeline;
    if (this.#loadingOlder || !first) return;
    this.#loadingOlder = true;
    this.#drawTop();
    try {
      const page = await api.page(this.#session.id, this.id, { at: 'before', sort: first.sort }, PAGE);
      if (this.#closed) return;
      this.#loadingOlder = false;
      if (this.#timeline.first !== first && this.#timeline.first?.sort !== first.sort) return;
      this.#keep(() => {
        this.#timeline.prepend(page);
        this.#timeline.trim('end');
      });
      if (page.messages.length > 0 || page.older === 'server') this.#wantMore();
    } catch (error) {
      this.#loadingOlder = false;
      this.#olderProblem = api.asProblem(error);
      this.#drawTop();
    }
  }

  async #fetchOlder() {
    if (this.#fetching || this.#olderProblem || away.has(this.#session.connection.peek().state)) return;
    this.#fetching = true;
    this.#drawTop();
    try {
      const first = this.#apart ? this.#timeline.first : undefined;
      if (first) await api.fetch(this.#session.id, this.id, { at: 'before', sort: first.sort });
      else await api.fetchOlder(this.#session.id, this.id);
    } catch (error) {
      this.#fetching = false;
      this.#olderProblem = api.asProblem(error);
      this.#drawTop();
    }
  }

  async #loadNewer() {
    const { last } = this.#timeline;
    if (this.#loadingNewer || !last) return;
    this.#loadingNewer = true;
    try {
      const page = await api.page(this.#session.id, this.id, { at: 'after', sort: last.sort }, PAGE);
      if (this.#closed) return;
      this.#loadingNewer = false;
      if (this.#timeline.last?.sort !== last.sort) return;
      if (page.messages.length === 0 && page.newer === 'server') {
        // Asked for once; the history that follows comes back here.
        if (this.#fetchedAfter === last.sort || away.has(this.#session.connection.peek().state)) return;
        this.#fetchedAfter = last.sort;
        await api.fetch(this.#session.id, this.id, { at: 'after', sort: last.sort });
        return;
      }
      if (page.newer === 'newest') this.#apart = false;
      this.#stuck = false;
      this.#keep(() => {
        this.#timeline.append({ ...page, older: this.#timeline.older });
        this.#timeline.trim('start');
      });
      this.#scrolled();
    } catch {
      this.#loadingNewer = false;
    }
  }

  /**
   * Changes what is held, draws it, and leaves the view where it was: at the
   * end if it was there, else with the same message at the same height.
   * @param {() => void} change
   */
  #keep(change) {
    this.#catchUpWithScroll();
    const anchor = this.#stuck ? null : this.#atTop();
    change();
    if (this.#timeline.size > MOST) this.#timeline.trim(this.#stuck || this.#fartherEnd() === 'start' ? 'start' : 'end');
    this.#draw();
    if (this.#stuck && !this.#timeline.newer) this.#pinToEnd();
    else if (anchor) this.#restore(anchor);
    this.#remember();
    this.#drawJump();
  }

  /** @param {{ element: Element, top: number }} anchor */
  #restore(anchor) {
    if (!anchor.element.isConnected) return;
    const moved = anchor.element.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top - anchor.top;
    if (Math.abs(moved) <= 0.1) return;
    this.#scroller.scrollTop += moved;
    this.#lastTop = this.#scroller.scrollTop;
  }

  /** The first message at or below the top edge, and how far below. */
  #atTop() {
    const edge = this.#scroller.getBoundingClientRect().top;
    for (const group of this.#log.children) {
      if (group.getBoundingClientRect().bottom <= edge) continue;
      for (const entry of group.children) {
        const bubble = entry.querySelector('.bubble');
        if (!bubble) continue;
        const { top, bottom } = bubble.getBoundingClientRect();
        if (bottom > edge) return { element: bubble, top: top - edge };
      }
    }
    return null;
  }

  /** @returns {'start' | 'end'} */
  #fartherEnd() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    return scrollTop > scrollHeight - scrollTop - clientHeight ? 'start' : 'end';
  }

  #draw() {
    const rows = this.#timeline.rows();
    const ids = new Set(rows.map((row) => row.id));
    for (const [id, entry] of this.#entries) {
      if (!ids.has(id)) {
        entry.element.remove();
        this.#entries.delete(id);
      }
    }
    let divided = this.#unreadFrom === null;
    /** @type {MessageRow | undefined} */
    let above;
    rows.forEach((row, at) => {
      const unread = !divided && !row.is_me && compare(row.sort, this.#unreadFrom ?? '') > 0;
      if (unread) divided = true;
      const day = dayBefore(above, row, dayOf);
      const below = rows[at + 1];
      const look = {
        row,
        above: !unread && !day && joined(above, row, dayOf),
        below: joined(row, below, dayOf),
        day,
        unread,
        author: row.is_me ? t('you') : this.#shownName(),
      };
      above = row;
      const entry = this.#entries.get(row.id);
      if (entry) entry.update(look);
      else this.#entries.set(row.id, this.#newEntry(look));
    });
    this.#arrangeGroups();
    this.#empty.hidden = rows.length > 0 || !this.#loaded || this.#timeline.older !== 'beginning';
    if (!this.#empty.hidden && this.#empty.childElementCount === 0) {
      this.#empty.replaceChildren(el('img', { src: 'assets/perch.svg', alt: '', class: 'perch' }), el('p', {}, t('conversation-empty')));
    }
    this.#drawTop();
    this.#drawJump();
  }

  /** @param {import('../components/bubble.js').Look} look */
  #newEntry(look) {
    const { id: account } = this.#session;
    const failed = (/** @type {unknown} */ error) => this.#trouble.replaceChildren(problemBox(api.asProblem(error), this.#info.version, null));
    const entry = new Entry(look, {
      open: (url) => void api.openOutside(url).catch(failed),
      retry: (row) => void api.retry(account, row.id).catch(failed),
      discard: (row) => void api.discard(account, row.id).then(() => this.focus(), failed),
      copy: (row) => void copyText(row.text).then((done) => done && announce(t('copied'))),
    });
    if (this.#entering.delete(look.row.id)) {
      entry.element.classList.add('entering');
      entry.element.addEventListener('animationend', () => entry.element.classList.remove('entering'), { once: true });
    }
    return entry;
  }

  #arrangeGroups() {
    const { chunks } = this.#timeline;
    const groups = chunks.map((chunk) => {
      let group = this.#groups.get(chunk.key);
      if (!group) {
        group = el('div', { class: 'group', role: 'presentation' });
        this.#groups.set(chunk.key, group);
      }
      return group;
    });
    for (const [key, group] of this.#groups) {
      if (!groups.includes(group)) this.#groups.delete(key);
    }
    chunks.forEach((chunk, at) => {
      const group = /** @type {HTMLElement} */ (groups[at]);
      arrange(group, chunk.rows.flatMap((row) => this.#entries.get(row.id)?.element ?? []));
    });
    arrange(this.#log, groups);
    groups.forEach((group, at) => {
      // The last group grows; one above it is measured once and then left to the browser.
      if (at === groups.length - 1) group.classList.remove('settled');
      else if (!group.classList.contains('settled')) this.#settle(group);
    });
  }

  /** @param {HTMLElement} group */
  #settle(group) {
    const { height } = group.getBoundingClientRect();
    if (height === 0) return;
    group.style.containIntrinsicBlockSize = `auto ${height}px`;
    group.classList.add('settled');
  }

  /** What becomes of what is sent. @param {string} state the connection's */
  #where(state) {
    if (this.#session.account.peek().sample) return 'sample';
    return away.has(state) ? 'offline' : 'live';
  }

  #drawTop() {
    const { older } = this.#timeline;
    const offline = away.has(this.#session.connection.peek().state);
    let state = 'none';
    if (this.#loaded && this.#timeline.size > 0) {
      if (older === 'beginning') state = 'beginning';
      else if (older === 'server' && offline) state = 'offline';
      else if (this.#olderProblem) state = 'failed';
      else state = 'loading';
    }
    if (this.#top.dataset.state === state) return;
    this.#top.dataset.state = state;
    const self = this.id === `dm:${this.#session.account.peek().person}`;
    if (state === 'beginning') {
      this.#top.replaceChildren(el('p', {}, self ? t('conversation-beginning-self') : t('conversation-beginning', { name: this.#shownName() })));
    } else if (state === 'offline') {
      this.#top.replaceChildren(el('p', {}, t('older-offline')));
    } else if (state === 'failed') {
      const again = () => {
        this.#olderProblem = null;
        this.#loadOlder();
        this.#drawTop();
      };
      this.#top.replaceChildren(
        el('p', {}, this.#olderProblem ? problemText(this.#olderProblem) : t('older-failed')),
        el('button', { type: 'button', class: 'quiet small', on: { click: again } }, t('older-retry')),
      );
    } else if (state === 'loading') {
      this.#top.replaceChildren(el('p', { class: 'patient' }, el('span', { class: 'spinner small', 'aria-hidden': 'true' }), t('older-loading')));
    } else {
      this.#top.replaceChildren();
    }
  }

  #drawJump() {
    const away = !this.#stuck && (this.#timeline.newer || this.#scroller.scrollHeight - this.#scroller.scrollTop - this.#scroller.clientHeight > 200);
    const news = this.#unseen > 0 && !this.#stuck;
    this.#jump.hidden = !(away || news);
    const words = news ? t('jump-new', { count: this.#unseen }) : t('jump-newest');
    const label = /** @type {HTMLElement} */ (this.#jump.lastElementChild);
    say(label, words);
    label.className = news ? '' : 'spoken';
    this.#jump.title = plain(words);
    this.#jump.classList.toggle('news', news);
  }

  /** Where an opened conversation begins: at the end, or where the unread begin. */
  #toStart() {
    const divider = this.#log.querySelector('.unread-divider');
    this.#toEnd();
    if (!divider) return;
    const gap = divider.getBoundingClientRect().top - this.#scroller.getBoundingClientRect().top;
    const wanted = this.#scroller.clientHeight / 4;
    if (gap < wanted) this.#scroller.scrollTop -= wanted - gap;
    this.#scrolled();
  }

  #toEnd() {
    this.#stuck = true;
    this.#pinToEnd();
    this.#scrolled();
  }

  #pinToEnd() {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#lastTop = this.#scroller.scrollTop;
  }

  /** Scrolled, but the event that says so is still to come: a frame may be late. */
  #catchUpWithScroll() {
    if (this.#scroller.scrollTop !== this.#lastTop) this.#measure();
  }

  #scrolled() {
    this.#measure();
    if (this.#stuck) this.#unseen = 0;
    this.#remember();
    this.#drawJump();
    this.#read();
    this.#wantMore();
  }

  #measure() {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    this.#stuck = !this.#timeline.newer && scrollHeight - scrollTop - clientHeight <= AT_END;
    this.#lastTop = scrollTop;
  }

  #remember() {
    this.#lastTop = this.#scroller.scrollTop;
    this.#anchor = this.#stuck ? null : this.#atTop();
  }

  #resized() {
    // Only leaving the end can be told here: a place kept by its anchor also
    // moves when the browser shortens what is scrolled.
    if (this.#stuck) {
      this.#catchUpWithScroll();
      if (!this.#stuck) this.#anchor = this.#atTop();
    }
    const width = this.#scroller.clientWidth;
    const anchor = this.#anchor;
    if (width !== this.#width && this.#width !== 0) {
      for (const group of this.#groups.values()) group.classList.remove('settled');
      this.#arrangeGroups();
    }
    this.#width = width;
    if (this.#stuck) this.#pinToEnd();
    else if (anchor) this.#restore(anchor);
  }

  /** Tells the core what has been seen: only with the window in focus and the newest in view. */
  #read() {
    if (!this.#loaded || this.#closed || !this.#stuck || document.hidden || !document.hasFocus()) return;
    const seen = this.#timeline.rows().findLast((row) => row.state === 'sent');
    if (!seen || compare(seen.sort, this.#markedUntil) <= 0) return;
    const unread = this.#timeline.rows().some((row) => !row.is_me && compare(row.sort, this.#markedUntil) > 0);
    if (!unread) return;
    this.#markedUntil = seen.sort;
    void api.markRead(this.#session.id, this.id, seen.sort).catch(() => {});
  }
}
