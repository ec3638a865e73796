/**
 * The settings: the account, the look, notices, this device, about.
 *
 * Owns: asking for all of it anew each time it is opened, and that a choice is
 * kept the moment it is made; one that could not be kept says so and stands as
 * it was. Never: what follows from a choice beyond the look; that is the shell's.
 */
import * as api from '../api.js';
import { avatar } from '../components/avatar.js';
import { openDialog } from '../components/dialog.js';
import { el } from '../components/dom.js';
import { icon } from '../components/icons.js';
import { problemBox } from '../components/problem.js';
import { placeOf } from '../components/server-chip.js';
import { dateText, hourText, sizeText, t } from '../locale.js';
import * as look from '../look.js';
import { mayWrite } from '../session.js';
import { diagnosticsDialog } from './diagnostics.js';
import { biometricsDialog, passphraseDialog } from './lock.js';
import { deletionDialog, termsDialog, unblock } from './safety.js';
import { updateSetting } from './update.js';

/** @typedef {import('../api.js').Choices} Choices */
/** @typedef {import('../api.js').ThisDevice} ThisDevice */
/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../types/bridge').AppInfo} AppInfo */
/** @typedef {import('../types/bridge').BiometricsState} BiometricsState */
/** @typedef {import('../types/bridge').Depth} Depth */

/** Text sizes to choose from, in percent. */
const SIZES = [80, 90, 100, 110, 125, 150, 175, 200];
/** Depths of history to choose from, in days. */
const DAYS = [7, 30, 90, 365];
/** Minutes without use to choose from. */
const LOCK_AFTER = [1, 5, 15, 60];
/** Quiet hours to begin with: from ten in the evening until seven. */
const NIGHT = { from: 22 * 60, until: 7 * 60 };

/**
 * @param {Session} session
 * @param {AppInfo} info
 * @param {{ accounts: () => void, signOut: () => void, lock: () => void, open: (id: string, name: string) => void, section?: string }} how what is asked for elsewhere, and the part to begin with
 */
