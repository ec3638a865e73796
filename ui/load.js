/**
 * Loads what a start with an account does not show: once the first screen is
 * painted, or when it is wanted before.
 *
 * Owns: that it is loaded once, and that of what is wanted while it comes the
 * last is opened. Never: what is loaded, which `later.js` lists.
 */

/** @typedef {typeof import('./later.js')} Later */

/** @type {Promise<Later> | null} */
let loading = null;
/** @type {((screens: Later) => void) | null} */
let wanted = null;

/** @returns {Promise<Later>} */
export function later() {
  loading ??= import('./later.js');
  return loading;
}

/** Opens one of them. @param {(screens: Later) => void} open */
export async function opening(open) {
  const waiting = wanted !== null;
  wanted = open;
  if (waiting) return;
  const screens = await later();
  const last = wanted;
  wanted = null;
  last(screens);
}

/** The first screen is there: the rest comes after it is painted. */
export function loadTheRest() {
  requestAnimationFrame(() => setTimeout(() => void later()));
}
