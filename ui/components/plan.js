/**
 * A plan for a server, in plain words: what would be made, grouped by what it
 * is about; what is left as it is; what stands in the way.
 *
 * Owns: how a plan is written down. Never: doing any of it.
 */
import { t } from '../locale.js';
import { el } from './dom.js';
import { icon } from './icons.js';

/** @typedef {import('../types/bridge').SetUpPlan} SetUpPlan */
/** @typedef {import('../types/bridge').SetUpStep} SetUpStep */
/** @typedef {import('../types/bridge').SetUpSubject} SetUpSubject */

/** What a plan is about, in the order in which a person would ask for it. @type {SetUpSubject[]} */
const subjects = ['messages', 'groups', 'files', 'reactions', 'reading', 'settings', 'typing', 'presence', 'blocks', 'reports', 'people', 'access', 'record'];

/** @param {SetUpStep} step */
export const stepText = (step) => t(`setup-step-${step.deed}`, step.args);

/** @param {SetUpStep} step */
export const subjectText = (step) => t(`setup-subject-${step.subject}`);

/**
 * The steps, a part for each subject, closed at first.
 * @param {SetUpPlan} plan
 */
export function planSteps(plan) {
  const parts = subjects.flatMap((subject) => {
    const steps = plan.steps.filter((step) => step.subject === subject);
    if (steps.length === 0) return [];
    return el(
      'details',
      { class: 'plan-part', data: { subject } },
      el(
        'summary',
        {},
        el(
          'span',
          { class: 'plan-part-text' },
          el('span', { class: 'plan-part-title' }, t(`setup-subject-${subject}`)),
          el('span', { class: 'plan-part-about' }, t(`setup-subject-${subject}-about`)),
        ),
        el('span', { class: 'plan-part-count' }, t('setup-steps', { count: steps.length })),
        icon('chevron', 20),
      ),
      el('ol', { class: 'plan-part-steps' }, ...steps.map((step) => el('li', {}, stepText(step)))),
    );
  });
  return el('div', { class: 'plan-parts' }, ...parts);
}

/**
 * Why nothing can be done yet, and what the owner can do about it.
 * @param {SetUpPlan} plan
 */
export function planRefusals(plan) {
  return el('ul', { class: 'plan-refusals' }, ...plan.refusals.map(({ code, args }) => el(
    'li',
    { class: 'plan-refusal', data: { code } },
    icon('failed', 20),
    el('span', {}, t(`setup-refusal-${code}`, { ...args, ...('rows' in args ? { rows: Number(args['rows']) } : {}) })),
  )));
}

/**
 * What is the owner's and stays as it is; nothing where there is nothing.
 * @param {SetUpPlan} plan
 */
export function planKept(plan) {
  if (plan.kept.length === 0) return null;
  return el(
    'div',
    { class: 'plan-kept' },
    el('h2', {}, t('setup-kept-title')),
    el('ul', {}, ...plan.kept.map((kept) => el('li', {}, t('setup-kept', { what: kept.what, found: kept.found, wanted: kept.wanted })))),
  );
}

/** Roles, as they stand in a sentence. @param {SetUpPlan} plan */
export const rolesText = (plan) => new Intl.ListFormat('en', { type: 'disjunction' }).format(plan.roles);

/**
 * Terms with what belongs to them.
 * @param {[string, string | Node][]} pairs
 */
export function facts(pairs) {
  return el('dl', { class: 'facts' }, ...pairs.flatMap(([term, value]) => [el('dt', {}, term), el('dd', {}, value)]));
}

/** A plan's hash, to be held against another. @param {string} hash */
export const hashText = (hash) => el('code', { class: 'hash', dir: 'ltr' }, hash);
