/**
 * Finds web addresses in what people write.
 *
 * Owns: where an address begins and ends, and which are refused. Never:
 * following one, or anything but http and https.
 */

/** @typedef {{ text: string, url: string | null }} Piece */

// An address ends at a space, a control or direction character, a quote or an angle bracket.
const candidate = /\b(?:https?:\/\/|www\.)[^\s\p{C}\u2028\u2029"<>`]+/giu;
const opens = /** @type {Record<string, string>} */ ({ ')': '(', ']': '[', '}': '{' });
const closing = new Set(['.', ',', ';', ':', '!', '?', "'", '’', '”', '»', '…', '*', '_', '。', '、', '，']);

/**
 * Where an address really ends: a sentence's own marks don't belong to it, nor
 * does a bracket that was opened before it.
 * @param {string} text
 */
function ended(text) {
  let end = text.length;
  while (end > 0) {
    const last = text.charAt(end - 1);
    const open = opens[last];
    if (closing.has(last)) end -= 1;
    else if (open && count(text, last, end) > count(text, open, end)) end -= 1;
    else break;
  }
  return text.slice(0, end);
}

/** @param {string} text @param {string} char @param {number} end */
function count(text, char, end) {
  let found = 0;
  for (let at = 0; at < end; at += 1) if (text.charAt(at) === char) found += 1;
  return found;
}

/**
 * The address as it would be opened, or null where it is none that is safe to
 * offer: another scheme, no host, or a name and password that pose as a host.
 * @param {string} text
 * @returns {string | null}
 */
export function safeUrl(text) {
  try {
    const url = new URL(/^www\./iu.test(text) ? `https://${text}` : text);
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return null;
    if (url.username !== '' || url.password !== '' || url.hostname === '') return null;
    if (!/[.:]/u.test(url.hostname) && url.hostname !== 'localhost') return null;
    return url.href;
  } catch {
    return null;
  }
}

/**
 * @param {string} text
 * @returns {Piece[]} the same text, cut; put together it is the text again
 */
export function pieces(text) {
  /** @type {Piece[]} */
  const found = [];
  let from = 0;
  for (const match of text.matchAll(candidate)) {
    const address = ended(match[0]);
    const url = safeUrl(address);
    if (!url) continue;
    if (match.index > from) found.push({ text: text.slice(from, match.index), url: null });
    found.push({ text: address, url });
    from = match.index + address.length;
  }
  if (from < text.length) found.push({ text: text.slice(from), url: null });
  return found;
}
