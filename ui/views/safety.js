/**
 * Terms, blocking, reporting, and asking to be deleted: what a person can do
 * about others, and tell the owner of the server.
 *
 * Owns: these dialogs, and the words of a mail where the server takes no
 * reports. Never: whether something may be sent, or how far a block reaches;
 * the core says that, and what a server says of its owner it has checked.
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { copyText } from '../components/copy.js';
import { openDialog } from '../components/dialog.js';
import { el } from '../components/dom.js';
import { icon } from '../components/icons.js';
import { plain, problemBox } from '../components/problem.js';
import { hostOf } from '../components/server-chip.js';
import { t, whenText } from '../locale.js';
import { mayWrite } from '../session.js';

/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').MessageRow} MessageRow */
/** @typedef {import('../types/bridge').ReportReason} ReportReason */
/** @typedef {import('../types/bridge').Safety} Safety */
/** @typedef {{ id: string, name: string }} Person */

/** Why something is reported, in the order in which one is asked. @type {ReportReason[]} */
const REASONS = ['spam', 'harassment', 'threats', 'sexual', 'children', 'illegal', 'impersonation', 'other'];
/** The longest that is said in one's own words. */
const LONGEST = 4000;
/** The longest mail that is begun, as it stands in an address: mail programs take no more. */
const LONGEST_MAIL = 12_000;

/** Whether the account is connected to a server that has been asked. @param {Safety | null} safety */
const knows = (safety) => safety !== null && (safety.blocks_on_server || safety.reports_on_server);

/**
 * A dialog with a body that can be filled anew.
 * @param {string} id
 * @param {string} title the id of its heading
 * @param {string} [tag]
 */
function sheet(id, title, tag = 'div') {
  const body = el(/** @type {'div'} */ (tag), { class: 'dialog-body' });
  const dialog = openDialog(id, [body], title);
  const trouble = el('div', { class: 'outcome' });
  return { body, dialog, trouble };
}

/** @param {string} id @param {string} words @param {string} kind @param {() => void} press */
const button = (id, words, kind, press) => el('button', { id, type: 'button', class: kind, on: { click: press } }, words);

/**
 * The app's terms in plain words, and where the owner's are.
 * @param {Session} session
 * @param {AppInfo} info
 */
export function termsDialog(session, info) {
  const safety = session.safety.peek();
  if (safety === null) return;
  const { body, dialog, trouble } = sheet('terms', 'terms-title');
  const host = hostOf(session.account.peek().server);
  const accept = button('terms-accept', t('terms-accept'), 'primary', () => void agree());
  const decline = button('terms-decline', t(mayWrite(safety) ? 'close' : 'terms-decline'), 'quiet', () => dialog.close());
  const own = safety.owner_terms;
  // Longer than some screens: scrolled by the keyboard as well.
  for (const [name, value] of [['tabindex', '0'], ['role', 'group'], ['aria-labelledby', 'terms-title']]) body.setAttribute(String(name), String(value));
  body.append(
    el('h2', { id: 'terms-title', tabindex: -1 }, t('terms-title')),
    el('p', {}, t('terms-lead', { host })),
    el('ul', { class: 'terms-list' }, ...['what', 'owner', 'private', 'not', 'act', 'as-is'].map((about) => el('li', {}, t(`terms-${about}`)))),
  );
  if (own !== null) {
    body.append(
      el('p', {}, t('terms-owners-own')),
      el('div', { class: 'outside' }, el('span', { class: 'soft address', dir: 'ltr' }, own), button('terms-owner', t('terms-open'), 'quiet small', () => outside(own, trouble, info))),
    );
  }
  body.append(trouble);
  body.after(el(
    'div',
    { class: 'terms-foot' },
    mayWrite(safety) ? null : el('p', { class: 'hint' }, t('terms-decline-about')),
    el('div', { class: 'buttons' }, decline, mayWrite(safety) ? null : accept),
  ));
  /** @type {HTMLElement} */ (body.firstElementChild).focus();

  async function agree() {
    try {
      await api.acceptTerms(session.id, /** @type {Safety} */ (safety).terms_version);
      dialog.close();
      announce(t('terms-accepted'));
    } catch (error) {
      trouble.replaceChildren(problemBox(api.asProblem(error), info.version, null));
    }
  }
}

