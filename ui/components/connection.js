/**
 * The connection: a dot and words together, and a button where a person can
 * do something about it.
 */
import * as api from '../api.js';
import { t } from '../locale.js';
import { effect } from '../signals.js';
import { el, say } from './dom.js';

/** @typedef {import('../session.js').Session} Session */

/** States in which nothing reaches the server now. @type {ReadonlySet<string>} */
export const away = new Set(['waiting', 'offline', 'sign_in_needed', 'not_provisioned']);

/**
 * @param {Session} session
 * @param {() => void} signIn where there is no account yet
 * @returns {{ element: HTMLElement, stop: () => void }}
 */
export function connectionIndicator(session, signIn) {
  const words = el('span', { class: 'words', role: 'status' });
  const now = el('button', { type: 'button', class: 'quiet small', on: { click: () => void api.reconnect(session.id).catch(() => {}) } }, t('connection-now'));
  const start = session.account.peek().sample ? el('button', { id: 'sample-sign-in', type: 'button', class: 'quiet small', on: { click: signIn } }, t('signin-submit')) : null;
  const element = el('div', { id: 'connection' }, el('span', { class: 'dot', 'aria-hidden': 'true' }), words, start ?? now);
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let tick;
  const show = () => {
    clearTimeout(tick);
    if (session.account.peek().sample) {
      element.dataset.state = 'sample';
      say(words, t('connection-sample'));
      return;
    }
    const { state, retry_at: at } = session.connection.peek();
    element.dataset.state = state;
    now.hidden = state !== 'waiting' && state !== 'offline';
    const seconds = at === null ? 0 : Math.max(0, Math.ceil((at - Date.now()) / 1000));
    // Only the state is announced; the seconds that run down are not.
    words.setAttribute('aria-live', state === 'waiting' ? 'off' : 'polite');
    say(words, t(`connection-${state}`, { seconds }));
    if (state === 'waiting' && seconds > 0 && !document.hidden) tick = setTimeout(show, 1000);
  };
  const stop = effect(() => {
    session.connection.value;
    show();
  });
  document.addEventListener('visibilitychange', show);
  return {
    element,
    stop: () => {
      clearTimeout(tick);
      document.removeEventListener('visibilitychange', show);
      stop();
    },
  };
}
