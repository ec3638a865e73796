/**
 * The part of one conversation that the page holds: at most about 200
 * messages, without a gap, in chunks of about 50.
 *
 * Owns: which messages are held and in which order, and which revision each
 * was seen at, so that a late page never undoes a newer patch. Never: the
 * document, time, or asking for anything.
 *
 *   page(newest) ──> [ chunk | chunk | chunk | chunk ]
 *   page(before) ──> ^ prepend                      ^ append <── page(after), patches
 *   more than 200 held: a whole chunk at the far end is let go, and `older`
 *   or `newer` says that it can be asked for again.
 */

/** @typedef {import('./types/bridge').MessageRow} MessageRow */
/** @typedef {import('./types/bridge').Page} Page */
/** @typedef {import('./types/bridge').Older} Older */
/** @typedef {{ key: number, rows: MessageRow[] }} Chunk */
/** @typedef {'inserted' | 'changed' | 'outside' | 'stale'} Outcome */

/** Messages a page asks for, and a chunk holds. */
export const PAGE = 50;
/** Messages held before the far end is let go. */
export const MOST = 200;
/** Messages by one person closer than this stand joined. Milliseconds. */
export const RUN = 5 * 60_000;

export class Timeline {
  /** @type {Chunk[]} */
  chunks = [];
  /** @type {Older} */
  older = 'beginning';
  /** Whether newer messages exist that are not held. */
  newer = false;
  /** @type {Map<string, { row: MessageRow, revision: number }>} */
  #held = new Map();
  /** Messages that are no longer there, and since which revision. @type {Map<string, number>} */
  #gone = new Map();
  #nextKey = 1;

  get size() {
    return this.#held.size;
  }

  /** @returns {MessageRow[]} oldest first */
  rows() {
    return this.chunks.flatMap((chunk) => chunk.rows);
  }

  /** @param {string} id */
  get(id) {
    return this.#held.get(id)?.row;
  }

  get first() {
    return this.chunks[0]?.rows[0];
  }

  get last() {
    return this.chunks.at(-1)?.rows.at(-1);
  }

  /**
   * Shows this page and nothing else; rows that patches made newer stay so.
   * @param {Page} page
   */
  reset(page) {
    const before = this.#held;
    this.#held = new Map();
    this.chunks = [];
    this.older = page.older;
    this.newer = page.newer !== 'newest';
    const rows = this.#admit(page, before);
    for (let at = 0; at < rows.length; at += PAGE) this.#push(rows.slice(at, at + PAGE));
    // A patch above the page's revision that was applied already must not go.
    if (this.newer) return;
    const end = rows.at(-1)?.sort ?? '';
    for (const [id, entry] of before) {
      if (entry.revision > page.revision && entry.row.sort > end && !this.#held.has(id)) {
        this.upsert(entry.row, entry.revision);
      }
    }
  }

