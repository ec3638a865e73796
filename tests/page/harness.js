// Serves the page as the app does, under the app's own Content-Security-Policy,
// opens it in a browser with the fake core in place of Tauri, and watches what
// must never happen: a request elsewhere, a refused resource, an error, a
// message's text on the console.
import { createServer } from 'node:http';
import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const ui = fileURLToPath(new URL('../../ui/', import.meta.url));
const fakeCore = fileURLToPath(new URL('fake-core.js', import.meta.url));

/** What the app itself is built with. */
const app = JSON.parse(readFileSync(new URL('../../tauri.conf.json', import.meta.url), 'utf8')).app;

/** The policy of the app, word for word. */
export const policy = Object.entries(app.security.csp).map(([directive, sources]) => `${directive} ${sources}`).join('; ');

/** @type {Record<string, string>} */
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml', '.png': 'image/png' };

/**
 * @param {Record<string, Promise<unknown>>} [held] paths that are answered only once something has happened
 * @returns {Promise<{ origin: string, close: () => Promise<void> }>}
 */
export async function serve(held = {}) {
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://localhost').pathname));
    const file = join(ui, path === '/' ? 'index.html' : path);
    const type = types[extname(file)];
    if (!file.startsWith(ui) || !type) {
      response.writeHead(404).end();
      return;
    }
    Promise.resolve(held[path]).then(() => readFile(file)).then(
      (content) => response.writeHead(200, { 'content-type': type, 'content-security-policy': policy, 'x-content-type-options': 'nosniff', 'cache-control': 'max-age=3600' }).end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(null)));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(() => resolve(null)));
    },
  };
}

/** The browser without a window of its own draws none of that window's parts, which cost more than the page. */
const browser = ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((path) => existsSync(path));

export const launch = () =>
  chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? browser ?? 'chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });

/** 15 October 2026, 14:00 UTC: the tests' now. */
export const NOW = Date.UTC(2026, 9, 15, 14, 0, 0);
const MINUTE = 60_000;

export const people = [
  { id: 'p-alice', name: 'Alice Liddell', is_me: true },
  { id: 'p-bob', name: 'Bob Hargreaves', is_me: false },
  { id: 'p-carol', name: 'Carol Osei', is_me: false },
  { id: 'p-dalia', name: 'داليا حداد', is_me: false },
  { id: 'p-ester', name: 'Ester Lindqvist', is_me: false },
  { id: 'p-femi', name: 'Femi Adeyemi', is_me: false },
  { id: 'p-mira', name: 'Μυρτώ Αλεξίου', is_me: false },
];

/**
 * @typedef {{ text: string, at: number, mine?: boolean, id?: string, state?: string, problem?: object }} Said
 * @typedef {{ person: string, messages: Said[], unread?: number, draft?: string, server?: number }} Talk
 * @typedef {{ signedIn?: boolean, now?: number, deliver?: boolean, latency?: number, account?: object, info?: object,
 *   people?: object[], connection?: object, conversations?: Talk[], fetchProblem?: object, last?: string | null,
 *   choices?: object, biometrics?: { kind?: string, on: boolean }, device?: object, update?: object, permission?: string, insets?: object | null, depth?: object, leads?: object | null,
 *   others?: (object & { conversations?: Talk[] })[], setUp?: object, safety?: object, proof?: object,
 *   saved?: Partial<import('../../ui/types/bridge').DiagnosticsSaved>, places?: import('../../ui/api.js').SavePlace[] }} Config
 */

/** @param {Config} [given] */
export function config(given = {}) {
  return { signedIn: true, now: NOW, deliver: true, latency: 0, account: {}, info: {}, people, connection: {}, conversations: talks(), others: [], last: null, setUp: plan(), proof: proof(), ...given };
}

/** @param {number} count @param {(at: number) => string} [text] @returns {Said[]} */
export function history(count, text = (at) => `Message number ${at + 1}`) {
  return Array.from({ length: count }, (_, at) => ({ text: text(at), at: NOW - (count - at) * 7 * MINUTE, mine: at % 3 === 0 }));
}

