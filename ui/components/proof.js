/**
 * What came of attacking a server: the verdict, what is wrong, and what can't
 * be proven.
 *
 * Owns: how it is written down. The words of each attempt are the program's,
 * and English, as the server's own are.
 */
import { t } from '../locale.js';
import { el } from './dom.js';
import { icon } from './icons.js';

/** @typedef {import('../types/bridge').SetUpFinding} SetUpFinding */
/** @typedef {import('../types/bridge').SetUpProof} SetUpProof */

/** How it ended, for its sentences. @param {SetUpProof} proof @returns {'private' | 'leaks' | 'unproven'} */
export const verdict = (proof) => (proof.private ? 'private' : proof.leaks > 0 ? 'leaks' : 'unproven');

/** What did not end as it should, each to be opened. @param {SetUpProof} proof */
export function proofWrong(proof) {
  if (proof.wrong.length === 0) return null;
  return el(
    'section',
    { class: 'plan' },
    el('h2', {}, t('setup-proof-wrong', { count: proof.wrong.length })),
    el('div', { class: 'plan-parts' }, ...proof.wrong.map(finding)),
  );
}

/** @param {SetUpFinding} one */
function finding(one) {
  const words = { lang: 'en', dir: 'ltr' };
  return el(
    'details',
    { class: 'plan-part', data: { verdict: one.verdict } },
    el(
      'summary',
      {},
      el('span', { class: 'plan-part-mark' }, icon('failed', 20)),
      el('span', { class: 'plan-part-text' }, el('span', { class: 'plan-part-title', ...words }, one.would), el('span', { class: 'plan-part-about' }, t(`setup-verdict-${one.verdict}`))),
      icon('chevron', 20),
    ),
    el(
      'dl',
      { class: 'facts finding' },
      el('dt', {}, t('setup-proof-attempt')),
      el('dd', words, one.name),
      el('dt', {}, t('setup-proof-request')),
      el('dd', {}, el('code', words, one.request)),
      el('dt', {}, t('setup-proof-answer')),
      el('dd', {}, el('code', words, one.answer)),
    ),
  );
}

/**
 * A list under a title; nothing where there is nothing.
 * @param {string} title
 * @param {string[]} lines
 */
function listed(title, lines) {
  if (lines.length === 0) return null;
  return el('div', { class: 'plan-kept' }, el('h2', {}, title), el('ul', { lang: 'en', dir: 'ltr' }, ...lines.map((line) => el('li', {}, line))));
}

/** What no rule can refuse, what can't be proven, what is left. @param {SetUpProof} proof */
export const proofNotes = (proof) => [
  listed(t('setup-proof-known'), proof.known.map(({ reason }) => reason)),
  listed(t('setup-proof-limits'), proof.limits),
  listed(t('setup-proof-left'), proof.left),
];