  /**
   * Adds the page before the first held message.
   * @param {Page} page
   */
  prepend(page) {
    this.older = page.older;
    const rows = this.#admit(page, this.#held);
    if (rows.length > 0) this.chunks.unshift({ key: this.#nextKey++, rows });
  }

  /**
   * Adds the page after the last held message.
   * @param {Page} page
   */
  append(page) {
    this.newer = page.newer !== 'newest';
    const rows = this.#admit(page, this.#held);
    if (rows.length > 0) this.#push(rows);
    this.#order();
  }

  /**
   * Puts a message where its sort key says.
   * @param {MessageRow} row
   * @param {number} revision what the message was seen at
   * @returns {Outcome} `outside`: not within what is held
   */
  upsert(row, revision) {
    const gone = this.#gone.get(row.id);
    if (gone !== undefined && gone >= revision) return 'stale';
    const held = this.#held.get(row.id);
    if (held) {
      if (held.revision >= revision) return 'stale';
      this.#held.set(row.id, { row, revision });
      const chunk = /** @type {Chunk} */ (this.chunks.find((c) => c.rows.includes(held.row)));
      const at = chunk.rows.indexOf(held.row);
      if (held.row.sort === row.sort) {
        chunk.rows[at] = row;
        return 'changed';
      }
      chunk.rows.splice(at, 1);
      this.#place(row);
      this.#tidy();
      return 'changed';
    }
    const first = this.first;
    const last = this.last;
    if (first && row.sort < first.sort && this.older !== 'beginning') return 'outside';
    if (this.newer && (!last || row.sort > last.sort)) return 'outside';
    this.#held.set(row.id, { row, revision });
    this.#place(row);
    this.#tidy();
    return 'inserted';
  }

  /**
   * @param {string} id
   * @param {number} revision
   * @returns {boolean} whether it was held
   */
  remove(id, revision) {
    const held = this.#held.get(id);
    if (held && held.revision > revision) return false;
    this.#gone.set(id, revision);
    if (!held) return false;
    this.#held.delete(id);
    for (const chunk of this.chunks) {
      const at = chunk.rows.indexOf(held.row);
      if (at >= 0) chunk.rows.splice(at, 1);
    }
    this.#tidy();
    return true;
  }

  /**
   * Lets go of whole chunks at one end until no more than {@link MOST} are held.
   * @param {'start' | 'end'} end
   * @returns {boolean} whether anything went
   */
  trim(end) {
    let went = false;
    while (this.size > MOST && this.chunks.length > 1) {
      const chunk = /** @type {Chunk} */ (end === 'start' ? this.chunks.shift() : this.chunks.pop());
      for (const row of chunk.rows) this.#held.delete(row.id);
      if (end === 'start') this.older = 'held';
      else this.newer = true;
      went = true;
    }
    return went;
  }

  /**
   * The page's rows that are to be shown: not those held already, nor those
   * known to be gone; a newer row in `known` wins over the page's.
   * @param {Page} page
   * @param {Map<string, { row: MessageRow, revision: number }>} known
   */
  #admit(page, known) {
    const rows = [];
    for (const fresh of page.messages) {
      if ((this.#gone.get(fresh.id) ?? -1) > page.revision) continue;
      if (this.#held.has(fresh.id)) {
        this.upsert(fresh, page.revision);
        continue;
      }
      const old = known.get(fresh.id);
      const entry = old && old.revision > page.revision ? old : { row: fresh, revision: page.revision };
      this.#held.set(fresh.id, entry);
      rows.push(entry.row);
    }
    return rows.sort((a, b) => compare(a.sort, b.sort));
  }

  /** @param {MessageRow[]} rows */
  #push(rows) {
    this.chunks.push({ key: this.#nextKey++, rows });
  }

  /** @param {MessageRow} row */
  #place(row) {
    for (let c = this.chunks.length - 1; c >= 0; c -= 1) {
      const chunk = /** @type {Chunk} */ (this.chunks[c]);
      const head = chunk.rows[0];
      if (head && head.sort > row.sort && c > 0) continue;
      let at = chunk.rows.length;
      while (at > 0 && /** @type {MessageRow} */ (chunk.rows[at - 1]).sort > row.sort) at -= 1;
      if (at === chunk.rows.length && c === this.chunks.length - 1 && at >= PAGE) this.#push([row]);
      else chunk.rows.splice(at, 0, row);
      return;
    }
    this.#push([row]);
  }

  /** Keeps chunks neither empty nor far above their size. */
  #tidy() {
    this.chunks = this.chunks.flatMap((chunk) => {
      if (chunk.rows.length === 0) return [];
      if (chunk.rows.length <= PAGE * 1.5) return [chunk];
      const rest = chunk.rows.splice(PAGE);
      return [chunk, { key: this.#nextKey++, rows: rest }];
    });
  }

  /** Puts chunks back in order where a page came in before live messages. */
  #order() {
    const rows = this.rows();
    const sorted = rows.every((row, at) => at === 0 || /** @type {MessageRow} */ (rows[at - 1]).sort <= row.sort);
    if (sorted) return;
    rows.sort((a, b) => compare(a.sort, b.sort));
    this.chunks = [];
    for (let at = 0; at < rows.length; at += PAGE) this.#push(rows.slice(at, at + PAGE));
  }
}

/**
 * Sort keys compare as text, by code unit and never by a language's order.
 * @param {string} a
 * @param {string} b
 */
export function compare(a, b) {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * Whether two neighbours stand joined in one run.
 * @param {MessageRow | undefined} above
 * @param {MessageRow | undefined} below
 * @param {(at: number) => number} dayOf
 */
export function joined(above, below, dayOf) {
  return (
    above !== undefined &&
    below !== undefined &&
    above.sender === below.sender &&
    above.is_me === below.is_me &&
    Math.abs(below.at - above.at) <= RUN &&
    dayOf(above.at) === dayOf(below.at)
  );
}
