/**
 * Setting up a server, by whoever administers it: asked who one is, shown what
 * would be made, and only then is it made.
 *
 * Owns: the steps, and that the administrator's session ends whichever way one
 * leaves. Never: the password after it was used; the session, which is the
 * core's.
 *
 *   who ──code_needed──> code ──begun──> looking ──> plan ──agreed──> working
 *    ^                                      ^         ^ │                │
 *    │                                      └─changed─┘ nothing to do    │ broken off, failed:
 *    │                                                  │                │ looking, then plan
 *    └── the session is over                            └──> ready <─────┘ done
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { el, say, spoken } from '../components/dom.js';
import { field } from '../components/field.js';
import { icon } from '../components/icons.js';
import { facts, hashText, planKept, planRefusals, planSteps, rolesText, stepText, subjectText } from '../components/plan.js';
import { problemBox } from '../components/problem.js';
import { hostOf, serverChip } from '../components/server-chip.js';
import { ready, stage } from '../components/stage.js';
import { t } from '../locale.js';

/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').Code} Code */
/** @typedef {import('../types/bridge').Problem} Problem */
/** @typedef {import('../types/bridge').ServerFound} ServerFound */
/** @typedef {import('../types/bridge').SetUpPlan} SetUpPlan */
/** @typedef {import('../types/bridge').SetUpProgress} SetUpProgress */
/** @typedef {'who' | 'code' | 'looking' | 'plan' | 'working' | 'ready'} Step */

/** Problems that belong to one field. @type {Partial<Record<Code, 'email' | 'password'>>} */
const places = { password_wrong: 'password', too_many_tries: 'password', suspended: 'email', not_administrator: 'email' };

/**
 * @param {AppInfo} info
 * @param {object} how
 * @param {ServerFound} how.server
 * @param {string} how.email what to begin with
 * @param {() => void} how.back to where one came from
 * @param {() => void} how.goOn to the chat
 */
