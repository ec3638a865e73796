/**
 * An open account as the page knows it: the connection, the list of
 * conversations, the unread count, and the stream that keeps them true.
 *
 * Owns: opening the stream before the snapshot, the numbers of batches, and
 * starting anew when one is missing. Never: what is shown, or a decision of
 * the core's.
 *
 *   closed ──start()──> opening ──snapshot──> open
 *                          ^                    │ a number is missing, or the
 *                          └────── resync() ────┘ page comes back from hiding
 */
import * as api from './api.js';
import { batch as together, signal } from './signals.js';
import { compare } from './timeline.js';

/** @typedef {import('./types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('./types/bridge').Batch} Batch */
/** @typedef {import('./types/bridge').Change} Change */
/** @typedef {import('./types/bridge').Connection} Connection */
/** @typedef {import('./types/bridge').ConversationRow} ConversationRow */
/** @typedef {import('./types/bridge').ConversationPage} ConversationPage */
/** @typedef {import('./types/bridge').Opened} Opened */
/** @typedef {import('./types/bridge').Problem} Problem */
/** @typedef {import('./types/bridge').Safety} Safety */
/** @typedef {import('./types/bridge').SearchPage} SearchPage */

/** Conversations asked for at once. */
const LIST_PAGE = 100;
/** Times that a stream is opened anew without a whole batch in between. */
const MOST_RESYNCS = 5;

/** Whether an account may write: the terms are accepted, in the version that holds. @param {Safety | null} safety */
export function mayWrite(safety) {
  return safety === null || safety.accepted?.version === safety.terms_version;
}

export class Session {
  /** @type {import('./signals.js').Signal<AccountSummary>} */
  account;
  connection = signal(/** @type {Connection} */ ({ state: 'connecting', retry_at: null, problem: null }));
  /** The conversations held, newest first. */
  list = signal(/** @type {ConversationRow[]} */ ([]));
  more = signal(false);
  unread = signal(0);
  /** What a person should know about what is kept here. @type {import('./signals.js').Signal<Problem | null>} */
  notice = signal(/** @type {Problem | null} */ (null));
  /** Blocks, reports, terms and the owner; null until it is known. @type {import('./signals.js').Signal<Safety | null>} */
  safety = signal(/** @type {Safety | null} */ (null));
  /** Raised whenever a person's name became known or changed. */
  people = signal(0);

  /** What the open conversation does with a change of its own. @type {(change: Change, revision: number) => void} */
  onChange = () => {};
  /** What the open conversation does when the stream has started anew. @type {() => void} */
  onResync = () => {};

  /** @type {Map<string, { row: ConversationRow, revision: number }>} */
  #rows = new Map();
  #revision = 0;
  #generation = 0;
  #expected = 1;
  #resyncs = 0;
  /** What was typed and is on its way to the core. @type {Set<Promise<unknown>>} */
  #writes = new Set();
  /** Batches that came before the snapshot; null once it is there. @type {Batch[] | null} */
  #early = [];

  /** @param {AccountSummary} account */
  constructor(account) {
    this.account = signal(account);
  }

  get id() {
    return this.account.peek().id;
  }

  /** Opens stream and snapshot. Throws the problem where that can't be done. */
  async start() {
    this.#generation += 1;
    const mine = this.#generation;
    this.#expected = 1;
    this.#early = [];
    await api.stream(this.id, (batch) => this.#receive(batch, mine));
    if (mine !== this.#generation) return;
    const opened = await api.open(this.id);
    const safety = await api.safety(this.id);
    if (mine !== this.#generation) return;
    together(() => {
      this.safety.value = safety;
      this.account.value = opened.account;
      this.connection.value = opened.connection;
      this.unread.value = opened.unread;
      if (opened.problem) this.notice.value = opened.problem;
      this.#snapshot(opened.list);
    });
    const early = this.#early ?? [];
    this.#early = null;
    for (const batch of early) this.#apply(batch);
  }

  /** Opens stream and snapshot again, and tells the open conversation. */
  async resync() {
    try {
      await this.start();
      this.onResync();
    } catch (error) {
      const problem = api.asProblem(error);
      this.connection.value = { ...this.connection.peek(), problem };
    }
  }

  /** Nothing that still arrives is looked at. */
  stop() {
    this.#generation += 1;
  }

  /** Remembers what must not be lost when the account is closed. @param {Promise<unknown>} write */
  track(write) {
    const done = () => this.#writes.delete(write);
    this.#writes.add(write);
    write.then(done, done);
  }

  /** Waits until all that was typed is kept, or can't be. */
  async written() {
    while (this.#writes.size > 0) await Promise.allSettled([...this.#writes]);
  }

  /** Asks for the next part of the list. */
  async loadMore() {
    const last = this.list.peek().at(-1);
    if (!last || !this.more.peek()) return;
    this.more.value = false;
    const mine = this.#generation;
    const part = await api.conversations(this.id, '', last.sort, LIST_PAGE);
    if (mine !== this.#generation) return;
    for (const row of part.conversations) this.#put(row, part.revision);
    this.more.value = part.more;
    this.#publish();
  }

  /** @param {string} query @returns {Promise<ConversationRow[]>} */
  async find(query) {
    const part = await api.conversations(this.id, query, null, LIST_PAGE);
    return part.conversations;
  }

  /** @param {string} query @param {string | null} after @returns {Promise<SearchPage>} */
  search(query, after) {
    return api.search(this.id, { query, conversation: null, person: null, from: null, until: null, after, limit: 20 });
  }

  /** @param {string} id @returns {ConversationRow | undefined} */
  conversation(id) {
    return this.#rows.get(id)?.row;
  }

  /** @param {Batch} batch @param {number} generation */
  #receive(batch, generation) {
    if (generation !== this.#generation) return;
    if (batch.n !== this.#expected) {
      this.#resyncs += 1;
      if (this.#resyncs <= MOST_RESYNCS) void this.resync();
      return;
    }
    this.#expected += 1;
    if (this.#early) this.#early.push(batch);
    else this.#apply(batch);
  }

  /** @param {Batch} batch */
  #apply(batch) {
    this.#resyncs = 0;
    together(() => {
      let listed = false;
      for (const change of batch.changes) {
        if (change.kind === 'connection') {
          this.connection.value = change.value;
        } else if (change.kind === 'unread') {
          if (batch.revision >= this.#revision) this.unread.value = change.value;
        } else if (change.kind === 'conversation') {
          if (batch.revision > this.#revision) listed = this.#put(change.value, batch.revision) || listed;
        } else if (change.kind === 'safety') {
          this.safety.value = change.value;
        } else if (change.kind === 'person') {
          this.people.value = this.people.peek() + 1;
          if (change.value.is_me) this.account.value = { ...this.account.peek(), name: change.value.name };
        }
        this.onChange(change, batch.revision);
      }
      if (listed) this.#publish();
    });
  }

  /** @param {ConversationPage} page */
  #snapshot(page) {
    this.#revision = page.revision;
    this.#rows = new Map();
    for (const row of page.conversations) this.#rows.set(row.id, { row, revision: page.revision });
    this.more.value = page.more;
    this.#publish();
  }

  /** @param {ConversationRow} row @param {number} revision @returns {boolean} whether it is news */
  #put(row, revision) {
    const held = this.#rows.get(row.id);
    if (held && held.revision >= revision) return false;
    this.#rows.set(row.id, { row, revision });
    return true;
  }

  #publish() {
    // Whoever is blocked is in no list.
    this.list.value = [...this.#rows.values()].map(({ row }) => row).filter((row) => !row.blocked).sort((a, b) => compare(b.sort, a.sort));
  }
}
