/**
 * Where the page starts: which accounts there are, which of them is used, and
 * which screen that means.
 *
 * Owns: the one screen on show, that one account is open at a time, and the
 * theme. Never: what a screen does.
 *
 *   start ──no account──> sign-in ──account──> messenger ──signed out──> sign-in
 *     │                   ^     v                 ^    v
 *     │                   set up a server, with the other standing aside
 *     └──the one used last──> messenger | unlock | sign in again | trouble
 *                                │
 *                                └──another──> closed here, then opened there
 */
import * as api from './api.js';
import { installAnnouncements } from './components/announce.js';
import { el } from './components/dom.js';
import { notReady } from './components/stage.js';
import { openDialog } from './components/dialog.js';
import { later, loadTheRest, opening } from './load.js';
import { setProduct, t } from './locale.js';
import * as look from './look.js';
import { followPhone, isPhone } from './phone.js';
import { Session } from './session.js';
import { messengerView } from './views/messenger.js';

/** @typedef {import('./types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('./types/bridge').AppInfo} AppInfo */
/** @typedef {import('./types/bridge').Problem} Problem */
/** @typedef {import('./types/bridge').ServerFound} ServerFound */
/** @typedef {{ element: HTMLElement, shown?: () => void, close?: () => void, go?: (conversation: string) => void, share?: (text: string) => void, settings?: (section?: string) => void, holds?: () => boolean, back?: () => void, busy?: boolean }} View */

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
/** @type {View | null} */
let current = null;
/** The account whose engine this page has started. @type {Session | null} */
let opened = null;
/** Raised by whoever decides which screen comes next; who finds it raised again gives way. */
let turn = 0;
/** @type {AppInfo} */
const info = { name: document.title, version: '', default_server: '', vaults: ['keychain'], platform: '' };

/** @param {View} view */
function show(view) {
  current?.close?.();
  current = view;
  root.replaceChildren(view.element);
  view.shown?.();
  loadTheRest();
}

/**
 * @param {object} [how]
 * @param {AccountSummary} [how.again] the account to sign in again, its data kept
 * @param {string} [how.notice] a sentence to begin with
 * @param {string} [how.server] the address to begin with
 */
async function signIn({ again, notice, server } = {}) {
  const mine = (turn += 1);
  const [{ signInView }, accounts] = await Promise.all([later(), api.accounts().catch(() => [])]);
  if (mine !== turn) return;
  document.title = info.name;
  const view = signInView(info, {
    again: again ?? null,
    notice: notice ?? '',
    server: server ?? '',
    done: (account) => void enter(account),
    others: accounts.length > 0 ? () => choose(null) : null,
    lookAround: async () => enter(await api.lookAround()),
    setUp: (found, email) => void setUp(view, found, email),
  });
  show(view);
}

/**
 * Setting up a server. Where one came from stands aside meanwhile, with what was typed there.
 * @param {View & { goOn: () => void }} aside
 * @param {ServerFound} found
 * @param {string} email
 */
async function setUp(aside, found, email) {
  const mine = turn;
  const { setUpView } = await later();
  if (mine !== turn) return;
  current = null;
  const view = setUpView(info, {
    server: found,
    email,
    back: () => show(aside),
    goOn: () => {
      show(aside);
      aside.goOn();
    },
  });
  show({ ...view, busy: true });
}

/** A text that another app shared, until a conversation can be chosen for it. */
let shared = '';

/** Offers what was shared, where somebody is signed in and nothing is locked. */
function offerShared() {
  if (shared === '' || !current?.share) return;
  const text = shared;
  shared = '';
  current.share(text);
}

/** Goes where a notice, a link or the menu leads, or says why not. Whoever sets up a server is not disturbed. */
async function lead() {
  if (current?.busy) return;
  const to = await api.whereTo().catch(() => null);
  if (to === null) return;
  if (to.to === 'settings' || to.to === 'about') {
    current?.settings?.(to.to === 'about' ? 'about' : undefined);
    return;
  }
  if (to.to === 'share') {
    shared = to.text;
    if (current?.share) offerShared();
    else if ((await api.accounts().catch(() => [])).length === 0) refuseLink(t('share-signed-out'), t('share-title'));
    return;
  }
  if (to.to === 'share_other') {
    refuseLink(t('share-other'), t('share-title'));
    return;
  }
  if (to.to !== 'conversation') {
    refuseLink(to.to === 'server_unknown' ? t('link-server', { host: to.host }) : t('link-unknown'));
    return;
  }
  if (opened?.id !== to.account || !current?.go) {
    const account = (await api.accounts().catch(() => [])).find(({ id }) => id === to.account);
    if (account) await enter(account);
  }
  if (opened?.id === to.account) current?.go?.(to.conversation);
}

/** @param {string} why @param {string} [title] */
function refuseLink(why, title = t('link-title')) {
  document.querySelector('#link-dialog')?.remove();
  const seen = el('button', { type: 'button', class: 'primary', on: { click: () => dialog.close() } }, t('action-none'));
  const dialog = openDialog('link-dialog', [
    el('div', { class: 'dialog-body' }, el('h2', { id: 'link-title' }, title), el('p', {}, why), el('div', { class: 'buttons' }, seen)),
  ], 'link-title');
  seen.focus();
}

/** Whether somebody here is locking it: then nobody has come to open it. */
let locking = false;

/** Locks, once what was typed is kept. */
async function lock() {
  const session = opened;
  if (session === null) return;
  locking = true;
  current?.close?.();
  current = null;
  await session.written();
  await api.lock().catch(() => {});
  locked(session.id);
  locking = false;
}

