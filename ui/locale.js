/**
 * Turns ids into the sentences of `locales/`, and instants into the reader's
 * own way of writing them.
 *
 * Owns: the bundle of sentences and the date formatters. Never: a sentence of
 * its own; every one stands in `locales/*.ftl`.
 */
import { FluentBundle, FluentResource } from './vendor/fluent-bundle/index.js';
import english from './locales/en.js';

/** @typedef {import('./types/bridge').Problem} Problem */
/** @typedef {import('./types/bridge').Action} Action */

const bundle = new FluentBundle('en');
bundle.addResource(new FluentResource(english));

/** Values that every sentence can use. */
const always = { app: '' };

/** What a problem's sentence gets where the core gave no value. */
const unsaid = {
  host: '…', version: '?', seconds: 0, status: '?', field: 'none', bytes: 0, limit: 0, count: 0, kind: '', unsent: 0,
  drafts: 0, reason: '?',
};

/** Arguments that are counted, and so written and pluralised as numbers. */
const counted = new Set(['seconds', 'bytes', 'limit', 'count', 'unsent', 'drafts']);

/** @param {string} name the product's name, as the shell tells it */
export function setProduct(name) {
  always.app = name;
}

/** The product's name. */
export function product() {
  return always.app;
}

/**
 * @param {string} id
 * @returns {boolean} whether there is such a sentence
 */
export function has(id) {
  return bundle.hasMessage(id);
}

/**
 * @param {string} id
 * @param {Record<string, string | number>} [args]
 * @returns {string} the sentence, or its id where there is none
 */
export function t(id, args) {
  const message = bundle.getMessage(id);
  if (!message?.value) return id;
  /** @type {Error[]} */
  const errors = [];
  return bundle.formatPattern(message.value, { ...always, ...args }, errors);
}

/** @param {Problem} problem */
export function problemText(problem) {
  /** @type {Record<string, string | number>} */
  const args = { ...unsaid };
  for (const [name, value] of Object.entries(problem.args)) {
    const number = Number(value);
    args[name] = counted.has(name) && Number.isFinite(number) ? number : value;
  }
  return t(`error-${problem.code}`, args);
}

/** @param {Action} action */
export function actionText(action) {
  return t(`action-${action}`);
}

const zone = Intl.DateTimeFormat().resolvedOptions();
// Sentences are English so far; the way of writing a time is the reader's own.
const reader = zone.locale;
const clock = new Intl.DateTimeFormat(reader, { timeStyle: 'short' });
const hour = new Intl.DateTimeFormat(reader, { timeStyle: 'short', timeZone: 'UTC' });
const weekday = new Intl.DateTimeFormat(reader, { weekday: 'short' });
const longDay = new Intl.DateTimeFormat(reader, { weekday: 'long', day: 'numeric', month: 'long' });
const longDate = new Intl.DateTimeFormat(reader, { day: 'numeric', month: 'long', year: 'numeric' });
const shortDay = new Intl.DateTimeFormat(reader, { day: 'numeric', month: 'short' });
const shortDate = new Intl.DateTimeFormat(reader, { dateStyle: 'short' });
const whole = new Intl.DateTimeFormat(reader, { dateStyle: 'full', timeStyle: 'short' });

/** @param {number} minute after midnight @returns {string} the time of day, as the reader writes it */
export function hourText(minute) {
  return hour.format(Date.UTC(2000, 0, 1, 0, minute));
}

/** @param {number} bytes @returns {string} the size, in the largest unit of which there is a whole one */
export function sizeText(bytes) {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'];
  const step = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  const size = bytes / 1000 ** step;
  const unit = /** @type {string} */ (units[step]);
  return new Intl.NumberFormat(reader, { style: 'unit', unit, unitDisplay: step === 0 ? 'long' : 'short', maximumFractionDigits: size < 10 && step > 0 ? 1 : 0 }).format(size);
}

/**
 * @param {number} at UTC milliseconds
 * @returns {number} a number that is the same on one local day, and counts days
 */
export function dayOf(at) {
  const date = new Date(at);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / 86_400_000);
}

/** @param {number} at */
export const timeText = (at) => clock.format(at);

/** @param {number} at a day, whole, as it stays true tomorrow */
export const dateText = (at) => longDate.format(at);

/** @param {number} at */
export const instantText = (at) => whole.format(at);

/**
 * A day as a separator names it.
 * @param {number} at
 * @param {number} now
 */
export function dayText(at, now) {
  const ago = dayOf(now) - dayOf(at);
  if (ago === 0) return t('today');
  if (ago === 1) return t('yesterday');
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? longDay.format(at) : longDate.format(at);
}

/**
 * An instant as the list names it, shorter the nearer it is.
 * @param {number} at
 * @param {number} now
 */
export function whenText(at, now) {
  const ago = dayOf(now) - dayOf(at);
  if (ago <= 0) return clock.format(at);
  if (ago === 1) return t('yesterday');
  if (ago < 7) return weekday.format(at);
  return new Date(at).getFullYear() === new Date(now).getFullYear() ? shortDay.format(at) : shortDate.format(at);
}
