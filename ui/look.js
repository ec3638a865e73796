/**
 * How all of the page looks on this device: light or dark, the size of text,
 * how much room there is around things.
 *
 * Owns: the marks on the document that the styles go by. The shell sets the
 * same before the first paint. Never: remembering a choice.
 */

/** @typedef {import('./api.js').Choices} Choices */

/** What a person chose. @type {Choices['theme']} */
let chosen = 'system';
/** The size of text that was chosen here, as the style has it. */
let size = '';
/** What the desktop has, as far as the shell has told: empty where it has no preference. */
let desktop = document.documentElement.dataset['theme'] ?? '';

/** @param {Choices} choices */
export function chose(choices) {
  chosen = choices.theme;
  const root = document.documentElement;
  const next = choices.text_size === 100 ? '' : `${choices.text_size}%`;
  // As it is already it is left alone.
  if (next !== size) root.style.fontSize = next;
  size = next;
  if (choices.compact) root.dataset['room'] = 'compact';
  else delete root.dataset['room'];
  paint();
}

/** @param {string} theme the desktop's own: `light`, `dark`, or empty */
export function desktopHas(theme) {
  desktop = theme === 'dark' || theme === 'light' ? theme : '';
  paint();
}

function paint() {
  const theme = chosen === 'system' ? desktop : chosen;
  if (theme === '') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}
