/**
 * How secrets are to be kept, where this device has no usable keychain. What
 * each choice means is said before it is made; nothing is kept plain.
 */
import { el } from '../components/dom.js';
import { field } from '../components/field.js';
import { t } from '../locale.js';

/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').Problem} Problem */
/** @typedef {import('../types/bridge').VaultKind} VaultKind */

/** Characters that the core asks of a passphrase. */
const SHORTEST = 8;

/** @param {AppInfo} info */
export function vaultChoice(info) {
  const secret = field('passphrase', t('passphrase-label'), { name: 'passphrase', autocomplete: 'new-password', dir: 'auto' }, { hint: t('passphrase-hint'), secret: 'passphrase' });
  const error = el('p', { class: 'field-error', role: 'alert' });
  let demanded = false;
  /** @type {VaultKind[]} */
  let kinds = info.vaults;
  const choices = el('div', { class: 'choices' });
  const element = el(
    'fieldset',
    { class: 'vault' },
    el('legend', {}, t('vault-title')),
    el('p', { class: 'hint' }, t('vault-missing', { platform: info.platform })),
    choices,
    error,
  );

  function draw() {
    choices.replaceChildren(...kinds.map((kind, at) => {
      const id = `vault-${kind}`;
      const input = el('input', { type: 'radio', name: 'vault', id, value: kind, checked: at === 0, 'aria-describedby': `${id}-about`, on: { change: choose } });
      return el(
        'div',
        { class: 'choice' },
        input,
        el('label', { for: id }, t(id)),
        el('p', { id: `${id}-about`, class: 'hint' }, t(`${id}-about`)),
      );
    }));
    choose();
  }

  /** @returns {VaultKind | undefined} */
  function chosen() {
    const input = /** @type {HTMLInputElement | null} */ (choices.querySelector('input[name="vault"]:checked'));
    return /** @type {VaultKind | undefined} */ (input?.value);
  }

  function choose() {
    const place = choices.querySelector('#vault-passphrase')?.parentElement;
    if (chosen() === 'passphrase' && place) place.append(secret.element);
    else secret.element.remove();
  }

  draw();
  return {
    element,
    /** Whether there is anything to choose. */
    needed: () => demanded || info.vaults[0] !== 'keychain',
    /** The keychain failed after all: it is offered no longer. */
    demand() {
      demanded = true;
      /** @type {VaultKind[]} */
      const others = ['passphrase', 'session_only'];
      kinds = others;
      draw();
    },
    /** @returns {{ vault: VaultKind, passphrase: string | null } | null} null: something is missing, and says so */
    value() {
      if (!demanded && info.vaults[0] === 'keychain') return { vault: 'keychain', passphrase: null };
      const vault = chosen() ?? 'session_only';
      if (vault !== 'passphrase') return { vault, passphrase: null };
      if ([...secret.input.value].length < SHORTEST) {
        secret.fail({ code: 'passphrase_short', args: {}, action: 'change_input' });
        return null;
      }
      return { vault, passphrase: secret.input.value };
    },
    /** @param {Problem} problem */
    fail(problem) {
      if (problem.code === 'passphrase_short') secret.fail(problem);
      else {
        error.textContent = t(`error-${problem.code}`);
        /** @type {HTMLInputElement | null} */ (choices.querySelector('input:checked'))?.focus();
      }
    },
    clear() {
      error.replaceChildren();
      secret.clear();
    },
    forget() {
      secret.input.value = '';
    },
  };
}