/** The core has closed it. @param {string} account */
function locked(account) {
  if (opened?.id !== account) return;
  turn += 1;
  opened.stop();
  const left = { ...opened.account.peek(), vault: /** @type {const} */ ('passphrase') };
  opened = null;
  // Nothing that was to be read stays on show.
  root.replaceChildren();
  for (const dialog of document.querySelectorAll('dialog')) dialog.close();
  document.title = info.name;
  // What locks by itself on a phone does so when somebody comes back to it.
  void refuse(left, { code: 'passphrase_needed', args: {}, action: 'unlock' }, !locking && isPhone(info.platform));
}

/** How often the shell is told that somebody is there, in milliseconds. */
const TOLD = 20_000;
let told = 0;

/** Somebody is there. */
function used() {
  const now = Date.now();
  if (Math.abs(now - told) < TOLD) return;
  told = now;
  void api.used().catch(() => {});
}

/** Which account is to be used, where none is on show. @param {(() => void) | null} add */
function choose(add) {
  void opening(({ accountsDialog }) => accountsDialog({ current: null, unread: 0, pick: (account) => void enter(account), add }));
}

/** Another account than this: from those that there are, or a new one. */
async function another() {
  const accounts = await api.accounts().catch(() => []);
  if (accounts.length > 1) choose(() => void signIn());
  else await signIn();
}

/** @param {AccountSummary} account @param {Problem} problem @param {boolean} [came] whether somebody has just come to open it */
async function refuse(account, problem, came = true) {
  const mine = turn;
  const { troubleView, unlockView } = await later();
  if (mine !== turn) return;
  /** @param {string} notice */
  const erased = (notice) => void signIn({ notice, server: account.server });
  const other = () => void another();
  if (problem.code === 'passphrase_needed') {
    show(unlockView(info, account, { came, done: (unlocked) => void enter(unlocked), other, erased }));
  } else if (problem.code === 'sign_in_needed') {
    void signIn({ again: account });
  } else if (problem.code === 'account_unknown') {
    void signIn();
  } else {
    show(troubleView(info, account, problem, { again: () => void enter({ ...account, problem: null }), other, erased }));
  }
}

/**
 * @param {AccountSummary} account
 * @param {boolean} [focus] whether the focus goes to the list, as after a choice
 */
async function enter(account, focus = true) {
  const mine = (turn += 1);
  if (opened !== null && opened.id !== account.id) {
    // Nothing of the one that is left stays on show or connected.
    show(openingView(account));
    const left = opened;
    opened = null;
    await left.written();
    await api.close(left.id).catch(() => {});
    if (mine !== turn) return;
  }
  // For the next start; that it could not be written is no reason to stop.
  if (!account.sample) void api.rememberAccount(account.id).catch(() => {});
  // An ended session does not hide what is held: it opens, and says so there.
  if (account.problem && account.problem.code !== 'sign_in_needed') {
    await refuse(account, account.problem);
    return;
  }
  const session = new Session(account);
  opened = session;
  try {
    await session.start();
  } catch (error) {
    session.stop();
    if (mine === turn) await refuse(account, api.asProblem(error));
    return;
  }
  if (mine !== turn) {
    session.stop();
    return;
  }
  const view = messengerView(session, info, {
    signedOut: (notice) => {
      opened = null;
      void signIn({ notice });
    },
    signInAgain: () => void signIn({ again: session.account.peek() }),
    switchTo: (next) => void enter(next),
    addAccount: () => void signIn(),
    setUp: () => {
      const { server, email } = session.account.peek();
      void setUp(view, { url: server, project: '', version: null }, email);
    },
    lock: () => void lock(),
    focus,
  });
  show(view);
  offerShared();
}

/** What stands there while another account opens. @param {AccountSummary} account @returns {View} */
function openingView(account) {
  notReady();
  const words = t('account-opening', { name: account.name || account.email });
  return { element: el('div', { class: 'opening', role: 'status', 'aria-label': words }, el('span', { class: 'spinner', 'aria-hidden': 'true' })) };
}

/** Asks the core about itself. Screens hold the same object, and know it too. */
async function know() {
  Object.assign(info, await api.appInfo());
  setProduct(info.name);
  if (isPhone(info.platform)) followPhone(() => current);
  if (current === null) document.title = info.name;
}

async function start() {
  installAnnouncements(document.body);
  void api.onTheme(look.desktopHas);
  void api.onLead(() => void lead());
  void api.onLocked(locked);
  for (const event of ['pointerdown', 'keydown', 'wheel']) addEventListener(event, used, { capture: true, passive: true });
  // Of a page that was here before, nobody goes on setting up.
  void api.setUpEnd().catch(() => {});
  setProduct(info.name);
  const known = know();
  // Where it matters it is waited for.
  known.catch(() => {});
  try {
    const [accounts, settings] = await Promise.all([api.accounts(), api.settings().catch(() => null)]);
    if (settings) look.chose(settings.choices);
    const account = accounts.find(({ id }) => id === settings?.account) ?? accounts[0];
    // The core tries the keychain before it says who it is: whoever has an account need not wait for that,
    // and for others the screen to sign in on is loaded meanwhile.
    if (account) {
      await enter(account, false);
    } else {
      void later();
      await known;
      await signIn();
    }
    await lead();
  } catch (error) {
    setProduct(info.name);
    const { troubleView } = await later();
    show(troubleView(info, null, api.asProblem(error), { again: () => location.reload(), other: () => location.reload(), erased: () => location.reload() }));
  }
}

void start();
