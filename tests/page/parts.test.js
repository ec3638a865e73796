// The parts of the page that need no browser: the timeline, links, sentences,
// signals, and what is vendored.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';
import { nameMark } from '../../ui/components/icons.js';
import { pieces, safeUrl } from '../../ui/components/linkify.js';
import { batch, effect, signal } from '../../ui/signals.js';
import { joined, MOST, PAGE, Timeline } from '../../ui/timeline.js';
import { moduleOf, source, written } from './locales.js';

const ui = fileURLToPath(new URL('../../ui/', import.meta.url));

/** Rows `from` to `to`, oldest first. */
const rows = (from, to, more = {}) =>
  Array.from({ length: to - from }, (_, at) => ({
    id: `m${from + at}`, conversation: 'dm:bob', sender: 'bob', is_me: false, text: `text ${from + at}`, at: from + at,
    sort: `0${String(from + at).padStart(6, '0')}`, state: 'sent', problem: null, ...more,
  }));
const page = (messages, more = {}) => ({ revision: 10, messages, older: 'held', newer: 'newest', read_until: null, conversation: null, ...more });
const ids = (timeline) => timeline.rows().map((row) => row.id);

test('a late page never undoes a newer patch', () => {
  const timeline = new Timeline();
  timeline.reset(page(rows(0, 3)));
  const [, second] = rows(0, 3);
  assert.equal(timeline.upsert({ ...second, text: 'edited' }, 12), 'changed');
  timeline.reset(page(rows(0, 3), { revision: 11 }));
  assert.equal(timeline.get('m1').text, 'edited');
  assert.equal(timeline.upsert({ ...second, text: 'old' }, 11), 'stale');
});

test('a patch at or below the revision of the page is dropped', () => {
  const timeline = new Timeline();
  timeline.reset(page(rows(0, 3)));
  assert.equal(timeline.upsert({ ...rows(1, 2)[0], text: 'old' }, 10), 'stale');
  assert.equal(timeline.get('m1').text, 'text 1');
});

test('a message that went is not brought back by a page or patch from before', () => {
  const timeline = new Timeline();
  timeline.reset(page(rows(5, 8)));
  assert.equal(timeline.remove('m6', 15), true);
  timeline.reset(page(rows(5, 8), { revision: 14 }));
  timeline.upsert(rows(6, 7)[0], 14);
  assert.deepEqual(ids(timeline), ['m5', 'm7']);
});

test('a patch that came while the newest page was asked for is kept', () => {
  const timeline = new Timeline();
  timeline.reset(page(rows(0, 3)));
  timeline.upsert(rows(3, 4)[0], 12);
  timeline.reset(page(rows(0, 3), { revision: 11 }));
  assert.deepEqual(ids(timeline), ['m0', 'm1', 'm2', 'm3']);
});

test('confirming moves a row to where its new key says, and never doubles it', () => {
  const timeline = new Timeline();
  timeline.reset(page(rows(0, 3)));
  const mine = { ...rows(9, 10)[0], id: 'mine', is_me: true, sort: '1000001', state: 'queued' };
  timeline.upsert(mine, 0);
  timeline.upsert(mine, 11);
  timeline.upsert(rows(4, 5)[0], 12);
  assert.deepEqual(ids(timeline), ['m0', 'm1', 'm2', 'm4', 'mine']);
  timeline.upsert({ ...mine, sort: '0000003', state: 'sent' }, 13);
  assert.deepEqual(ids(timeline), ['m0', 'm1', 'm2', 'mine', 'm4']);
});

