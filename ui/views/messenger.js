/**
 * The two panes: the list and the conversation. Wide shows both, narrow one.
 *
 * Owns: which conversation is open, which pane is on show, where the
 * connection is told, the window's title. Never: what stands in a pane.
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { connectionIndicator } from '../components/connection.js';
import { touching } from '../components/composer.js';
import { copyText } from '../components/copy.js';
import { el } from '../components/dom.js';
import { ready, notReady } from '../components/stage.js';
import { later, opening } from '../load.js';
import { problemText, t } from '../locale.js';
import { mayWrite } from '../session.js';
import { effect, signal } from '../signals.js';
import { plain } from '../components/problem.js';
import { hostOf } from '../components/server-chip.js';
import { isPhone } from '../phone.js';
import { listView } from './list.js';
import { askingText } from './missing.js';
import { offerNotices } from './notify.js';

/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('./conversation.js').ConversationView} ConversationView */

/** One pane below this; the styles say the same. */
export const narrow = matchMedia('(max-width: 44.99em)');

/**
 * @param {Session} session
 * @param {AppInfo} info
 * @param {{ signedOut: (notice: string) => void, signInAgain: () => void, switchTo: (account: AccountSummary) => void, addAccount: () => void, setUp: () => void, lock: () => void, focus: boolean }} how
 */
