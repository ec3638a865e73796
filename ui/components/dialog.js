/** A modal <dialog> that gives the focus back to where it came from. */
import { el } from './dom.js';

/**
 * @param {string} id
 * @param {Node[]} content
 * @param {string} labelledBy
 * @returns {HTMLDialogElement}
 */
export function openDialog(id, content, labelledBy) {
  document.getElementById(id)?.remove();
  const from = document.activeElement;
  const dialog = el('dialog', {
    id,
    'aria-labelledby': labelledBy,
    on: {
      close: () => {
        dialog.remove();
        if (from instanceof HTMLElement && from.isConnected && document.activeElement === document.body) from.focus();
      },
      // A press beside the sheet closes it; the sheet itself fills the dialog.
      pointerdown: (/** @type {PointerEvent} */ event) => {
        if (event.target === dialog) dialog.close();
      },
    },
  });
  dialog.append(el('div', { class: 'sheet' }, ...content));
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
