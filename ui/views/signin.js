/**
 * Signing in: the server's address, then who one is, then a one-time code
 * where the account wants one.
 *
 * Owns: the steps, what was typed in each (kept when going back and forth),
 * and which field a problem belongs to. Never: a password after it was used.
 *
 *   server ──found──> person ──code_needed──> code ──> done
 *     ^─────────────────┘ ^──────────back──────┘
 *                         │──chat_missing────> missing ──again──> done
 *                         └──set_up_needed───> the server is set up, elsewhere; then done
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { el } from '../components/dom.js';
import { field } from '../components/field.js';
import { problemBox } from '../components/problem.js';
import { serverChip } from '../components/server-chip.js';
import { ready, stage } from '../components/stage.js';
import { t } from '../locale.js';
import { missingCard } from './missing.js';
import { vaultChoice } from './vault.js';

/** @typedef {import('../types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').Code} Code */
/** @typedef {import('../types/bridge').Problem} Problem */
/** @typedef {import('../types/bridge').ServerFound} ServerFound */
/** @typedef {import('../components/field.js').Field} Field */

/** Problems that belong to one field of the step "person". @type {Partial<Record<Code, 'email' | 'password' | 'passphrase' | 'vault'>>} */
const places = {
  password_wrong: 'password',
  suspended: 'email',
  account_exists: 'email',
  too_many_tries: 'password',
  passphrase_short: 'passphrase',
  vault_unavailable: 'vault',
  vault_unreadable: 'vault',
};

/**
 * @param {AppInfo} info
 * @param {object} how
 * @param {AccountSummary | null} how.again
 * @param {string} how.notice
 * @param {string} how.server
 * @param {(account: AccountSummary) => void} how.done
 * @param {(() => void) | null} how.others leads to the accounts that there are
 * @param {() => Promise<void>} how.lookAround leads to made-up conversations
 * @param {(found: ServerFound, email: string) => void} how.setUp leads to setting up the server, from where one comes back
 */