/** @param {string} url @param {Element} trouble @param {AppInfo} info */
function outside(url, trouble, info) {
  api.openOutside(url).then(() => trouble.replaceChildren(), (/** @type {unknown} */ error) => trouble.replaceChildren(problemBox(api.asProblem(error), info.version, null)));
}

/**
 * Asks whether somebody is to be blocked, and says how far that reaches.
 * @param {Session} session
 * @param {AppInfo} info
 * @param {Person} person
 */
export function blockDialog(session, info, { id, name }) {
  const { body, dialog, trouble } = sheet('block-dialog', 'block-title');
  const safety = session.safety.peek();
  const online = session.connection.peek().state === 'live' || session.connection.peek().state === 'polling';
  const reach = safety?.blocks_on_server ? 'server' : knows(safety) || online ? 'device' : 'unknown';
  const confirm = button('block-confirm', t('block-confirm'), 'danger', () => void block());
  body.append(
    el('h2', { id: 'block-title' }, t('block-title', { name })),
    el('p', {}, t('block-lead', { name })),
    el('p', { data: { reach } }, t(`block-${reach}`, { name })),
    trouble,
    el('div', { class: 'buttons' }, button('block-cancel', t('cancel'), 'quiet', () => dialog.close()), confirm),
  );
  confirm.focus();

  async function block() {
    try {
      await api.block(session.id, id);
      dialog.close();
      announce(t('block-done', { name }));
    } catch (error) {
      trouble.replaceChildren(problemBox(api.asProblem(error), info.version, null));
    }
  }
}

/**
 * Lifts a block.
 * @param {Session} session
 * @param {Person} person
 */
export async function unblock(session, { id, name }) {
  await api.unblock(session.id, id);
  announce(t('unblock-done', { name }));
}

/**
 * How the owner is told: by a report that the server takes, by mail, on a page
 * of theirs, or by a text to give to somebody.
 * @param {Session} session
 * @returns {'report' | 'mail' | 'page' | 'copy'}
 */
function way(session) {
  const safety = session.safety.peek();
  if (safety?.reports_on_server) return 'report';
  if (safety?.contact?.startsWith('mailto:')) return 'mail';
  return safety?.contact ? 'page' : 'copy';
}

/** A mail to the owner, as a mail program takes it. @param {string} contact @param {string} subject @param {string} text */
function mail(contact, subject, text) {
  const address = (/** @type {string} */ body) => `${contact}?subject=${encodeURIComponent(plain(subject))}&body=${encodeURIComponent(body)}`;
  const letters = [...plain(text)];
  let body = letters.join('');
  while (address(body).length > LONGEST_MAIL && letters.length > 0) {
    letters.length = Math.floor(letters.length * 0.8);
    body = `${letters.join('')} …`;
  }
  return address(body);
}

/**
 * What stands below where the owner is not told by the server: a mail, a page, or a text to copy.
 * @param {Session} session
 * @param {AppInfo} info
 * @param {() => { subject: string, text: string }} words
 * @param {Element} trouble
 * @param {() => void} done
 * @returns {HTMLElement[]}
 */
