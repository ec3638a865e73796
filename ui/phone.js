/**
 * What a phone's system asks of the page: to keep clear of the edges that it draws over, and to
 * say whether going back closes something here or leaves the app.
 *
 * Owns: the marks on the document that the styles keep clear by, and what going back closes: the
 * sheet on top, then an open menu, then what the screen itself has. Never: a screen of its own.
 */
import * as api from './api.js';

/** @typedef {import('./api.js').Insets} Insets */
/** @typedef {{ back?: (() => void) | undefined, holds?: (() => boolean) | undefined }} Screen */

const EDGES = /** @type {const} */ (['top', 'right', 'bottom', 'left', 'keyboard']);

/** @param {string} platform as the core names it */
export const isPhone = (platform) => platform === 'android' || platform === 'ios';

/** Keeps clear of what the system draws. @param {Insets | null} insets in CSS pixels */
export function keepClear(insets) {
  for (const edge of EDGES) {
    if (insets) document.documentElement.style.setProperty(`--inset-${edge}`, `${insets[edge]}px`);
    else document.documentElement.style.removeProperty(`--inset-${edge}`);
  }
}

const openSheet = () => [...document.querySelectorAll('dialog')].filter((dialog) => dialog.open).at(-1);
/** @returns {HTMLElement | null} */
const openMenu = () => document.querySelector('[aria-haspopup="menu"][aria-expanded="true"]');

/**
 * From now on the system's way back is the page's first.
 * @param {() => Screen | null} screen the one on show
 */
export function followPhone(screen) {
  let held = false;

  function look() {
    const holds = openSheet() !== undefined || openMenu() !== null || screen()?.holds?.() === true;
    if (holds === held) return;
    held = holds;
    void api.holdBack(holds).catch(() => {});
  }

  function back() {
    const sheet = openSheet();
    const menu = openMenu();
    // As Escape does, so that a sheet that may not be closed now stays.
    if (sheet) {
      if (sheet.dispatchEvent(new Event('cancel', { cancelable: true }))) sheet.close();
    } else if (menu) {
      menu.click();
    } else {
      screen()?.back?.();
    }
  }

  const watching = new MutationObserver(look);
  watching.observe(document.body, { childList: true, subtree: true, attributeFilter: ['open', 'aria-expanded', 'data-pane'] });
  void api.onBack(back);
  void api.onInsets(keepClear);
  void api.insets().then(keepClear, () => {});
  look();
}
