/**
 * Values that tell who reads them when they change.
 *
 * Owns: which effect read which signal, and running each once after a change.
 * Never: computed values or anything lazy; the page needs neither. (The usual
 * library for this assigns to inherited methods, which fails under the app's
 * frozen Object.prototype; see docs/decisions/.)
 */

/** @typedef {{ run: () => void, sources: Set<Signal<any>>, stopped: boolean }} Effect */

/** @type {Effect | null} */
let reading = null;
let depth = 0;
/** @type {Set<Effect>} */
const due = new Set();
/** Runs of one flush after which effects are taken to feed each other for ever. */
const MOST_RUNS = 1000;

/** @template T */
export class Signal {
  /** @type {T} */
  #value;
  /** @type {Set<Effect>} */
  readers = new Set();

  /** @param {T} value */
  constructor(value) {
    this.#value = value;
  }

  /** Reading inside an effect runs it again when the value changes. */
  get value() {
    if (reading) {
      this.readers.add(reading);
      reading.sources.add(this);
    }
    return this.#value;
  }

  set value(next) {
    if (Object.is(next, this.#value)) return;
    this.#value = next;
    for (const effect of this.readers) due.add(effect);
    if (depth === 0) flush();
  }

  /** Reads without being told of changes. */
  peek() {
    return this.#value;
  }
}

/**
 * @template T
 * @param {T} value
 */
export const signal = (value) => new Signal(value);

/**
 * Runs now, and again whenever a signal that it read has changed.
 * @param {() => void} run
 * @returns {() => void} stops it
 */
export function effect(run) {
  /** @type {Effect} */
  const mine = { run, sources: new Set(), stopped: false };
  perform(mine);
  return () => {
    mine.stopped = true;
    forget(mine);
  };
}

/**
 * Changes several signals; effects run once, at the end.
 * @param {() => void} change
 */
export function batch(change) {
  depth += 1;
  try {
    change();
  } finally {
    depth -= 1;
    if (depth === 0) flush();
  }
}

/** @param {Effect} effect */
function forget(effect) {
  for (const source of effect.sources) source.readers.delete(effect);
  effect.sources.clear();
  due.delete(effect);
}

/** @param {Effect} effect */
function perform(effect) {
  forget(effect);
  const outer = reading;
  reading = effect;
  try {
    effect.run();
  } finally {
    reading = outer;
  }
}

function flush() {
  depth += 1;
  try {
    for (let runs = 0; due.size > 0; runs += 1) {
      if (runs > MOST_RUNS) throw new Error('effects change what they read, without end');
      const [next] = due;
      if (next) {
        due.delete(next);
        if (!next.stopped) perform(next);
      }
    }
  } finally {
    depth -= 1;
  }
}