test('at most two hundred are held, in groups of about fifty, and the rest can be asked for', () => {
  const timeline = new Timeline();
  timeline.reset(page(rows(450, 500)));
  for (let from = 400; from >= 0; from -= PAGE) {
    timeline.prepend(page(rows(from, from + PAGE), { older: from === 0 ? 'beginning' : 'held' }));
    timeline.trim('end');
    assert.ok(timeline.size <= MOST);
    assert.ok(timeline.chunks.every((chunk) => chunk.rows.length <= PAGE * 1.5));
  }
  assert.equal(timeline.newer, true);
  assert.equal(timeline.older, 'beginning');
  assert.equal(ids(timeline)[0], 'm0');
  assert.equal(timeline.upsert(rows(500, 501)[0], 20), 'outside');
  for (let from = 200; from < 500; from += PAGE) {
    timeline.append(page(rows(from, from + PAGE), { newer: from < 450 ? 'held' : 'newest' }));
    timeline.trim('start');
  }
  assert.equal(timeline.newer, false);
  assert.equal(timeline.older, 'held');
  assert.deepEqual(ids(timeline), rows(300, 500).map((row) => row.id));
});

test('messages of five minutes, one person and one day stand joined', () => {
  const day = () => 1;
  const [a, b] = rows(0, 2);
  assert.equal(joined(a, { ...b, at: a.at + 300_000 }, day), true);
  assert.equal(joined(a, { ...b, at: a.at + 300_001 }, day), false);
  assert.equal(joined(a, { ...b, sender: 'carol' }, day), false);
  assert.equal(joined(a, b, (at) => at), false);
  assert.equal(joined(undefined, b, day), false);
});

test('addresses are found where they end, and the text stays the text', () => {
  const cases = [
    ['see https://a.example/x.', ['https://a.example/x']],
    ['(https://a.example/b_(c))', ['https://a.example/b_(c)']],
    ['“www.a.example”, yes', ['www.a.example']],
    ['HTTPS://A.example/?q=1#z!', ['HTTPS://A.example/?q=1#z']],
    ['http://a.example,http://b.example', ['http://a.example,http://b.example']],
    ['https://a.example/\u202Egpj.exe', ['https://a.example/']],
    ['https://мой.example/я', ['https://мой.example/я']],
    ['http://127.0.0.1:8055/x and http://localhost:1', ['http://127.0.0.1:8055/x', 'http://localhost:1']],
    ['javascript:alert(1) data:text/html,x file:///etc/passwd', []],
    ['https://bank.example@evil.example/ https://u:p@evil.example', []],
    ['nohttps://a.example https:// http:///x', []],
  ];
  for (const [text, links] of cases) {
    const found = pieces(text);
    assert.equal(found.map((piece) => piece.text).join(''), text);
    assert.deepEqual(found.filter((piece) => piece.url).map((piece) => piece.text), links, text);
  }
});

test('whatever is written, putting the pieces together gives it back and every link is http', () => {
  const parts = ['https://', 'www.', 'a.example', '/', '(', ')', '.', ' ', '\u202e', '"', '<b>', '@', ':', '😀', 'javascript:', '\n', '?q=', '%00'];
  let seed = 7;
  for (let run = 0; run < 3000; run += 1) {
    let text = '';
    for (let at = 0; at < 9; at += 1) {
      seed = (seed * 48271) % 2147483647;
      text += parts[seed % parts.length];
    }
    const found = pieces(text);
    assert.equal(found.map((piece) => piece.text).join(''), text);
    for (const { url } of found) if (url) assert.match(url, /^https?:\/\/[^@]+/u);
  }
});

test('an address with a name and password in it is not offered', () => {
  assert.equal(safeUrl('https://a:b@c.example'), null);
  assert.equal(safeUrl('ftp://c.example'), null);
  assert.equal(safeUrl('www.c.example'), 'https://www.c.example/');
});

test('an effect runs once for a batch, and no more when stopped', () => {
  const a = signal(1);
  const b = signal(1);
  const seen = [];
  const stop = effect(() => seen.push(a.value + b.value));
  batch(() => { a.value = 2; b.value = 2; });
  a.value = 2;
  stop();
  a.value = 9;
  assert.deepEqual(seen, [2, 4]);
});

test('the sentences that the page carries are those of en.ftl', () => {
  assert.equal(written(), moduleOf(source()));
});