export function settingsDialog(session, info, { accounts, signOut, lock, open, section: first }) {
  const place = el('div', { class: 'settings-trouble', role: 'status' });
  const body = el('div', { class: 'settings-body', 'aria-busy': 'true' }, el('div', { class: 'settings-waiting' }, el('span', { class: 'spinner', role: 'img', 'aria-label': t('pause') })));
  const close = el('button', { id: 'settings-close', type: 'button', class: 'icon-button', 'aria-label': t('close'), title: t('close'), on: { click: () => dialog.close() } }, icon('close'));
  const dialog = openDialog('settings', [
    el('header', { class: 'dialog-head' }, el('h2', { id: 'settings-title' }, t('settings-title')), close),
    place,
    body,
  ], 'settings-title');
  close.focus();

  /** @param {unknown} error */
  function tell(error) {
    place.replaceChildren(problemBox(api.asProblem(error), info.version, null));
  }

  async function fill() {
    try {
      const [{ choices }, device, depth, biometrics] = await Promise.all([
        api.settings(),
        api.thisDevice(),
        // An account that is not open has none to tell.
        api.historyDepth(session.id).catch(() => null),
        api.biometrics(session.id).catch(() => null),
      ]);
      draw(choices, device, depth, biometrics);
      if (first) document.getElementById(`settings-${first}`)?.scrollIntoView();
    } catch (error) {
      body.replaceChildren();
      tell(error);
    }
    body.removeAttribute('aria-busy');
  }

  /** @param {Choices} given @param {ThisDevice} device @param {Depth | null} depth @param {BiometricsState | null} biometrics */
  function draw(given, device, depth, biometrics) {
    let choices = given;
    /** The choices are kept one after the other, each with those before it. @type {Promise<unknown>} */
    let kept = Promise.resolve();

    /** @param {Partial<Choices>} change @param {() => void} back shows what is so, where it could not be kept */
    function choose(change, back) {
      kept = kept.then(async () => {
        try {
          choices = await api.choose({ ...choices, ...change });
          place.replaceChildren();
        } catch (error) {
          back();
          tell(error);
        }
        look.chose(choices);
      });
    }

    const account = session.account.peek();
    const name = account.name || account.email;
    const leave = (/** @type {() => void} */ then) => () => { dialog.close(); then(); };

    const showText = toggle('show-text', choices.show_text, (on, back) => choose({ show_text: on }, back), 'settings-show-text-about');
    const quiet = toggle('quiet', choices.quiet !== null, (on, back) => {
      hours.hidden = !on;
      choose({ quiet: on ? { from: Number(from.value), until: Number(until.value) } : null }, () => { back(); hours.hidden = choices.quiet === null; });
    }, 'settings-quiet-about');
    const { from: begins, until: ends } = choices.quiet ?? NIGHT;
    const times = () => choose({ quiet: { from: Number(from.value), until: Number(until.value) } }, () => {
      from.value = String(choices.quiet?.from ?? NIGHT.from);
      until.value = String(choices.quiet?.until ?? NIGHT.until);
    });
    const from = hourChoice('quiet-from', begins, times);
    const until = hourChoice('quiet-until', ends, times);
    const hours = el(
      'div',
      { class: 'setting hours', hidden: choices.quiet === null },
      el('label', { for: 'quiet-from' }, t('settings-quiet-from')), from,
      el('label', { for: 'quiet-until' }, t('settings-quiet-until')), until,
    );
    const more = el('div', { class: 'settings-more', hidden: !choices.notices }, showText, quiet, hours);
    const denied = el('p', { id: 'notices-denied', class: 'setting hint', role: 'status', hidden: device.phone?.notices !== 'denied' || !choices.notices }, t('settings-notices-denied'));
    const notices = toggle('notices', choices.notices, (on, back) => {
      more.hidden = !on;
      choose({ notices: on }, () => { back(); more.hidden = !choices.notices; });
      if (!device.phone) return;
      denied.hidden = true;
      // The system asks once; after that only its own settings say yes.
      if (on) void api.askToNotify().then((state) => { denied.hidden = state !== 'denied'; }, tell);
    }, device.phone ? 'settings-notices-late' : undefined);

    const licence = el('pre', { class: 'licence', tabindex: 0, 'aria-label': t('settings-licences') });
    const licences = el('details', { id: 'licences', class: 'licences', on: { toggle: () => void readLicences() } }, el('summary', {}, el('span', {}, t('settings-licences')), icon('chevron', 20)), licence);
    async function readLicences() {
      if (!licences.open || licence.textContent !== '') return;
      try {
        licence.textContent = await api.licences();
      } catch (error) {
        tell(error);
      }
    }

    /** Whether a finger or a face opens it as well, where this system has that. */
    function recognised() {
      const kind = biometrics?.kind;
      if (!biometrics || !kind) return null;
      const words = { label: t('unlock-biometrics', { name: t('biometrics-name', { kind }) }), about: t('settings-biometrics-about', { kind }) };
      return toggle('biometrics', biometrics.on, (on, back) => {
        if (!on) {
          void api.forgetBiometrics(session.id).then(() => place.replaceChildren(), (/** @type {unknown} */ error) => { back(); tell(error); });
          return;
        }
        // It is on when the passphrase was given and the system has said yes.
        back();
        leave(() => biometricsDialog(session, info, kind, () => settingsDialog(session, info, { accounts, signOut, lock, open, section: 'lock' })))();
      }, words);
    }

    /** @param {number | null} after @returns {(HTMLElement | null)[]} */
    function locking(after) {
      const { vault } = session.account.peek();
      if (vault === 'session_only') return [el('p', { class: 'setting hint' }, t('settings-lock-session'))];
      /** @param {'set' | 'change' | 'remove'} what */
      const passphrase = (what) => el('button', { id: `passphrase-${what}`, type: 'button', class: 'quiet', 'aria-haspopup': 'dialog', on: { click: leave(() => passphraseDialog(session, info, what, () => settingsDialog(session, info, { accounts, signOut, lock, open }))) } }, t(`passphrase-${what}`));
      if (vault === 'keychain') {
        return [el('p', { class: 'setting hint' }, t('settings-lock-about')), el('div', { class: 'setting settings-deeds' }, passphrase('set'))];
      }
      const spans = [...new Set([...LOCK_AFTER, ...(after === null ? [] : [after])])].sort((a, b) => a - b);
      return [
        selection('lock-after', [['', t('settings-lock-never')], ...spans.map((minutes) => /** @type {[string, string]} */ ([String(minutes), t('settings-lock-minutes', { minutes })]))], after === null ? '' : String(after), (value, back) => choose({ lock_after: value === '' ? null : Number(value) }, back), 'settings-lock-after-about'),
        recognised(),
        el('div', { class: 'setting settings-deeds' }, el('button', { id: 'lock-now', type: 'button', class: 'quiet', 'aria-keyshortcuts': 'Control+L', on: { click: leave(lock) } }, t('lock-now')), passphrase('change'), passphrase('remove')),
      ];
    }

    /** @returns {(HTMLElement | null)[]} */
    function people() {
      const safety = session.safety.peek();
      if (safety === null) return [];
      const day = dateText;
      const { contact } = safety;
      const list = el('ul', { id: 'settings-blocked', class: 'blocked', 'aria-labelledby': 'settings-blocked-label' });
      const none = el('p', { class: 'soft' }, t('settings-blocked-none'));
      list.replaceChildren(...safety.blocked.map(({ person, name: known, reach }) => {
        const shown = known || t('nobody');
        const row = el(
          'li',
          { data: { person } },
          el(
            'button',
            { type: 'button', class: 'blocked-who', on: { click: leave(() => open(`dm:${person}`, known)) } },
            avatar(person, shown),
            el('span', { class: 'account-text' }, el('span', { class: 'person-name', dir: 'auto' }, shown), el('span', { class: 'soft' }, t(`settings-blocked-${reach}`))),
          ),
          el('button', { type: 'button', class: 'quiet small', 'aria-label': t('settings-blocked-unblock', { name: shown }), on: { click: () => void lift() } }, t('unblock')),
        );
        async function lift() {
          try {
            await unblock(session, { id: person, name: shown });
            const next = row.nextElementSibling ?? row.previousElementSibling;
            row.remove();
            if (list.childElementCount === 0) list.replaceWith(none);
            /** @type {HTMLElement} */ (next?.querySelector('.small') ?? close).focus();
          } catch (error) {
            tell(error);
          }
        }
        return row;
      }));
      const said = [
        safety.reports_waiting > 0 ? t('settings-reports-waiting', { count: safety.reports_waiting }) : null,
        safety.reports_refused > 0 ? t('settings-reports-refused', { count: safety.reports_refused }) : null,
        safety.deletion_asked === null ? null : t('settings-deletion-asked', { day: day(safety.deletion_asked) }),
      ].filter((words) => words !== null);
      return [
        contact === null
          ? el('p', { class: 'setting hint' }, t('settings-contact-none'))
          : el(
            'div',
            { class: 'setting contact' },
            el('span', { class: 'setting-text' }, t('settings-contact')),
            el('span', { id: 'settings-contact', class: 'soft address', dir: 'ltr' }, contact.replace(/^mailto:/u, '')),
            el('button', { id: 'contact-open', type: 'button', class: 'quiet small', on: { click: () => void api.openOutside(contact).catch(tell) } }, t(contact.startsWith('mailto:') ? 'settings-contact-write' : 'settings-contact-open')),
          ),
        el(
          'div',
          { class: 'setting' },
          el('span', { class: 'setting-text' }, t('settings-terms')),
          el('span', { class: 'soft' }, safety.accepted && mayWrite(safety) ? t('settings-terms-accepted', { day: day(safety.accepted.at) }) : t('settings-terms-missing')),
          el('button', { id: 'terms-again', type: 'button', class: 'quiet small', 'aria-haspopup': 'dialog', on: { click: leave(() => termsDialog(session, info)) } }, t('terms-read')),
        ),
        el('div', { class: 'setting' }, el('span', { id: 'settings-blocked-label', class: 'setting-text' }, t('settings-blocked')), safety.blocked.length > 0 ? list : none),
        ...said.map((words) => el('p', { class: 'setting hint' }, words)),
        session.account.peek().sample ? null : el('div', { class: 'setting settings-deeds' }, el('button', { id: 'deletion', type: 'button', class: 'quiet', 'aria-haspopup': 'dialog', on: { click: leave(() => deletionDialog(session, info, { signOut })) } }, t('deletion'))),
      ];
    }

    body.replaceChildren(
      section('account', el(
        'div',
        { class: 'setting settings-who' },
        avatar(account.person, name),
        el('div', { class: 'account-text' }, el('span', { class: 'person-name', dir: 'auto' }, name), account.name && account.email ? el('span', { class: 'soft', dir: 'ltr' }, account.email) : null, el('span', { class: 'soft', dir: account.sample ? null : 'ltr' }, placeOf(account))),
      ), el(
        'div',
        { class: 'setting settings-deeds' },
        el('button', { id: 'settings-accounts', type: 'button', class: 'quiet', 'aria-haspopup': 'dialog', on: { click: leave(accounts) } }, icon('people', 20), t('accounts-menu')),
        el('button', { id: 'settings-sign-out', type: 'button', class: 'quiet', 'aria-haspopup': session.account.peek().sample ? null : 'dialog', on: { click: leave(signOut) } }, icon('leave', 20), t(session.account.peek().sample ? 'sample-leave' : 'sign-out')),
      )),
      section(
        'look',
        themes(choices.theme, (theme, back) => choose({ theme }, back)),
        selection('text-size', nearest(choices.text_size).map((size) => [String(size), t('settings-text-size-is', { size })]), String(choices.text_size), (value, back) => choose({ text_size: Number(value) }, back)),
        toggle('compact', choices.compact, (on, back) => choose({ compact: on }, back), 'settings-compact-about'),
      ),
      section('notices', notices, denied, more),
      section('safety', ...people()),
      section('lock', ...locking(choices.lock_after), device.phone && toggle('hide-screen', choices.hide_screen, (on, back) => choose({ hide_screen: on }, back), 'settings-hide-screen-about')),
      section(
        'device',
        el('dl', { class: 'setting facts-line' }, el('dt', {}, t('settings-stored')), el('dd', { id: 'settings-stored' }, sizeText(device.stored))),
        depth && depths(depth, (chosen, back) => void api.setHistoryDepth(session.id, chosen).then(() => place.replaceChildren(), (/** @type {unknown} */ error) => { back(); tell(error); })),
        device.starts_at_login === null ? null : toggle('login', device.starts_at_login, (on, back) => void api.startAtLogin(on).then(() => place.replaceChildren(), (/** @type {unknown} */ error) => { back(); tell(error); }), 'settings-login-about'),
        device.phone ? null : toggle('tray', choices.close_to_tray && device.tray, (on, back) => choose({ close_to_tray: on }, back), device.tray ? 'settings-tray-about' : 'settings-tray-none', !device.tray),
      ),
      section(
        'about',
        el('dl', { class: 'setting facts-line' }, el('dt', {}, info.name), el('dd', {}, t('settings-version', { version: info.version }))),
        device.updates ? updateSetting(info) : null,
        el(
          'div',
          { class: 'setting' },
          el('span', { class: 'setting-text' }, t('settings-diagnostics')),
          el('button', { id: 'diagnostics-open', type: 'button', class: 'quiet small', 'aria-haspopup': 'dialog', on: { click: leave(() => diagnosticsDialog(session, info)) } }, t('diagnostics-open')),
          el('p', { class: 'hint' }, t('settings-diagnostics-about')),
        ),
        licences,
      ),
    );
  }

  void fill();
}

