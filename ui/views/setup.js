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
 *                                                             ^ │ prove it
 *                                        broken off, failed   │ v
 *                                                          proving ──> proof
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { el, spoken } from '../components/dom.js';
import { field } from '../components/field.js';
import { icon } from '../components/icons.js';
import { facts, hashText, planKept, planRefusals, planSteps, rolesText, stepText, subjectText } from '../components/plan.js';
import { problemBox } from '../components/problem.js';
import { progress } from '../components/progress.js';
import { proofNotes, proofWrong, verdict } from '../components/proof.js';
import { hostOf, serverChip } from '../components/server-chip.js';
import { ready, stage } from '../components/stage.js';
import { t } from '../locale.js';

/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').Code} Code */
/** @typedef {import('../types/bridge').Problem} Problem */
/** @typedef {import('../types/bridge').ServerFound} ServerFound */
/** @typedef {import('../types/bridge').SetUpPlan} SetUpPlan */
/** @typedef {import('../types/bridge').SetUpProgress} SetUpProgress */
/** @typedef {import('../types/bridge').SetUpProof} SetUpProof */
/** @typedef {'who' | 'code' | 'looking' | 'plan' | 'working' | 'ready' | 'proof'} Step */

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
    leave.textContent = t(next === 'ready' || next === 'proof' ? 'back' : 'setup-leave');
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
    else if (step === 'ready' || step === 'proof') goOn();
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

  /** Something is being done, and can be broken off. @param {string} words @param {HTMLElement} bar @param {string} hint */
  function showWork(words, bar, hint) {
    const stop = el('button', { id: 'set-up-stop', type: 'button', class: 'quiet', on: { click: () => void halt() } }, t('setup-stop'));
    async function halt() {
      stop.setAttribute('aria-disabled', 'true');
      stop.textContent = t('setup-stopping');
      await api.setUpStop().catch(() => {});
    }
    show('working', title(words), serverChip(found), bar, el('p', { class: 'hint' }, hint), stop);
    busy = true;
    focusTitle();
    announce(t('setup-starting'));
  }

  // Making it.

  /** @param {SetUpPlan} agreed */
  async function apply(agreed) {
    const bar = progress('set-up-title', 'step', agreed.steps.length, t('setup-starting'));
    showWork(t('setup-working'), bar.element, t('setup-working-hint'));
    let subject = '';
    /** @param {SetUpProgress} told */
    const told = ({ number, of, step: made }) => {
      if (closed || made === null || !bar.tell(number, of, stepText(made))) return;
      // Read out once a subject, for nobody wants to hear eighty steps.
      if (made.subject !== subject) {
        subject = made.subject;
        announce(t('setup-progress-subject', { subject: subjectText(made), number, of }));
      }
    };
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
      await look({ above: problemBox(problem, info.version, null), begun: bar.seen() > 0 });
    } finally {
      unlisten();
    }
  }

  // Made.

  /**
   * @param {string | null} before the plan that was applied; null where there was nothing to do
   * @param {SetUpPlan} left
   * @param {Node | null} [above] what came of a proof that broke off
   */
  function showReady(before, left, above = null) {
    const back = () => showReady(before, left);
    show(
      'ready',
      above,
      el('div', { class: 'set-up-mark', 'aria-hidden': 'true' }, icon('sent', 32)),
      title(t(before === null ? 'setup-already-title' : 'setup-ready-title', { host: hostOf(found.url) })),
      el('p', { class: 'lead' }, t(before === null ? 'setup-already-lead' : 'setup-ready-lead', { roles: rolesText(left) })),
      planKept(left),
      facts([
        [t('setup-left'), t('setup-steps', { count: left.steps.length })],
        ...(before === null ? [] : [/** @type {[string, Node]} */ ([t('setup-hash-before'), hashText(before)])]),
        [t(before === null ? 'setup-hash' : 'setup-hash-after'), hashText(left.hash)],
      ]),
      el('p', { class: 'hint' }, t('setup-ready-hint', { roles: rolesText(left) })),
      addresses(left),
      el(
        'div',
        { class: 'prove' },
        el('p', {}, t('setup-prove-hint')),
        el('button', { id: 'set-up-prove', type: 'button', class: 'quiet', on: { click: () => void prove((problem) => showReady(before, left, problem), back) } }, t('setup-prove')),
      ),
      button,
      leave,
    );
    press(t('setup-go-on'));
    focusTitle();
    if (above === null) announce(t('setup-ready-announce'));
  }

  /** Where people reach the owner, and where their terms are. @param {SetUpPlan} held */
  function addresses(held) {
    const mail = (/** @type {string | null} */ address) => (address ?? '').replace(/^mailto:/u, '');
    const how = { type: 'text', autocomplete: 'off', autocapitalize: 'none', spellcheck: 'false', dir: 'ltr', maxlength: 300, required: false };
    const contact = field('owner-contact', t('setup-contact-label'), { ...how, value: mail(held.addresses.contact) }, { hint: t('setup-contact-hint') });
    const terms = field('owner-terms', t('setup-terms-label'), { ...how, value: held.addresses.terms ?? '' }, { hint: t('setup-terms-hint') });
    const status = el('div', { role: 'status' });
    const save = el('button', { id: 'owner-save', type: 'button', class: 'quiet', on: { click: () => void keep() } }, t('setup-addresses-save'));
    for (const { input } of [contact, terms]) {
      // Enter keeps them, and does not go on to the chat.
      input.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== 'Enter' || event.isComposing) return;
        event.preventDefault();
        void keep();
      });
    }

    async function keep() {
      for (const one of [contact, terms]) one.clear();
      status.replaceChildren();
      try {
        held.addresses = await api.setUpAddresses(contact.input.value, terms.input.value);
        if (closed) return;
        contact.input.value = mail(held.addresses.contact);
        terms.input.value = held.addresses.terms ?? '';
        status.replaceChildren(el('p', { class: 'notice' }, t('setup-addresses-saved')));
      } catch (error) {
        if (closed) return;
        const problem = api.asProblem(error);
        if (over(problem)) return;
        if (problem.code === 'owners_address_invalid') (problem.args['field'] === 'terms' ? terms : contact).fail(problem);
        else status.replaceChildren(problemBox(problem, info.version, null));
      }
    }

    return el('section', { class: 'owner-addresses', 'aria-labelledby': 'owner-addresses-title' }, el('h2', { id: 'owner-addresses-title' }, t('setup-addresses-title')), el('p', { class: 'hint' }, t('setup-addresses-lead')), contact.element, terms.element, status, save);
  }

  // Proving it.

  /**
   * @param {(above: Node) => void} broken what is shown where it did not come to an end
   * @param {() => void} back from the result
   */
  async function prove(broken, back) {
    const bar = progress('set-up-title', 'attempt', 0, t('setup-starting'));
    showWork(t('setup-proving'), bar.element, t('setup-proving-hint'));
    let tenth = 0;
    /** @param {SetUpProgress} told */
    const told = ({ number, of, trying }) => {
      if (closed || trying === null || !bar.tell(number, of, trying)) return;
      const now = Math.floor((number * 10) / of);
      if (now > tenth) {
        tenth = now;
        announce(t('setup-attempt', { number, of }));
      }
    };
    const unlisten = await api.onSetUp(told);
    try {
      const proof = await api.setUpVerify();
      if (closed) return;
      if (proof === null) broken(el('p', { class: 'notice', role: 'status' }, t('setup-proof-stopped')));
      else showProof(proof, broken, back);
    } catch (error) {
      if (closed) return;
      const problem = api.asProblem(error);
      if (over(problem)) return;
      if (problem.code === 'set_up_changed' || problem.code === 'set_up_not_safe') await look({ above: problemBox(problem, info.version, null), begun: true });
      else {
        const above = document.createDocumentFragment();
        above.append(problemBox(problem, info.version, null), el('p', { class: 'notice' }, t('setup-proof-failed')));
        broken(above);
      }
    } finally {
      unlisten();
    }
  }

  /** @param {SetUpProof} proof @param {(above: Node) => void} broken @param {() => void} back */
  function showProof(proof, broken, back) {
    const came = verdict(proof);
    const known = proof.known.reduce((sum, { times }) => sum + times, 0);
    const host = hostOf(found.url);
    show(
      'proof',
      el('div', { class: 'set-up-mark', 'aria-hidden': 'true', data: { verdict: came } }, icon(came === 'private' ? 'sent' : 'failed', 32)),
      title(t(`setup-proof-${came}-title`, { host })),
      el('p', { class: 'lead' }, t(`setup-proof-${came}-lead`)),
      facts([
        [t('setup-proof-attacks'), t('setup-proof-attacks-are', { refused: proof.refused, attacks: proof.attacks })],
        ...(proof.leaks > 0 ? [/** @type {[string, string]} */ ([t('setup-proof-worked'), t('setup-proof-count', { count: proof.leaks })])] : []),
        ...(known > 0 ? [/** @type {[string, string]} */ ([t('setup-proof-known'), t('setup-proof-count', { count: known })])] : []),
        [t('setup-proof-allowed'), t('setup-proof-allowed-are', { ok: proof.ok, allowed: proof.allowed })],
      ]),
      proofWrong(proof),
      ...proofNotes(proof),
      button,
      el('button', { id: 'set-up-prove', type: 'button', class: 'quiet', on: { click: () => void prove(broken, back) } }, t('setup-prove-again')),
      el('button', { id: 'set-up-back', type: 'button', class: 'quiet', on: { click: back } }, t('back')),
    );
    press(t('setup-go-on'));
    focusTitle();
    announce(t(`setup-proof-${came}-title`, { host }));
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
