/**
 * Makes elements. Text only ever goes in as text.
 *
 * Owns: how an element, its attributes and its listeners are written down.
 * Never: markup from a string.
 */

/** @typedef {Node | string | null | false | undefined} Child */
/** @typedef {Record<string, unknown> & { on?: Record<string, (event: any) => void>, data?: Record<string, string> }} Props */

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Props} [props] attributes; `on` holds listeners, `data` the dataset
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function el(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  dress(element, props);
  element.append(...present(children));
  return element;
}

/**
 * @param {Element} element
 * @param {Props} props
 */
function dress(element, props) {
  for (const [name, value] of Object.entries(props)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(props.on ?? {})) element.addEventListener(event, listener);
    } else if (name === 'data') {
      for (const [key, text] of Object.entries(props.data ?? {})) element.setAttribute(`data-${key}`, text);
    } else if (value === true) {
      element.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      element.setAttribute(name, String(value));
    }
  }
}

/** @param {Child[]} children @returns {(Node | string)[]} */
function present(children) {
  /** @type {(Node | string)[]} */
  const kept = [];
  for (const child of children) if (child !== null && child !== false && child !== undefined) kept.push(child);
  return kept;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 * @param {...SVGElement} children
 * @returns {SVGElement}
 */
export function svg(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/**
 * Text that is read out but not seen.
 * @param {string} text
 */
export function spoken(text) {
  return el('span', { class: 'spoken' }, text);
}

/**
 * Sets text only where it differs, so that nothing is announced twice.
 * @param {Element} element
 * @param {string} text
 */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Makes `parent` hold exactly these, in order, moving as few as possible.
 * @param {Element} parent
 * @param {Element[]} wanted
 */
export function arrange(parent, wanted) {
  const keep = new Set(wanted);
  for (const child of [...parent.children]) if (!keep.has(child)) child.remove();
  /** @type {Element | null} */
  let cursor = parent.firstElementChild;
  for (const element of wanted) {
    if (element === cursor) {
      cursor = cursor.nextElementSibling;
    } else if (cursor && cursor.nextElementSibling === element) {
      // One element was taken out from here: take it aside instead of moving the rest.
      cursor.remove();
      cursor = element.nextElementSibling;
    } else {
      parent.insertBefore(element, cursor);
    }
  }
}