/** @param {string} id @param {...(HTMLElement | null)} content */
function section(id, ...content) {
  return el('section', { class: 'settings-section', 'aria-labelledby': `settings-${id}` }, el('h3', { id: `settings-${id}` }, t(`settings-${id}`)), el('div', { class: 'settings-card' }, ...content));
}

/**
 * @param {string} id
 * @param {boolean} on
 * @param {(on: boolean, back: () => void) => void} change
 * @param {string | { label: string, about: string }} [about] the id of a sentence, or words of one's own
 * @param {boolean} [off] whether it can't be changed
 */
function toggle(id, on, change, about, off = false) {
  const words = typeof about === 'object' ? about : { label: t(`settings-${id}-label`), about: about ? t(about) : '' };
  const input = el('input', {
    id: `setting-${id}`, type: 'checkbox', role: 'switch', class: 'switch', checked: on, disabled: off, 'aria-describedby': words.about ? `setting-${id}-about` : null,
    on: { change: () => change(input.checked, () => { input.checked = !input.checked; }) },
  });
  return el(
    'div',
    { class: 'setting' },
    el('label', { for: `setting-${id}`, class: 'setting-text' }, words.label),
    input,
    words.about ? el('p', { id: `setting-${id}-about`, class: 'hint' }, words.about) : null,
  );
}