function byOneself(session, info, words, trouble, done) {
  const contact = session.safety.peek()?.contact ?? null;
  const how = way(session);
  const copy = button('report-copy', t('report-copy'), how === 'copy' ? 'primary' : 'quiet', () => void copyOut());

  async function copyOut() {
    const { text } = words();
    if (await copyText(plain(text))) {
      copy.textContent = t('report-copied');
      announce(t('report-copied'));
      return;
    }
    const area = el('textarea', { class: 'copied', readonly: true, rows: 6, dir: 'auto', 'aria-label': t('report-text-label') });
    area.value = plain(text);
    trouble.replaceChildren(area);
    area.focus();
    area.select();
  }

  if (contact === null) return [copy];
  const open = button('report-open', t(how === 'mail' ? 'report-mail' : 'report-page'), 'primary', () => {
    const { subject, text } = words();
    api.openOutside(how === 'mail' ? mail(contact, subject, text) : contact).then(() => {
      if (how === 'mail') done();
    }, (/** @type {unknown} */ error) => trouble.replaceChildren(problemBox(api.asProblem(error), info.version, null)));
  });
  return [copy, open];
}

/**
 * Reports a person, or one of the messages that they wrote.
 * @param {Session} session
 * @param {AppInfo} info
 * @param {Person} person
 * @param {MessageRow[]} messages theirs, newest first
 */
export function reportDialog(session, info, person, messages) {
  const { body, dialog, trouble } = sheet('report-dialog', 'report-title', 'form');
  const { name } = person;
  const account = session.account.peek();
  const host = hostOf(account.server);
  const how = way(session);
  const now = Date.now();
  const about = el(
    'select',
    { id: 'report-about', on: { change: () => { copy.hidden = about.value === ''; } } },
    el('option', { value: '' }, t('report-about-person', { name })),
    ...messages.map((row) => el('option', { value: row.id }, plain(t('report-about-message', { time: whenText(row.at, now), text: row.text.replace(/\s+/gu, ' ').slice(0, 80) })))),
  );
  const reason = el('select', { id: 'report-reason' }, ...REASONS.map((one) => el('option', { value: one }, t(`report-reason-${one}`))));
  const comment = el('textarea', { id: 'report-comment', rows: 3, dir: 'auto', maxlength: LONGEST, class: 'copied' });
  const withText = el('input', { id: 'report-with-text', type: 'checkbox', 'aria-describedby': 'report-with-text-about' });
  const copy = el(
    'div',
    { class: 'check', hidden: true },
    withText,
    el('label', { for: 'report-with-text' }, t('report-copy-label')),
    el('p', { id: 'report-with-text-about', class: 'hint' }, t('report-copy-about')),
  );
  const cancel = button('report-cancel', t('cancel'), 'quiet', () => dialog.close());
  const send = el('button', { id: 'report-send', type: 'submit', class: 'primary' }, t('report-send'));
  const lead = how === 'report' ? t('report-lead', { host, name }) : t(how === 'copy' && away() ? 'report-lead-unknown' : `report-lead-${how}`);
  body.append(
    el('h2', { id: 'report-title' }, t('report-title')),
    el('p', { data: { way: how } }, lead),
    labelled('report-about', t('report-about-label'), el('span', { class: 'select' }, about, icon('chevron', 18))),
    labelled('report-reason', t('report-reason-label'), el('span', { class: 'select' }, reason, icon('chevron', 18))),
    labelled('report-comment', t('report-comment-label'), comment),
    copy,
    trouble,
    el('div', { class: 'buttons' }, cancel, ...(how === 'report' ? [send] : byOneself(session, info, words, trouble, () => done(false)))),
  );
  body.addEventListener('submit', (event) => {
    event.preventDefault();
    if (how === 'report') void tell();
  });
  about.focus();

  /** Whether it is only not known yet what the server takes. */
  function away() {
    return !['live', 'polling'].includes(session.connection.peek().state);
  }

  /** The report as a text, for where the server takes none. */
  function words() {
    const row = messages.find((one) => one.id === about.value);
    const parts = [t('report-text', { server: account.server, email: account.email, name, person: person.id, reason: t(`report-reason-${reason.value}`) })];
    if (row) parts.push(t('report-text-message', { message: row.id }));
    if (row && withText.checked) parts.push(`${t('report-text-copy')}\n${row.text}`);
    if (comment.value.trim() !== '') parts.push(`${t('report-text-comment')}\n${comment.value.trim()}`);
    return { subject: t('report-subject'), text: parts.join('\n\n') };
  }

  async function tell() {
    send.setAttribute('aria-disabled', 'true');
    try {
      await api.report(session.id, {
        person: about.value === '' ? person.id : null,
        message: about.value === '' ? null : about.value,
        reason: /** @type {ReportReason} */ (reason.value),
        comment: comment.value,
        with_text: about.value !== '' && withText.checked,
      });
      done(true);
    } catch (error) {
      send.removeAttribute('aria-disabled');
      trouble.replaceChildren(problemBox(api.asProblem(error), info.version, null));
    }
  }

  /** Told, or about to be: the person may not be wanted any more either. @param {boolean} kept whether the server is told */
  function done(kept) {
    const blocked = session.safety.peek()?.blocked.some((one) => one.person === person.id) ?? false;
    const close = button('report-done-close', t(blocked ? 'close' : 'report-done-close'), 'quiet', () => dialog.close());
    const block = button('report-block', t('block'), 'primary', () => {
      dialog.close();
      blockDialog(session, info, person);
    });
    body.replaceChildren(
      el('h2', { id: 'report-title', tabindex: -1 }, t('report-done-title')),
      el('p', { role: 'status' }, kept ? t('report-done-lead', { host }) : t('report-mailed')),
      blocked ? '' : el('p', {}, t('report-done-block', { name })),
      el('div', { class: 'buttons' }, close, blocked ? null : block),
    );
    /** @type {HTMLElement} */ (body.firstElementChild).focus();
  }
}