export function messengerView(session, info, { signedOut, signInAgain, switchTo, addAccount, setUp, lock, focus }) {
  const selected = signal(/** @type {string | null} */ (null));
  const { sample } = session.account.peek();
  const connection = connectionIndicator(session, () => void leaveSample());
  /** @type {ConversationView | null} */
  let conversation = null;
  /** @type {Element | null} */
  let cameFrom = null;

  const list = listView(session, {
    selected,
    open: (id) => void openConversation(id),
    openMessage: (id, message, title) => void openMessage(id, message, title),
    findPeople: () => people(),
    accounts,
    settings: () => settings(),
    signOut,
  });
  const pane = el('section', { class: 'pane-conversation' });
  const banner = el('div', { class: 'banner', role: 'status' });
  const element = el('div', { class: 'messenger', data: { pane: 'list' } }, list.element, pane);

  /** Opens a dialog, unless another account or the lock has come before it. @param {(screens: import('../load.js').Later) => void} open */
  function aside(open) {
    void opening((screens) => {
      if (element.isConnected) open(screens);
    });
  }

  function accounts() {
    aside(({ accountsDialog }) => accountsDialog({ current: session.id, unread: session.unread.peek(), pick: switchTo, add: addAccount }));
  }

  /** There is nothing to be asked about. */
  async function leaveSample() {
    await session.written();
    await api.signOut(session.id, 'discard').catch(() => {});
    signedOut('');
  }

  function signOut() {
    if (sample) void leaveSample();
    else aside(({ signOutDialog }) => signOutDialog(session, info, { done: signedOut }));
  }

  /** @param {string} [section] the part to begin with */
  function settings(section) {
    aside(({ settingsDialog }) =>
      settingsDialog(session, info, { accounts, signOut, lock, open: (id, name) => void openConversation(id, name), ...(section ? { section } : {}) }));
  }

  /** @param {string} id @param {string} [name] known where nothing was said yet */
  async function openConversation(id, name) {
    if (conversation && conversation.id === id) {
      show('conversation');
      if (!touching()) conversation.focus();
      return;
    }
    cameFrom = document.activeElement;
    conversation?.close();
    conversation = null;
    notReady();
    selected.value = id;
    const { ConversationView } = await later();
    // Meanwhile another was chosen, or this one has come already.
    if (selected.peek() !== id || conversation || !element.isConnected) return;
    const view = new ConversationView(session, info, id, { name: name ?? session.conversation(id)?.title ?? '', back: () => void leave() });
    conversation = view;
    pane.replaceChildren(banner, view.element);
    show('conversation');
    await view.load();
    if (conversation !== view) return;
    if (!touching()) view.focus();
    ready('conversation');
  }

  /** Adds a text to a conversation's draft, where a person sees it. @param {string} id @param {string} name @param {string} text */
  async function addTo(id, name, text) {
    await openConversation(id, name);
    if (conversation && conversation.id === id) conversation.add(text);
  }

  /** @param {string} id @param {string} message @param {string} title */
  async function openMessage(id, message, title) {
    await openConversation(id, title);
    if (conversation && conversation.id === id) await conversation.jumpTo(message);
  }

  async function leave() {
    const id = selected.peek();
    conversation?.close();
    conversation = null;
    selected.value = null;
    pane.replaceChildren(banner, nothing());
    show('list');
    ready('list');
    const row = id ? list.element.querySelector(`[data-conversation="${CSS.escape(id)}"]`) : null;
    const back = row ?? cameFrom;
    if (back instanceof HTMLElement && back.isConnected) back.focus();
    await api.watch(session.id, null).catch(() => {});
    if (isPhone(info.platform) && conversation === null) await offerNotices();
  }

  function people() {
    aside(({ peopleDialog }) => peopleDialog(session, { pick: (person) => void openConversation(`dm:${person.id}`, person.name) }));
  }

  function nothing() {
    return el(
      'div',
      { class: 'nothing' },
      el('img', { src: 'assets/perch.svg', alt: '', class: 'perch' }),
      el('h2', {}, t('conversation-none-title')),
      el('p', {}, t('conversation-none-lead')),
    );
  }

  /** @param {'list' | 'conversation'} which */
  function show(which) {
    element.dataset.pane = which;
    place();
  }

  /** The connection is told wherever the eye is: above the list, or above the only pane. */
  function place() {
    const slot = narrow.matches && element.dataset.pane === 'conversation' ? conversation?.connectionSlot : list.connectionSlot;
    if (slot && connection.element.parentElement !== slot) slot.append(connection.element);
  }

  /** @param {KeyboardEvent} event */
  function key(event) {
    if (event.defaultPrevented || event.isComposing || document.querySelector('dialog[open]')) return;
    if (event.key === ',' && (event.ctrlKey || event.metaKey) && !event.altKey) {
      event.preventDefault();
      settings();
    } else if (event.key.toLowerCase() === 'l' && (event.ctrlKey || event.metaKey) && !event.altKey && session.account.peek().vault === 'passphrase') {
      event.preventDefault();
      lock();
    } else if (event.key === 'Escape' && conversation) {
      event.preventDefault();
      void leave();
    } else if ((event.ctrlKey || event.metaKey) && !event.altKey && ['k', 'f'].includes(event.key.toLowerCase())) {
      event.preventDefault();
      if (narrow.matches && conversation) void leave().then(() => list.search());
      else list.search();
    }
  }

  function seen() {
    if (document.hidden) conversation?.hidden();
    else void session.resync();
  }

  session.onChange = (change, revision) => conversation?.change(change, revision);
  session.onResync = () => void conversation?.reload();
  const hide = () => conversation?.hidden();
  document.addEventListener('keydown', key);
  document.addEventListener('visibilitychange', seen);
  addEventListener('pagehide', hide);
  narrow.addEventListener('change', place);
  const stopTitle = effect(() => {
    document.title = plain(t('window-title', { unread: session.unread.value }));
  });
  const stopBanner = effect(() => {
    const { state, problem } = session.connection.value;
    const notice = session.notice.value;
    if (notice) {
      const seen = el('button', { type: 'button', class: 'quiet small', on: { click: () => { session.notice.value = null; } } }, t('action-none'));
      banner.replaceChildren(el('p', {}, problemText(notice)), seen);
    } else if (sample) {
      banner.replaceChildren(el('p', {}, t('sample-about')));
    } else if (state === 'sign_in_needed') {
      banner.replaceChildren(
        el('p', {}, problem ? problemText(problem) : t('error-sign_in_needed')),
        el('button', { type: 'button', class: 'primary small', id: 'sign-in-again', on: { click: signInAgain } }, t('action-sign_in')),
      );
    } else if (state === 'not_provisioned') {
      const { server, email } = session.account.peek();
      const copy = el('button', { type: 'button', class: 'quiet small', id: 'missing-copy', on: { click: () => void copyOut() } }, t('missing-copy-ask'));
      const copyOut = async () => {
        if (!await copyText(askingText(server, email))) return;
        copy.textContent = t('copied');
        announce(t('missing-copied'));
      };
      banner.replaceChildren(
        el('p', {}, t('error-chat_missing', { host: hostOf(server) })),
        copy,
        el('button', { type: 'button', class: 'quiet small', id: 'administer', on: { click: setUp } }, t('setup-administer')),
      );
    } else if (problem && problem.code !== 'offline' && problem.code !== 'server_busy' && problem.code !== 'host_silent') {
      banner.replaceChildren(el('p', {}, problemText(problem)));
    } else {
      banner.replaceChildren();
    }
  });
  pane.append(banner, nothing());
  place();

  return {
    element,
    shown() {
      ready('list');
      if (focus) list.focus();
      // Once, before the first message can be written; whoever declines reads on.
      if (!mayWrite(session.safety.peek()) && document.querySelector('dialog[open]') === null) aside(({ termsDialog }) => termsDialog(session, info));
    },
    /** Where a notice or a link leads. @param {string} id */
    go(id) {
      document.querySelectorAll('dialog').forEach((dialog) => dialog.close());
      void openConversation(id);
    },
    /** A text from another app, for a draft. @param {string} text */
    share(text) {
      document.querySelectorAll('dialog').forEach((dialog) => dialog.close());
      aside(({ shareDialog }) => shareDialog(session, text, (person) => void addTo(`dm:${person.id}`, person.name, text)));
    },
    /** The settings, for the system's menu. @param {string} [section] */
    settings(section) {
      if (!document.querySelector('dialog[open]')) settings(section);
    },
    /** Whether going back closes something: one pane goes back to the other. */
    holds: () => narrow.matches && conversation !== null,
    back: () => void leave(),
    /** Goes on after the server was set up. */
    goOn: () => void api.reconnect(session.id).catch(() => {}),
    close() {
      conversation?.close();
      session.stop();
      connection.stop();
      list.close();
      stopTitle();
      stopBanner();
      document.removeEventListener('keydown', key);
      document.removeEventListener('visibilitychange', seen);
      removeEventListener('pagehide', hide);
      narrow.removeEventListener('change', place);
      document.querySelectorAll('dialog').forEach((dialog) => dialog.remove());
    },
  };
}