/** The members of a union of strings in the generated types. */
function union(name) {
  const types = readFileSync(`${ui}types/bridge.ts`, 'utf8');
  const found = new RegExp(`export type ${name} = ((?:"[a-z_]+"(?: \\| )?)+);`).exec(types);
  return [...found[1].matchAll(/"([a-z_]+)"/g)].map((match) => match[1]);
}

test('every code has a sentence and every action a button, filled without a gap', async () => {
  const { actionText, has, problemText, setProduct } = await import('../../ui/locale.js');
  setProduct('Whinchat');
  const codes = union('Code');
  assert.ok(codes.length >= 37);
  for (const code of codes) {
    assert.ok(has(`error-${code}`), code);
    const given = { host: 'chat.example', seconds: '12', version: '9.0', status: '500', field: 'content', bytes: '9', limit: '8', count: '2', reason: 'FORBIDDEN' };
    for (const args of [{}, given]) {
      const sentence = problemText({ code, args, action: 'none' });
      assert.doesNotMatch(sentence, /\{|\$|undefined|NaN/u, code);
      assert.ok(sentence.length > 20 && /[.!?]$/u.test(sentence), code);
    }
  }
  for (const action of union('Action')) assert.ok(has(`action-${action}`) && actionText(action).length > 1, action);
  for (const state of union('ConnectionState')) assert.ok(has(`connection-${state}`), state);
  for (const state of union('MessageState')) assert.ok(has(`state-${state}`), state);
  for (const deed of union('SetUpDeed')) assert.ok(has(`setup-step-${deed}`), deed);
  for (const code of union('SetUpObstacle')) assert.ok(has(`setup-refusal-${code}`), code);
  for (const verdict of union('SetUpVerdict')) assert.ok(has(`setup-verdict-${verdict}`), verdict);
  for (const came of ['private', 'leaks', 'unproven']) assert.ok(has(`setup-proof-${came}-title`) && has(`setup-proof-${came}-lead`), came);
  for (const subject of union('SetUpSubject')) assert.ok(has(`setup-subject-${subject}`) && has(`setup-subject-${subject}-about`), subject);
  for (const kind of union('VaultKind')) assert.ok(has(`vault-${kind}`) && has(`vault-${kind}-about`), kind);
});

test('counted sentences know one and many', async () => {
  const { problemText } = await import('../../ui/locale.js');
  const wait = (seconds) => problemText({ code: 'too_many_tries', args: { seconds }, action: 'retry' }).replace(/[\u2066-\u2069]/gu, '');
  assert.match(wait('1'), /Wait a second/u);
  assert.match(wait('30'), /Wait 30 seconds/u);
});

/** Every file under ui/ that is ours. */
function ours(folder = ui) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'vendor' || entry.name === 'types') return [];
    const path = `${folder}${entry.name}`;
    return entry.isDirectory() ? ours(`${path}/`) : [path];
  });
}