/**
 * @param {string} id
 * @param {[string, string][]} options value and words
 * @param {string} chosen
 * @param {(value: string, back: () => void) => void} change
 * @param {string} [about]
 */
function selection(id, options, chosen, change, about) {
  let before = chosen;
  const select = el('select', {
    id: `setting-${id}`, 'aria-describedby': about ? `setting-${id}-about` : null,
    on: { change: () => {
      const was = before;
      before = select.value;
      change(select.value, () => { before = was; select.value = was; });
    } },
  }, ...options.map(([value, words]) => el('option', { value, selected: value === chosen }, words)));
  return el(
    'div',
    { class: 'setting' },
    el('label', { for: `setting-${id}`, class: 'setting-text' }, t(`settings-${id}-label`)),
    el('span', { class: 'select' }, select, icon('chevron', 18)),
    about ? el('p', { id: `setting-${id}-about`, class: 'hint' }, t(about)) : null,
  );
}

/** Light, dark, or as the system has it. @param {Choices['theme']} chosen @param {(theme: Choices['theme'], back: () => void) => void} change */
function themes(chosen, change) {
  /** @type {Choices['theme'][]} */
  const all = ['system', 'light', 'dark'];
  let before = chosen;
  const inputs = all.map((theme) => el('input', {
    type: 'radio', name: 'theme', id: `setting-theme-${theme}`, value: theme, checked: theme === chosen,
    on: { change: () => {
      const was = before;
      before = theme;
      change(theme, () => {
        before = was;
        for (const input of inputs) input.checked = input.value === was;
      });
    } },
  }));
  return el(
    'fieldset',
    { class: 'setting' },
    el('legend', { class: 'setting-text' }, t('settings-theme-label')),
    el('div', { class: 'segments' }, ...inputs.map((input) => el('label', { class: 'segment' }, input, el('span', {}, t(`settings-theme-${input.value}`))))),
  );
}