/** @returns {Talk[]} */
export function talks() {
  /** @param {number} minutes before now */
  const ago = (minutes) => NOW - minutes * MINUTE;
  return [
    {
      person: 'p-bob',
      messages: [
        { text: 'The hide by the lower meadow is open again from Saturday.', at: ago(1560) },
        { text: 'Shall I book it for the two of us?', at: ago(1559) },
        { text: 'Yes please! I’ll bring the flask and the good binoculars.', at: ago(1541), mine: true },
        { text: 'Saw the first whinchat of the year this morning. Male, sat right up on the fence by the gate and sang for ten minutes.', at: ago(62) },
        { text: 'White stripe over the eye, orange breast, no doubt at all.', at: ago(61) },
        { text: 'Oh lovely. Did you get a picture?', at: ago(55), mine: true },
        { text: 'Three, and one of them is even sharp. They are on https://birds.example/meadow/2026 if you want to look.', at: ago(52) },
        { text: '😍', at: ago(50), mine: true },
        { text: 'Saturday at six, then? I can pick you up at the station.', at: ago(49), mine: true },
        { text: 'Six it is. Dress warm.', at: ago(46) },
      ],
    },
    { person: 'p-carol', unread: 2, messages: [
      { text: 'The printer wants the final file by Friday.', at: ago(200), mine: true },
      { text: 'I moved the caption under the map.', at: ago(130) },
      { text: 'Can you have one last look at page 12?', at: ago(128) },
    ] },
    { person: 'p-dalia', messages: [
      { text: 'Are you coming tomorrow?', at: ago(1500), mine: true },
      { text: 'نعم، سأصل في الساعة التاسعة صباحًا مع الكتب.', at: ago(1490) },
    ] },
    { person: 'p-ester', draft: 'About the keys: they are', messages: [{ text: 'Tack! Vi ses på torsdag.', at: ago(60 * 24 * 3) }] },
    { person: 'p-femi', messages: [{ text: 'Invoice is paid, thank you.', at: ago(60 * 24 * 5), mine: true }] },
  ];
}

/** What each collection of the schema takes: its subject, how many relations, and what is allowed. @type {[string, string, number, string[]][]} */
const collections = [
  ['chat_setup', 'record', 0, ['read']],
  ['chat_groups', 'groups', 3, ['read', 'create', 'update', 'update']],
  ['chat_members', 'groups', 3, ['read', 'create', 'update', 'delete']],
  ['chat_messages', 'messages', 4, ['read', 'create', 'update', 'update']],
  ['chat_attachments', 'files', 2, ['read', 'create']],
  ['chat_reactions', 'reactions', 2, ['read', 'create', 'update']],
  ['chat_read_states', 'reading', 3, ['read', 'create', 'update']],
  ['chat_prefs', 'settings', 3, ['read', 'create', 'update']],
  ['chat_typing', 'typing', 3, ['read', 'create', 'update']],
  ['chat_presence', 'presence', 1, ['read', 'create', 'update']],
  ['chat_blocks', 'blocks', 2, ['read', 'create', 'delete']],
  ['chat_reports', 'reports', 2, ['create']],
];

/** A plan for an empty server, as the core would tell it. @param {object} [more] */
export function plan(more = {}) {
  const made = collections.map(([collection, subject]) => ({ subject, deed: 'make_collection', args: { collection } }));
  const related = collections.flatMap(([collection, subject, count]) => ['user_id', 'group_id', 'peer_id', 'message_id'].slice(0, count)
    .map((field) => ({ subject, deed: 'add_relation', args: { collection, field } })));
  const allowed = collections.flatMap(([collection, subject, , actions]) => actions
    .map((action) => ({ subject, deed: 'add_permission', args: { policy: 'Chat', action, collection } })));
  return {
    hash: '3f9a02bc71de4458b0c66e1f27a95d0383d1f4c2a7be19506d0e8c44fa9b7e21',
    steps: [
      ...made,
      ...related,
      { subject: 'access', deed: 'make_role', args: { role: 'Chat' } },
      { subject: 'access', deed: 'make_folder', args: { folder: 'chat-avatars' } },
      { subject: 'access', deed: 'make_policy', args: { policy: 'Chat' } },
      ...allowed,
      { subject: 'people', deed: 'add_permission', args: { policy: 'Chat', action: 'read', collection: 'directus_users' } },
      { subject: 'access', deed: 'attach_policy', args: { policy: 'Chat', role: 'Chat' } },
      { subject: 'record', deed: 'record_version', args: { version: '3' } },
    ],
    refusals: [],
    kept: [],
    roles: ['Chat'],
    addresses: { contact: null, terms: null },
    ...more,
  };
}

