/**
 * The passphrase of an account on this device: set, changed, or taken away; and what
 * it lets open the account in its place.
 *
 * Owns: asking for it, twice where it is new. Never: keeping one; what was
 * typed is wiped when the dialog closes.
 */
import * as api from '../api.js';
import { announce } from '../components/announce.js';
import { openDialog } from '../components/dialog.js';
import { el } from '../components/dom.js';
import { field } from '../components/field.js';
import { problemBox } from '../components/problem.js';
import { t } from '../locale.js';

/** @typedef {import('../components/field.js').Field} Field */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').Biometry} Biometry */
/** @typedef {import('../types/bridge').Problem} Problem */

const secret = { type: 'password', dir: 'auto' };

/** The field for the passphrase that holds now. @param {string} label */
const current = (label) => field('passphrase-old', label, { ...secret, autocomplete: 'current-password' }, { secret: 'passphrase' });

/**
 * @param {Session} session
 * @param {AppInfo} info
 * @param {'set' | 'change' | 'remove'} what
 * @param {() => void} done
 */
export function passphraseDialog(session, info, what, done) {
  const old = what === 'set' ? null : current(t('passphrase-old-label'));
  const next = what === 'remove' ? null : field('passphrase-new', t('passphrase-new-label'), { ...secret, autocomplete: 'new-password' }, { secret: 'passphrase', hint: t('passphrase-hint') });
  const again = what === 'remove' ? null : field('passphrase-again', t('passphrase-again-label'), { ...secret, autocomplete: 'new-password' }, { secret: 'passphrase' });
  secretDialog(info, {
    title: t(`passphrase-${what}-title`),
    lead: t(`passphrase-${what}-lead`, { email: session.account.peek().email }),
    submit: t(`passphrase-${what}-submit`),
    // A passphrase is slow to try on purpose.
    busy: t('passphrase-busy'),
    danger: what === 'remove',
    fields: [old, next, again].filter((one) => one !== null),
    mayKeep() {
      if (old && old.input.value === '') return old.say(t('passphrase-old-empty'));
      if (next && [...next.input.value].length < 8) return next.fail({ code: 'passphrase_short', args: {}, action: 'change_input' });
      if (next && again && next.input.value !== again.input.value) return again.say(t('passphrase-differs'));
      return true;
    },
    async keep() {
      session.account.value = await api.setPassphrase(session.id, old?.input.value ?? null, next?.input.value ?? null);
    },
    failed(problem) {
      if (old && problem.code === 'passphrase_wrong') old.fail(problem);
      else if (next && problem.code === 'passphrase_short') next.fail(problem);
      else return false;
      return true;
    },
    done,
  });
}

/**
 * Lets a finger or a face open an account as well. Whoever only finds it open can't: the
 * passphrase is asked for.
 * @param {Session} session
 * @param {AppInfo} info
 * @param {Biometry} kind
 * @param {() => void} done
 */
export function biometricsDialog(session, info, kind, done) {
  const old = current(t('passphrase-label'));
  const name = t('biometrics-name', { kind });
  secretDialog(info, {
    title: t('unlock-biometrics', { name }),
    lead: t('biometrics-lead', { kind, name, email: session.account.peek().email }),
    submit: t('biometrics-submit'),
    busy: t('unlock-biometrics-busy', { name }),
    danger: false,
    fields: [old],
    mayKeep: () => old.input.value !== '' || old.say(t('biometrics-empty')),
    async keep() {
      await api.keepBiometrics(session.id, old.input.value);
    },
    failed(problem) {
      if (problem.code === 'passphrase_wrong') old.fail(problem);
      return problem.code === 'passphrase_wrong' || problem.code === 'biometrics_cancelled';
    },
    done,
  });
}

/**
 * @param {AppInfo} info
 * @param {{
 *   title: string, lead: string, submit: string, busy: string, danger: boolean, fields: Field[],
 *   mayKeep: () => true | void, keep: () => Promise<void>, failed: (problem: Problem) => boolean, done: () => void,
 * }} how `mayKeep` says what is missing; `failed` says whether it has shown the problem
 */
function secretDialog(info, { title, lead, submit: words, busy: busyWords, danger, fields, mayKeep, keep, failed, done }) {
  const outcome = el('div', { class: 'outcome' });
  const submit = el('button', { id: 'passphrase-submit', type: 'submit', class: danger ? 'danger' : 'primary' }, words);
  const cancel = el('button', { type: 'button', class: 'quiet', on: { click: () => dialog.close() } }, t('cancel'));
  let busy = false;

  async function send() {
    if (busy || mayKeep() !== true) return;
    busy = true;
    submit.setAttribute('aria-disabled', 'true');
    submit.textContent = busyWords;
    announce(busyWords);
    outcome.replaceChildren();
    try {
      await keep();
      dialog.close();
      done();
    } catch (error) {
      const problem = api.asProblem(error);
      if (!failed(problem)) {
        outcome.replaceChildren(problemBox(problem, info.version, null));
        submit.focus();
      }
    } finally {
      busy = false;
      submit.removeAttribute('aria-disabled');
      submit.textContent = words;
    }
  }

  const form = el(
    'form',
    { class: 'dialog-body', novalidate: true, on: { submit: (/** @type {Event} */ event) => { event.preventDefault(); void send(); } } },
    el('h2', { id: 'passphrase-title' }, title),
    el('p', {}, lead),
    ...fields.map(({ element }) => element),
    outcome,
    el('div', { class: 'buttons' }, cancel, submit),
  );
  const dialog = openDialog('passphrase-dialog', [form], 'passphrase-title');
  dialog.addEventListener('close', () => {
    for (const { input } of fields) input.value = '';
  });
  fields[0]?.input.focus();
}