export function signInView(info, { again, notice, server: address, done, others, lookAround, setUp }) {
  const server = field('server', t('server-label'), {
    type: 'text', inputmode: 'url', name: 'server', autocomplete: 'url', autocapitalize: 'none', autocorrect: 'off', spellcheck: 'false', dir: 'ltr',
    value: again?.server ?? (address || info.default_server),
  }, { hint: t('server-hint') });
  const email = field('email', t('email-label'), {
    type: 'email', name: 'email', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', dir: 'ltr', value: again?.email ?? '', readonly: again !== null,
  });
  const password = field('password', t('password-label'), { name: 'password', autocomplete: 'current-password', dir: 'auto' }, { secret: 'password' });
  const code = field('code', t('code-label'), { type: 'text', name: 'code', inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 12, dir: 'ltr' });
  const vault = vaultChoice(info);

  /** @type {ServerFound} */
  let found = { url: again?.server ?? '', project: '', version: null };
  /** @type {'server' | 'person' | 'code' | 'missing'} */
  let step = again ? 'person' : 'server';
  /** Whether a one-time code was asked for, and goes along. */
  let coded = false;
  let busy = false;
  let closed = false;

  const card = el('form', { class: 'card', novalidate: true, on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); void submit(); } } });
  const element = stage(step, card);
  const outcome = el('div', { class: 'outcome' });
  const button = el('button', { id: 'continue', type: 'submit', class: 'primary' });

  /** @param {'server' | 'person' | 'code'} next @param {HTMLInputElement} focus */
  function go(next, focus) {
    step = next;
    coded = next === 'code';
    draw();
    focus.focus();
    focus.select();
  }

  function draw() {
    element.dataset.step = step;
    outcome.replaceChildren();
    button.className = 'primary';
    card.replaceChildren(...(step === 'server' ? serverStep() : step === 'person' ? personStep() : codeStep()), outcome, button);
    if (others && step !== 'code') card.append(el('button', { id: 'other-accounts', type: 'button', class: 'quiet', on: { click: others } }, t('accounts-other')));
    if (step === 'person' && !again) card.append(administer());
    if (step === 'server' && !others) card.append(el('button', { id: 'look-around', type: 'button', class: 'quiet small', on: { click: () => void look() } }, t('sample-look')));
    rest();
  }

  /** For whoever has no account yet, or wants to see it first. */
  async function look() {
    if (busy) return;
    busy = true;
    try {
      await lookAround();
    } catch (error) {
      if (!closed) action(api.asProblem(error), true);
    }
    busy = false;
  }

  /** For whoever runs the server, and needs no account of the chat for that. */
  function administer() {
    return el('button', { id: 'administer', type: 'button', class: 'quiet small', on: { click: () => setUp(found, email.input.value.trim()) } }, t('setup-administer'));
  }

  /** Nothing can be done here but to ask, and to try again. */
  function missing() {
    if (step === 'missing') {
      rest();
      announce(t('missing-still'));
      outcome.replaceChildren(el('p', { class: 'hint' }, t('missing-still')));
      return;
    }
    step = 'missing';
    element.dataset.step = step;
    outcome.replaceChildren();
    button.className = 'quiet';
    const { content, copy } = missingCard(found.url, email.input.value.trim());
    const back = el('button', { id: 'another-person', type: 'button', class: 'quiet small', on: { click: () => go('person', email.input) } }, t('missing-other'));
    card.replaceChildren(
      ...content,
      button,
      outcome,
      el('div', { class: 'way-out' }, el('p', { class: 'hint' }, t('missing-owner')), administer(), again ? null : back),
    );
    rest();
    copy.focus();
  }

  function serverStep() {
    return [
      notice ? el('p', { class: 'notice', role: 'status' }, notice) : el('span'),
      el('h1', {}, t('signin-server-title')),
      el('p', { class: 'lead' }, t('signin-server-lead')),
      server.element,
    ];
  }

  function personStep() {
    const change = el('button', { type: 'button', class: 'quiet small', id: 'change-server', on: { click: () => go('server', server.input) } }, t('server-change'));
    return [
      el('h1', {}, t(again ? 'signin-again-title' : 'signin-person-title')),
      again ? el('p', { class: 'lead' }, t('signin-again-lead')) : el('span'),
      serverChip(found, again ? null : change),
      email.element,
      password.element,
      again || !vault.needed() ? el('span') : vault.element,
    ];
  }

  function codeStep() {
    return [
      el('h1', {}, t('code-title')),
      el('p', { class: 'lead' }, t('code-lead', { email: email.input.value })),
      code.element,
      el('button', { type: 'button', class: 'quiet small back-link', on: { click: () => go('person', password.input) } }, t('back')),
    ];
  }

  function rest() {
    busy = false;
    button.removeAttribute('aria-disabled');
    card.removeAttribute('aria-busy');
    button.textContent = t(step === 'server' ? 'continue' : step === 'person' ? 'signin-submit' : step === 'code' ? 'code-submit' : 'action-retry');
  }

  function work() {
    busy = true;
    outcome.replaceChildren();
    button.setAttribute('aria-disabled', 'true');
    card.setAttribute('aria-busy', 'true');
    button.textContent = t(step === 'server' ? 'continue-busy-server' : 'continue-busy-signin');
  }

  async function submit() {
    if (busy) return;
    if (step === 'server') await findServer();
    else await signIn();
  }

  async function findServer() {
    server.clear();
    if (server.input.value.trim() === '') {
      server.fail({ code: 'address_invalid', args: {}, action: 'change_input' });
      return;
    }
    work();
    try {
      found = await api.discover(server.input.value.trim());
      if (closed) return;
      notice = '';
      go('person', email.input);
    } catch (error) {
      if (closed) return;
      rest();
      server.fail(api.asProblem(error));
      action(api.asProblem(error), false);
    }
  }

  async function signIn() {
    email.clear();
    password.clear();
    code.clear();
    vault.clear();
    if (email.input.value.trim() === '') return email.fail({ code: 'password_wrong', args: {}, action: 'change_input' });
    if (password.input.value === '') return password.fail({ code: 'password_wrong', args: {}, action: 'change_input' });
    if (step === 'code' && code.input.value.trim() === '') return code.fail({ code: 'code_needed', args: {}, action: 'change_input' });
    const chosen = again ? { vault: again.vault, passphrase: null } : vault.value();
    if (!chosen) return undefined;
    work();
    try {
      const account = await api.signIn({
        server: found.url,
        email: email.input.value.trim(),
        password: password.input.value,
        code: coded ? code.input.value.replace(/\s/gu, '') : null,
        ...chosen,
        account: again?.id ?? null,
      });
      if (closed) return undefined;
      password.input.value = '';
      code.input.value = '';
      vault.forget();
      done(account);
    } catch (error) {
      if (closed) return undefined;
      rest();
      place(api.asProblem(error));
    }
    return undefined;
  }

  /** Shows a problem beside the field it belongs to. @param {Problem} problem */
  function place(problem) {
    if (problem.code === 'chat_missing') {
      missing();
      return;
    }
    if (problem.code === 'set_up_needed') {
      setUp(found, email.input.value.trim());
      return;
    }
    if (problem.code === 'code_needed') {
      if (step === 'code') code.fail(problem);
      else go('code', code.input);
      return;
    }
    if (problem.code === 'code_wrong') {
      if (step !== 'code') go('code', code.input);
      code.fail(problem);
      return;
    }
    const where = places[problem.code];
    if (where && step !== 'person') go('person', password.input);
    if (where === 'email') email.fail(problem);
    else if (where === 'password') password.fail(problem);
    else if (where === 'passphrase') vault.fail(problem);
    else if (where === 'vault' && !again) {
      vault.demand();
      draw();
      vault.fail(problem);
    } else {
      action(problem, true);
      return;
    }
    action(problem, false);
  }

  /** What can be done, beside the button; with the sentence where no field shows it. @param {Problem} problem @param {boolean} whole */
  function action(problem, whole) {
    const box = problemBox(problem, info.version, problem.action === 'retry' ? () => void submit() : null);
    if (!whole) {
      box.firstElementChild?.remove();
      box.removeAttribute('role');
      box.className = 'problem-action';
    }
    outcome.replaceChildren(...(box.childElementCount > 0 ? [box] : []));
    if (whole) button.focus();
  }

  draw();
  return {
    element,
    shown() {
      ready('signin');
      (step === 'server' ? server : step === 'code' ? code : password).input.focus();
    },
    /** Goes on where one left to set up the server: with what was typed, if anything was. */
    goOn() {
      if (step === 'missing') go('person', password.input);
      if (email.input.value.trim() !== '' && password.input.value !== '') void submit();
    },
    close() {
      closed = true;
      password.input.value = '';
      vault.forget();
    },
  };
}