/** The sizes with the one that is chosen among them. @param {number} chosen */
function nearest(chosen) {
  return [...new Set([...SIZES, chosen])].sort((a, b) => a - b);
}

/** @param {string} id @param {number} chosen @param {() => void} change */
function hourChoice(id, chosen, change) {
  const half = Array.from({ length: 48 }, (_, at) => at * 30);
  const all = [...new Set([...half, chosen])].sort((a, b) => a - b);
  return el('select', { id, on: { change } }, ...all.map((minute) => el('option', { value: minute, selected: minute === chosen }, hourText(minute))));
}

/** @param {Depth} depth @param {(depth: Depth, back: () => void) => void} change */
function depths(depth, change) {
  /** @param {Depth} one */
  const key = (one) => (one.to === 'everything' ? one.to : `${one.to}:${one.count}`);
  /** @type {Depth[]} */
  const all = [...DAYS.map((count) => /** @type {Depth} */ ({ to: 'days', count })), { to: 'everything' }];
  // What another program chose is kept until something else is chosen.
  if (!all.some((one) => key(one) === key(depth))) all.unshift(depth);
  /** @param {Depth} one */
  const words = (one) => (one.to === 'everything' ? t('settings-depth-everything') : t(`settings-depth-${one.to}`, { count: one.count }));
  return selection('depth', all.map((one) => [key(one), words(one)]), key(depth), (value, back) => {
    const chosen = all.find((one) => key(one) === value);
    if (chosen) change(chosen, back);
  }, 'settings-depth-about');
}