/** What came of attacking a server, as the core would tell it. @param {object} [more] */
export function proof(more = {}) {
  return {
    private: true, attacks: 412, refused: 410, leaks: 0, allowed: 166, ok: 166, wrong: [],
    known: [{ reason: 'A deleted row’s id is told to every subscriber, whatever its rules say. It tells nothing but that something was deleted.', times: 2 }],
    limits: [
      'Whoever administers the server, or has a copy of its database, reads everything on it.',
      'Only the rules of the roles that may chat are tried: another policy of a person’s can open what they close.',
    ],
    left: ['The activity log has entries of these requests: it lets nobody delete them.'],
    ...more,
  };
}

/** The same where somebody has opened a rule. */
export const leaking = {
  private: false, refused: 408, leaks: 2,
  wrong: [
    { name: 'chat_messages read by filter as Eve', verdict: 'leaked', would: 'Eve would know that Anna wrote to Ben', request: 'GET /items/chat_messages?filter[sender_id][_eq]=7b1e…&fields=id', answer: '200 {"data":[{"id":"01936f00-c4a7-7000-8000-0000000a0001"}]}' },
    { name: 'chat_messages read by id as Eve', verdict: 'leaked', would: 'Eve would read what Anna wrote to Ben', request: 'GET /items/chat_messages/01936f00-c4a7-7000-8000-0000000a0001', answer: '200 {"data":{"content":"For Ben alone"}}' },
    { name: 'chat_typing create as Anna', verdict: 'unclear', would: 'Anna tells Ben that she is writing', request: 'POST /items/chat_typing', answer: '503 SERVICE_UNAVAILABLE' },
  ],
};

/** What stands in the way of setting a server up, and what stays as it is. */
export const obstacles = {
  refusals: [
    { code: 'web_sockets_off', args: {} },
    { code: 'foreign_collection', args: { collection: 'chat_groups', because: 'Whinchat did not make it' } },
    { code: 'dangling_keys', args: { field: 'chat_messages.sender_id', rows: '12', to: 'directus_users', example: '0b1f6c1e-27a1-4f70-9c56-0d35c3d4b4f8' } },
  ],
  kept: [{ what: 'chat_messages.sender_id', found: 'no relation', wanted: 'a relation to directus_users' }],
};

/** Two more accounts on this device, one of them locked. */
export const others = [
  {
    id: 'acc-2', server: 'https://verein.example', email: 'a.liddell@verein.example', name: 'Alice (Verein)', person: 'p-alice-2',
    conversations: [{ person: 'p-femi', unread: 1, messages: [{ text: 'The minutes are up.', at: NOW - 30 * MINUTE }] }],
  },
  { id: 'acc-3', server: 'http://localhost:8055', email: 'alice@localhost', name: '', person: 'p-alice-3', vault: 'passphrase', problem: { code: 'passphrase_needed', action: 'unlock', args: {} } },
];

export const BOB = 'dm:p-bob';
export const CAROL = 'dm:p-carol';

/**
 * @typedef {object} Opened
 * @property {import('playwright-core').Page} page
 * @property {() => Promise<void>} close
 * @property {{ outside: string[], violations: string[], errors: string[], console: string[] }} seen
 */

/** Contexts by browser and options: a page keeps nothing in one, and what it is made of need not be fetched and compiled anew. @type {WeakMap<import('playwright-core').Browser, Map<string, Promise<import('playwright-core').BrowserContext>>>} */
const contexts = new WeakMap();

/**
 * @param {import('playwright-core').Browser} browser
 * @param {string} origin
 * @param {import('playwright-core').BrowserContextOptions} options
 */