export function setUpView(info, { server, email: known, back, goOn }) {
  const email = field('admin-email', t('email-label'), { type: 'email', name: 'email', autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false', dir: 'ltr', value: known });
  const password = field('admin-password', t('password-label'), { name: 'password', autocomplete: 'current-password', dir: 'auto' }, { secret: 'password' });
  const code = field('admin-code', t('code-label'), { type: 'text', name: 'code', inputmode: 'numeric', autocomplete: 'one-time-code', maxlength: 12, dir: 'ltr' });

  /** @type {Step} */
  let step = 'who';
  let found = server;
  /** A sentence above the first step, or none. */
  let notice = '';
  let busy = false;
  let closed = false;
  /** @type {SetUpPlan | null} */
  let plan = null;

  const card = el('form', { class: 'card', novalidate: true, on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); void submit(); } } });
  const element = stage('set-up-who', card);
  const outcome = el('div', { class: 'outcome' });
  const button = el('button', { id: 'set-up-continue', type: 'submit', class: 'primary' });
  const leave = el('button', { id: 'set-up-leave', type: 'button', class: 'quiet', on: { click: back } }, t('setup-leave'));
  const title = (/** @type {string} */ words) => el('h1', { id: 'set-up-title', tabindex: -1 }, words);

  /** Puts a step into the card. @param {Step} next @param {(Node | null)[]} content */
  function show(next, ...content) {
    step = next;
    busy = false;
    element.dataset.step = `set-up-${next}`;
    card.removeAttribute('aria-busy');
    button.removeAttribute('aria-disabled');
    leave.textContent = t(next === 'ready' ? 'back' : 'setup-leave');
    card.replaceChildren(...content.filter((node) => node !== null));
    element.querySelector('.stage-side')?.scrollTo(0, 0);
  }

  /** The words of the button, and whether it is at work. @param {string} words @param {boolean} [working] */
  function press(words, working = false) {
    busy = working;
    button.textContent = words;
    if (working) {
      button.setAttribute('aria-disabled', 'true');
      card.setAttribute('aria-busy', 'true');
    } else {
      button.removeAttribute('aria-disabled');
      card.removeAttribute('aria-busy');
    }
  }

  function focusTitle() {
    /** @type {HTMLElement | null} */ (card.querySelector('#set-up-title'))?.focus({ preventScroll: true });
  }

  async function submit() {
    if (busy) return;
    if (step === 'who' || step === 'code') await begin();
    else if (step === 'ready') goOn();
    else if (step === 'plan' && plan !== null && plan.refusals.length === 0) await apply(plan);
    else if (step === 'plan') await look();
  }

  // Who one is.

  /** @param {HTMLInputElement} [focus] */
  function showWho(focus) {
    outcome.replaceChildren();
    show(
      'who',
      notice ? el('p', { class: 'notice', role: 'status' }, notice) : null,
      title(t('setup-title')),
      el('p', { class: 'lead' }, t('setup-who-lead')),
      serverChip(found),
      email.element,
      password.element,
      outcome,
      button,
      leave,
    );
    press(t('setup-who-submit'));
    const first = focus ?? (email.input.value === '' ? email.input : password.input);
    first.focus();
  }

  function showCode() {
    outcome.replaceChildren();
    show(
      'code',
      title(t('code-title')),
      el('p', { class: 'lead' }, t('code-lead', { email: email.input.value })),
      code.element,
      el('button', { type: 'button', class: 'quiet small back-link', on: { click: () => showWho(password.input) } }, t('back')),
      outcome,
      button,
      leave,
    );
    press(t('code-submit'));
    code.input.focus();
  }

  async function begin() {
    for (const one of [email, password, code]) one.clear();
    if (email.input.value.trim() === '') return email.fail({ code: 'password_wrong', args: {}, action: 'change_input' });
    if (password.input.value === '') return password.fail({ code: 'password_wrong', args: {}, action: 'change_input' });
    if (step === 'code' && code.input.value.trim() === '') return code.fail({ code: 'code_needed', args: {}, action: 'change_input' });
    outcome.replaceChildren();
    press(t('continue-busy-signin'), true);
    try {
      const begun = await api.setUpBegin({
        server: found.url,
        email: email.input.value.trim(),
        password: password.input.value,
        code: step === 'code' ? code.input.value.replace(/\s/gu, '') : null,
      });
      if (closed) {
        // Left meanwhile: nobody would use this session.
        await api.setUpEnd();
        return undefined;
      }
      found = begun;
      forget();
      notice = '';
      await look();
    } catch (error) {
      if (!closed) place(api.asProblem(error));
    }
    return undefined;
  }

  function forget() {
    password.input.value = '';
    code.input.value = '';
  }

  /** Shows a problem of signing in beside the field it belongs to. @param {Problem} problem */
  function place(problem) {
    press(t(step === 'code' ? 'code-submit' : 'setup-who-submit'));
    if (problem.code === 'code_needed' || problem.code === 'code_wrong') {
      if (step !== 'code') showCode();
      if (problem.code === 'code_wrong') code.fail(problem);
      return;
    }
    const where = places[problem.code];
    if (where) {
      if (step === 'code') showWho();
      (where === 'email' ? email : password).fail(problem);
      return;
    }
    outcome.replaceChildren(problemBox(problem, info.version, () => void submit()));
    button.focus();
  }

  // What would be made.

  /** Looks at the server, and shows what it needs. @param {{ above?: HTMLElement | null, begun?: boolean }} [how] */
  async function look({ above = null, begun = false } = {}) {
    show(
      'looking',
      title(t('setup-looking')),
      serverChip(found),
      el('div', { class: 'set-up-waiting', role: 'status' }, el('span', { class: 'spinner', 'aria-hidden': 'true' }), spoken(t('setup-looking'))),
      leave,
    );
    focusTitle();
    try {
      plan = await api.setUpPlan();
      if (closed) return;
      if (plan.steps.length === 0 && plan.refusals.length === 0) showReady(null, plan);
      else showPlan(plan, above, begun);
    } catch (error) {
      if (!closed) trouble(api.asProblem(error));
    }
  }

  /** A problem that leaves nothing to show but itself. @param {Problem} problem */
  function trouble(problem) {
    if (over(problem)) return;
    plan = null;
    show('plan', title(t('setup-trouble')), serverChip(found), problemBox(problem, info.version, null), button, leave);
    press(t('setup-look-again'));
    button.focus();
  }

  /** Asks anew who one is, where the session is over. @param {Problem} problem */
  function over(problem) {
    if (problem.code !== 'set_up_ended') return false;
    notice = t('setup-over');
    showWho();
    return true;
  }

  /** @param {SetUpPlan} made @param {HTMLElement | null} above @param {boolean} begun whether some of it is done already */
  function showPlan(made, above, begun) {
    const refused = made.refusals.length > 0;
    show(
      'plan',
      above,
      title(t(refused ? 'setup-refused-title' : begun ? 'setup-rest-title' : 'setup-plan-title')),
      el('p', { class: 'lead' }, t(refused ? 'setup-refused-lead' : begun ? 'setup-rest-lead' : 'setup-plan-lead')),
      serverChip(found),
      refused ? planRefusals(made) : null,
      made.steps.length > 0
        ? el('section', { class: 'plan' }, el('h2', {}, t('setup-steps-title', { count: made.steps.length })), planSteps(made))
        : null,
      planKept(made),
      facts([[t('setup-roles'), t('setup-roles-are', { roles: rolesText(made) })], [t('setup-else'), t('setup-else-is')], [t('setup-hash'), hashText(made.hash)]]),
      refused ? null : el('p', { class: 'hint' }, t('setup-backup')),
      button,
      leave,
    );
    press(t(refused ? 'setup-look-again' : begun ? 'setup-apply-rest' : 'setup-apply'));
    focusTitle();
  }

  // Making it.

  /** @param {SetUpPlan} agreed */
  async function apply(agreed) {
    const count = agreed.steps.length;
    const number = el('p', { class: 'set-up-number' }, t('setup-progress', { number: 0, of: count }));
    const words = el('p', { class: 'set-up-words' }, t('setup-starting'));
    const bar = el('progress', { id: 'set-up-progress', max: count, value: 0, 'aria-labelledby': 'set-up-title' });
    const stop = el('button', { id: 'set-up-stop', type: 'button', class: 'quiet', on: { click: () => void halt() } }, t('setup-stop'));
    show('working', title(t('setup-working')), serverChip(found), el('div', { class: 'set-up-progress' }, bar, number, words), el('p', { class: 'hint' }, t('setup-working-hint')), stop);
    busy = true;
    focusTitle();
    announce(t('setup-starting'));

    let seen = 0;
    let subject = '';
    /** @param {SetUpProgress} progress */
    const told = (progress) => {
      // Events may come in any order; the bar never goes back.
      if (closed || progress.number <= seen) return;
      seen = progress.number;
      bar.max = progress.of;
      bar.value = progress.number - 1;
      say(number, t('setup-progress', { number: progress.number, of: progress.of }));
      say(words, stepText(progress.step));
      // Read out once a subject, for nobody wants to hear eighty steps.
      if (progress.step.subject !== subject) {
        subject = progress.step.subject;
        announce(t('setup-progress-subject', { subject: subjectText(progress.step), number: progress.number, of: progress.of }));
      }
    };
    async function halt() {
      stop.setAttribute('aria-disabled', 'true');
      stop.textContent = t('setup-stopping');
      await api.setUpStop().catch(() => {});
    }

    const unlisten = await api.onSetUp(told);
    try {
      const { before, stopped, left } = await api.setUpApply(agreed.hash);
      if (closed) return;
      plan = left;
      if (left.steps.length === 0 && left.refusals.length === 0) showReady(before, left);
      else showPlan(left, stopped ? el('p', { class: 'notice', role: 'status' }, t('setup-stopped')) : null, true);
    } catch (error) {
      if (closed) return;
      const problem = api.asProblem(error);
      if (over(problem)) return;
      // What was done stays; what is left is looked at anew, below the reason.
      await look({ above: problemBox(problem, info.version, null), begun: seen > 0 });
    } finally {
      unlisten();
    }
  }

  // Made.

  /** @param {string | null} before the plan that was applied; null where there was nothing to do @param {SetUpPlan} left */
  function showReady(before, left) {
    show(
      'ready',
      el('div', { class: 'set-up-done', 'aria-hidden': 'true' }, icon('sent', 32)),
      title(t(before === null ? 'setup-already-title' : 'setup-ready-title', { host: hostOf(found.url) })),
      el('p', { class: 'lead' }, t(before === null ? 'setup-already-lead' : 'setup-ready-lead', { roles: rolesText(left) })),
      planKept(left),
      facts([
        [t('setup-left'), t('setup-steps', { count: left.steps.length })],
        ...(before === null ? [] : [/** @type {[string, Node]} */ ([t('setup-hash-before'), hashText(before)])]),
        [t(before === null ? 'setup-hash' : 'setup-hash-after'), hashText(left.hash)],
      ]),
      el('p', { class: 'hint' }, t('setup-ready-hint', { roles: rolesText(left) })),
      button,
      leave,
    );
    press(t('setup-go-on'));
    focusTitle();
    announce(t('setup-ready-announce'));
  }

  /** Whatever happens, nobody's session is left. */
  const end = () => void api.setUpEnd().catch(() => {});
  addEventListener('pagehide', end);

  return {
    element,
    shown() {
      ready('signin');
      showWho();
    },
    close() {
      closed = true;
      forget();
      removeEventListener('pagehide', end);
      end();
    },
  };
}
