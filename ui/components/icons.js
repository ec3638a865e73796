/**
 * Whinchat's own icons and name mark, drawn on a grid of 24.
 *
 * Owns: their shapes. Never: meaning; what stands beside or behind an icon
 * says in words what it is.
 */
import { svg } from './dom.js';

/** Each a list of paths, drawn as lines of 1.75 with round ends. */
const shapes = {
  back: ['M14.5 5.5 8 12l6.5 6.5'],
  search: ['M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Z', 'm16.2 16.2 4 4'],
  find: ['M10 11.5a3.75 3.75 0 1 0 0-7.5 3.75 3.75 0 0 0 0 7.5Z', 'M3.5 19.5c.5-3.3 3.2-5 6.5-5 1 0 2 .2 2.8.5', 'M17.5 13.5v6.5', 'M14.25 16.75h6.5'],
  people: ['M9 11.5a3.25 3.25 0 1 0 0-6.5 3.25 3.25 0 0 0 0 6.5Z', 'M3 19.25c.4-3.1 2.8-4.75 6-4.75s5.6 1.65 6 4.75', 'M15.5 5.4a3.25 3.25 0 0 1 0 5.9', 'M17.5 14.9c2 .6 3.3 2 3.6 4.35'],
  menu: ['M12 5.6v.01', 'M12 12v.01', 'M12 18.4v.01'],
  close: ['m6.5 6.5 11 11', 'm17.5 6.5-11 11'],
  send: ['M12 19.5V5', 'm5.75 11.25 6.25-6.25 6.25 6.25'],
  chevron: ['m7 9.75 5 5 5-5'],
  down: ['M12 4.5V19', 'm5.75 12.75 6.25 6.25 6.25-6.25'],
  eye: ['M2.75 12S6 5.75 12 5.75 21.25 12 21.25 12 18 18.25 12 18.25 2.75 12 2.75 12Z', 'M12 14.75a2.75 2.75 0 1 0 0-5.5 2.75 2.75 0 0 0 0 5.5Z'],
  blind: ['M4 9.5c1.6 2.6 4.4 4.5 8 4.5s6.4-1.9 8-4.5', 'm6.2 12.6-1.9 2.6', 'M10.2 14.2 9.5 17', 'M13.8 14.2l.7 2.8', 'm17.8 12.6 1.9 2.6'],
  clock: ['M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16Z', 'M12 7.75V12l2.75 2'],
  rising: ['M12 19V6.5', 'm7 11 5-5 5 5'],
  sent: ['m5.5 12.75 4.25 4.25 8.75-9.75'],
  failed: ['M12 20.5a8.5 8.5 0 1 0 0-17 8.5 8.5 0 0 0 0 17Z', 'M12 7.75v5', 'M12 16.2v.01'],
  retry: ['M19.25 12a7.25 7.25 0 1 1-2.4-5.4', 'M19.5 3.75v4h-4'],
  leave: ['M10 4.5H6.5A1.75 1.75 0 0 0 4.75 6.25v11.5c0 1 .8 1.75 1.75 1.75H10', 'M14.5 8l4.25 4-4.25 4', 'M18.5 12h-9'],
  settings: ['M4 7.5h8.25', 'M17.25 7.5H20', 'M14.75 10a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z', 'M4 16.5h2.75', 'M11.75 16.5H20', 'M9.25 19a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5Z'],
  flag: ['M6 20.5V4.5', 'M6 5.25c4-2 6 2 11.75.25v8.25C12 15.5 10 11.5 6 13.5'],
  block: ['M12 20.25a8.25 8.25 0 1 0 0-16.5 8.25 8.25 0 0 0 0 16.5Z', 'm6.2 6.2 11.6 11.6'],
  server: ['M5.75 4.75h12.5c.55 0 1 .45 1 1v4c0 .55-.45 1-1 1H5.75c-.55 0-1-.45-1-1v-4c0-.55.45-1 1-1Z', 'M5.75 13.25h12.5c.55 0 1 .45 1 1v4c0 .55-.45 1-1 1H5.75c-.55 0-1-.45-1-1v-4c0-.55.45-1 1-1Z', 'M8 7.75v.01', 'M8 16.25v.01'],
};

/** @typedef {keyof typeof shapes} IconName */

/**
 * @param {IconName} name
 * @param {number} [size] in px at normal text size; grows with the text
 * @returns {SVGElement} hidden from screen readers: words say what it means
 */
export function icon(name, size = 24) {
  return svg(
    'svg',
    { viewBox: '0 0 24 24', width: `${size / 16}rem`, height: `${size / 16}rem`, class: `icon icon-${name}`, 'aria-hidden': 'true', focusable: 'false' },
    ...shapes[name].map((d) => svg('path', { d })),
  );
}

/** The name, drawn: `whinchat` in single strokes; the dot of the i is the breast's colour. */
export const nameMark = {
  box: '0 0 176 44',
  strokes: [
    'M4 16l5.5 20L15.500 17.500 21.500 36 27 16',
    'M35 4v32M35 24.500c0-5 3.500-8.500 8-8.500s7.500 3.200 7.500 8.200V36',
    'M60 16v20',
    'M69.500 16v20M69.500 24.500c0-5 3.500-8.500 8-8.500s7.500 3.200 7.500 8.200V36',
    'M109 19.800a8.800 10.200 0 1 0 0 12.600',
    'M117.500 4v32M117.500 24.500c0-5 3.500-8.500 8-8.500s7.500 3.200 7.500 8.200V36',
    'M158.500 16v20M158.500 26a8.800 10 0 1 1-17.600 0 8.800 10 0 1 1 17.600 0',
    'M168 8v22.500c0 3.600 1.800 5.500 5 5.500M163.800 16h8.700',
  ],
  dot: { cx: 60, cy: 7, r: 3.6 },
};

/** @param {string} label the product's name */
export function nameDrawing(label) {
  return svg(
    'svg',
    { viewBox: nameMark.box, class: 'name-mark', role: 'img', 'aria-label': label },
    ...nameMark.strokes.map((d) => svg('path', { d })),
    svg('circle', { ...nameMark.dot }),
  );
}