function contextOf(browser, origin, options) {
  /** @type {Map<string, Promise<import('playwright-core').BrowserContext>>} */
  const made = contexts.get(browser) ?? new Map();
  contexts.set(browser, made);
  const key = JSON.stringify(options);
  const known = made.get(key);
  if (known) return known;
  const context = browser.newContext({ viewport: { width: 1200, height: 800 }, locale: 'en-GB', timezoneId: 'Europe/London', ...options })
    .then(async (fresh) => {
      await fresh.grantPermissions(['clipboard-read', 'clipboard-write'], { origin });
      return fresh;
    });
  made.set(key, context);
  return context;
}

/**
 * @param {import('playwright-core').Browser} browser
 * @param {string} origin
 * @param {Config} [given]
 * @param {import('playwright-core').BrowserContextOptions & { rtl?: boolean, text?: number, ready?: string, lang?: string }} [options]
 * @returns {Promise<Opened>}
 */
export async function openPage(browser, origin, given = {}, { rtl = false, text = 1, ready = '', ...options } = {}) {
  const context = await contextOf(browser, origin, options);
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  /** @type {Opened['seen']} */
  const seen = { outside: [], violations: [], errors: [], console: [] };
  page.on('request', (request) => {
    if (!request.url().startsWith(`${origin}/`)) seen.outside.push(request.url());
  });
  page.on('console', (message) => {
    // The browser's own remarks on forms are not the page's words.
    if (!message.text().startsWith('[DOM] ')) seen.console.push(message.text());
  });
  page.on('pageerror', (error) => seen.errors.push(String(error.stack ?? error)));
  await page.exposeFunction('tellViolation', (/** @type {string} */ what) => seen.violations.push(what));
  await page.clock.setFixedTime(NOW).catch(() => {});
  await page.addInitScript((value) => {
    if (value.freeze) Object.freeze(Object.prototype);
    Object.assign(window, { fakeConfig: value.config });
    addEventListener('securitypolicyviolation', (event) => {
      /** @type {any} */ (window).tellViolation(`${event.violatedDirective} ${event.blockedURI}`);
    });
    const set = () => {
      if (value.rtl) document.documentElement.dir = 'rtl';
      if (value.text !== 1) document.documentElement.style.fontSize = `${value.text * 100}%`;
    };
    if (document.documentElement) set();
    else document.addEventListener('readystatechange', set, { once: true });
  }, { config: config(given), rtl, text, freeze: app.security.freezePrototype });
  await page.addInitScript({ path: fakeCore });
  await page.goto(`${origin}/`);
  await page.waitForSelector(ready === '' ? 'body[data-ready]' : `body[data-ready="${ready}"]`, { state: 'attached' }).catch((error) => {
    throw new Error(`the page did not get ready: ${JSON.stringify(seen)}`, { cause: error });
  });
  return { page, seen, close: () => page.close() };
}

/** @param {import('playwright-core').Page} page @param {string} id */
export async function openConversation(page, id) {
  await page.click(`[data-conversation="${id}"]`);
  await page.waitForSelector('body[data-ready="conversation"]');
}

/**
 * Waits, bounded, until `condition` holds in the page.
 * @param {import('playwright-core').Page} page
 * @param {(...args: any[]) => unknown} condition
 * @param {unknown} [arg]
 */
export const until = (page, condition, arg) => page.waitForFunction(/** @type {any} */ (condition), arg, { timeout: 10_000 });

/**
 * Two frames that were really drawn: the clock that stands still has requestAnimationFrame of its own, which asks for none.
 * @param {import('playwright-core').Page} page
 */
export const frames = (page) => page.evaluate(async () => {
  for (let drawn = 0; drawn < 2; drawn += 1) {
    await new Promise((resolve) => {
      const seen = new ResizeObserver(() => { seen.disconnect(); resolve(null); });
      seen.observe(document.documentElement);
    });
  }
});

/**
 * @param {import('playwright-core').Page} page
 * @param {number} top
 */
export const scrollTo = (page, top) => page.evaluate((y) => document.querySelector('.scroller')?.scrollTo({ top: y, behavior: 'instant' }), top);

/**
 * Scrolls to the top, and waits for what comes there.
 * @param {import('playwright-core').Page} page
 */
export const older = async (page) => {
  const first = await page.$eval('[data-message]', (one) => one.getAttribute('data-message'));
  await scrollTo(page, 0);
  await until(page, (was) => document.querySelector('[data-message]')?.getAttribute('data-message') !== was, first);
};
