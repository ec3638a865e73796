/**
 * Where the page starts: which account there is, and which screen that means.
 *
 * Owns: the one screen on show and the theme. Never: what a screen does.
 *
 *   start ──no account──> sign-in ──account──> messenger ──signed out──> sign-in
 *     └──account──> messenger | unlock | sign in again | trouble
 */
import * as api from './api.js';
import { installAnnouncements } from './components/announce.js';
import { setProduct } from './locale.js';
import { Session } from './session.js';
import { messengerView } from './views/messenger.js';
import { signInView } from './views/signin.js';
import { troubleView, unlockView } from './views/unlock.js';

/** @typedef {import('./types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('./types/bridge').AppInfo} AppInfo */
/** @typedef {import('./types/bridge').Problem} Problem */
/** @typedef {{ element: HTMLElement, shown?: () => void, close?: () => void }} View */

const root = /** @type {HTMLElement} */ (document.getElementById('app'));
/** @type {View | null} */
let current = null;
/** @type {AppInfo} */
let info = { name: document.title, version: '', default_server: '', vaults: ['keychain'], platform: '' };

/** @param {View} view */
function show(view) {
  current?.close?.();
  current = view;
  root.replaceChildren(view.element);
  view.shown?.();
}

/**
 * @param {object} [how]
 * @param {AccountSummary} [how.again] the account to sign in again, its data kept
 * @param {string} [how.notice] a sentence to begin with
 * @param {string} [how.server] the address to begin with
 */
function signIn({ again, notice, server } = {}) {
  document.title = info.name;
  show(signInView(info, { again: again ?? null, notice: notice ?? '', server: server ?? '', done: (account) => void enter(account) }));
}

/** @param {AccountSummary} account @param {Problem} problem */
function refuse(account, problem) {
  if (problem.code === 'passphrase_needed') {
    show(unlockView(info, account, { done: (opened) => void enter(opened), other: () => signIn(), erased }));
  } else if (problem.code === 'sign_in_needed') {
    signIn({ again: account });
  } else if (problem.code === 'account_unknown') {
    signIn();
  } else {
    show(troubleView(info, account, problem, { again: () => void enter({ ...account, problem: null }), other: () => signIn(), erased }));
  }

  /** @param {string} notice */
  function erased(notice) {
    signIn({ notice, server: account.server });
  }
}

/** @param {AccountSummary} account */
async function enter(account) {
  // An ended session does not hide what is held: it opens, and says so there.
  if (account.problem && account.problem.code !== 'sign_in_needed') {
    refuse(account, account.problem);
    return;
  }
  const session = new Session(account);
  try {
    await session.start();
  } catch (error) {
    session.stop();
    refuse(account, api.asProblem(error));
    return;
  }
  show(messengerView(session, info, {
    signedOut: (notice) => signIn({ notice }),
    signInAgain: () => void leaveFor(session),
  }));
}

/** @param {Session} session */
async function leaveFor(session) {
  const account = session.account.peek();
  session.stop();
  signIn({ again: account });
}

async function start() {
  installAnnouncements(document.body);
  void api.onTheme((theme) => {
    if (theme === 'dark' || theme === 'light') document.documentElement.dataset.theme = theme;
  });
  try {
    info = await api.appInfo();
    setProduct(info.name);
    document.title = info.name;
    const [account] = await api.accounts();
    if (account) await enter(account);
    else signIn();
  } catch (error) {
    setProduct(info.name);
    show(troubleView(info, null, api.asProblem(error), { again: () => location.reload(), other: () => location.reload(), erased: () => location.reload() }));
  }
}

void start();