/** @param {string} id @param {string} words @param {HTMLElement} control */
function labelled(id, words, control) {
  return el('div', { class: 'field' }, el('label', { for: id }, words), control);
}

/**
 * Asks the owner to delete the account, and offers to erase this device.
 * @param {Session} session
 * @param {AppInfo} info
 * @param {{ signOut: () => void }} how
 */
export function deletionDialog(session, info, { signOut }) {
  const { body, dialog, trouble } = sheet('deletion-dialog', 'deletion-title');
  const account = session.account.peek();
  const host = hostOf(account.server);
  const how = way(session);
  const confirm = button('deletion-confirm', t('deletion-confirm'), 'danger', () => void tell());
  const words = () => ({ subject: t('deletion-subject'), text: t('deletion-text', { server: account.server, email: account.email, person: account.person }) });
  body.append(
    el('h2', { id: 'deletion-title', tabindex: -1 }, t('deletion-title')),
    el('p', {}, t('deletion-lead', { host })),
    el('p', { data: { way: how } }, how === 'report' ? t('deletion-server') : t(`report-lead-${how}`)),
    trouble,
    el('div', { class: 'buttons' }, button('deletion-cancel', t('cancel'), 'quiet', () => dialog.close()), ...(how === 'report' ? [confirm] : byOneself(session, info, words, trouble, () => done(false)))),
  );
  /** @type {HTMLElement} */ (body.firstElementChild).focus();

  async function tell() {
    try {
      await api.report(session.id, { person: null, message: null, reason: 'account_deletion', comment: '', with_text: false });
      done(true);
    } catch (error) {
      trouble.replaceChildren(problemBox(api.asProblem(error), info.version, null));
    }
  }

  /** @param {boolean} kept */
  function done(kept) {
    body.replaceChildren(
      el('h2', { id: 'deletion-title', tabindex: -1 }, t('deletion-done-title')),
      el('p', { role: 'status' }, t(kept ? 'deletion-done-lead' : 'deletion-done-mail')),
      el(
        'div',
        { class: 'buttons' },
        button('deletion-keep', t('deletion-keep'), 'quiet', () => dialog.close()),
        button('deletion-erase', t('deletion-erase'), 'danger', () => { dialog.close(); signOut(); }),
      ),
    );
    /** @type {HTMLElement} */ (body.firstElementChild).focus();
  }
}