test('every sentence that is asked for exists, and every one that exists is asked for', () => {
  const text = ours().filter((path) => path.endsWith('.js') && !path.includes('/locales/')).map((path) => readFileSync(path, 'utf8')).join('\n');
  const known = [...source().matchAll(/^([a-z][\w-]*) =/gmu)].map((match) => match[1]);
  for (const [, id] of text.matchAll(/\bt\(\s*'([\w-]+)'/gu)) assert.ok(known.includes(id), `${id} is asked for but not written`);
  const byName = /^(?:error|action|connection|state|vault|failed|password|passphrase|unsent|terms|block|report-(?:lead|reason)|settings-blocked|diagnostics-place|setup-(?:step|refusal|subject|verdict|proof-(?:private|leaks|unproven)))-|^settings-(?:(?:theme|depth)-\w+|[\w-]+-label)$/u;
  // A section of the settings is named after itself; the shell says its own.
  const sections = [...text.matchAll(/\bsection\(\s*'(\w+)'/gu)].map((match) => `settings-${match[1]}`);
  const shell = ['notices/mod.rs', 'biometrics/android.rs', 'biometrics/apple.rs', 'desktop/menu.rs', 'desktop/mod.rs', 'desktop/tray.rs', 'mobile/mod.rs'].map((path) => readFileSync(new URL(`../../src-tauri/src/${path}`, import.meta.url), 'utf8')).join('\n');
  const said = [...shell.matchAll(/\bsay\(\s*"([\w-]+)"/gu)].map((match) => match[1]);
  assert.ok(sections.length >= 5 && said.length >= 10);
  for (const id of known) assert.ok(byName.test(id) || sections.includes(id) || said.includes(id) || text.includes(`'${id}'`), `${id} is written but never asked for`);
});

test('no markup is made from strings, nothing is remote, no style or script stands inline', () => {
  for (const path of ours()) {
    const text = readFileSync(path, 'utf8');
    if (/\.(?:js|html|css)$/u.test(path)) {
      assert.doesNotMatch(text, /\b(?:innerHTML|outerHTML|insertAdjacentHTML|document\.write|unsafeHTML|eval\(|new Function|console\.)/u, path);
      assert.doesNotMatch(text.replaceAll('http://www.w3.org/2000/svg', ''), /(?:src|href|url\()\s*[=(]?\s*['"]?(?:https?:)?\/\/(?!\$)/u, path);
    }
    if (path.endsWith('.html')) assert.doesNotMatch(text, /\sstyle=|\son[a-z]+=|<script>|<style/u, path);
    if (path.endsWith('.css')) assert.doesNotMatch(text, /!important|\b(?:margin|padding|border)-(?:left|right)\b/u, path);
  }
});

test('every module that the page begins with is asked for at once, and no other', () => {
  /** @type {Set<string>} */
  const reached = new Set();
  /** @param {string} path below ui/ */
  const reach = (path) => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const [, first, other] of readFileSync(ui + path, 'utf8').matchAll(/^(?:import|export)\b[^;]*?\bfrom\s*'(\.[^']+)'|^import\s*'(\.[^']+)'/gmu)) {
      reach(new URL(first ?? other ?? '', `file:///${path}`).pathname.slice(1));
    }
  };
  reach('app.js');
  const asked = [...readFileSync(`${ui}index.html`, 'utf8').matchAll(/<link rel="modulepreload" href="([^"]+)">/gu)].map((match) => match[1]);
  assert.ok(reached.size > 30);
  assert.deepEqual(asked.sort(), [...reached].filter((path) => path !== 'app.js').sort());
});

test('what is vendored is what was taken, with its licence', () => {
  const list = JSON.parse(readFileSync(`${ui}vendor/hashes.json`, 'utf8'));
  const present = readdirSync(`${ui}vendor`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath ?? entry.path}/${entry.name}`.slice(`${ui}vendor/`.length))
    .filter((name) => name !== 'hashes.json')
    .sort();
  const listed = list.packages.flatMap((entry) => Object.keys(entry.files).map((file) => `${entry.folder}/${file}`)).sort();
  assert.deepEqual(present, listed);
  for (const entry of list.packages) {
    assert.ok(entry.name && /^\d+\.\d+\.\d+$/u.test(entry.version) && entry.license);
    assert.ok(Object.keys(entry.files).some((file) => file.startsWith('LICENSE')));
    for (const [file, sha256] of Object.entries(entry.files)) {
      const now = createHash('sha256').update(readFileSync(`${ui}vendor/${entry.folder}/${file}`)).digest('hex');
      assert.equal(now, sha256, `${entry.folder}/${file}`);
    }
  }
});

test('the name mark of the page and the one for papers are one drawing', () => {
  const file = readFileSync(`${ui}assets/name.svg`, 'utf8');
  for (const stroke of nameMark.strokes) assert.ok(file.includes(`d="${stroke}"`));
});
