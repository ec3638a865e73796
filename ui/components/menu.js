/** A button with a menu, worked by mouse, arrow keys, Escape and Tab alike. */
import { el } from './dom.js';

/**
 * @param {string} id of the button
 * @param {string} label
 * @param {Element} face what the button shows
 * @param {HTMLElement[]} content items with role menuitem, and what stands among them
 */
export function menuButton(id, label, face, content) {
  const button = el('button', { id, type: 'button', class: 'icon-button', 'aria-haspopup': 'menu', 'aria-expanded': 'false', 'aria-controls': `${id}-items`, 'aria-label': label, title: label }, face);
  const about = content.filter((node) => node.getAttribute('role') !== 'menuitem');
  const items = content.filter((node) => node.getAttribute('role') === 'menuitem');
  const menu = el('div', { id: `${id}-items`, role: 'menu', 'aria-label': label, class: 'menu-items' }, ...items);
  const sheet = el('div', { class: 'menu-sheet', hidden: true }, ...about, menu);
  const element = el('div', { class: 'menu' }, button, sheet);

  /** @param {boolean} open @param {boolean} [refocus] */
  function set(open, refocus = false) {
    sheet.hidden = !open;
    button.setAttribute('aria-expanded', String(open));
    // The system's own label would lie over the menu that it names.
    button.title = open ? '' : label;
    if (open) {
      items[0]?.focus();
      document.addEventListener('pointerdown', outside);
    } else {
      document.removeEventListener('pointerdown', outside);
      if (refocus) button.focus();
    }
  }

  /** @param {Event} event */
  function outside(event) {
    if (event.target instanceof Node && !element.contains(event.target)) set(false);
  }

  button.addEventListener('click', () => set(sheet.hidden));
  // Before the item does its deed, so that a dialog gives the focus back to the button.
  menu.addEventListener('click', () => set(false, true), true);
  element.addEventListener('keydown', (event) => {
    if (sheet.hidden) {
      if (event.key !== 'ArrowDown' || event.target !== button) return;
      event.preventDefault();
      set(true);
      return;
    }
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (event.key === 'Escape') {
      event.preventDefault();
      set(false, true);
    } else if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      items[(at + step + items.length) % items.length]?.focus();
    } else if (event.key === 'Tab') {
      set(false);
    }
  });
  return { element };
}
