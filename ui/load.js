/**
 * Loads what no start with an account shows: once the first screen is painted,
 * or when it is wanted before.
 *
 * Owns: that it is loaded once, and that pressing twice while it comes opens
 * one. Never: what is loaded, which `later.js` lists.
 */

/** @typedef {typeof import('./later.js')} Later */

/** @type {Promise<Later> | null} */
let loading = null;
let wanted = false;

/** @returns {Promise<Later>} */
export function later() {
  loading ??= import('./later.js');
  return loading;
}

/** Opens one of them. @param {(screens: Later) => void} open */
export async function opening(open) {
  if (wanted) return;
  wanted = true;
  try {
    open(await later());
  } finally {
    wanted = false;
  }
}

/** The first screen is there: the rest comes after it is painted. */
export function loadTheRest() {
  requestAnimationFrame(() => setTimeout(() => void later()));
}
