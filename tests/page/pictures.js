// Writes docs/pictures: each screen and state of the page, as it is with the
// fake core, so that every one of them can be looked at.
//   npm run pictures            all
//   npm run pictures -- offline only those whose name holds "offline"
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BOB, CAROL, history, launch, leaking, NOW, obstacles, openConversation, openPage, others, plan, proof, serve, talks, until } from './harness.js';

/** @typedef {import('playwright-core').Page} Page */
/** @typedef {import('./harness.js').Config} Config */
/** @typedef {{ name: string, config?: Config, options?: Parameters<typeof openPage>[3], act?: (page: Page) => Promise<void>, dark?: boolean }} Picture */

const folder = fileURLToPath(new URL('../../docs/pictures/', import.meta.url));
const only = process.argv[2] ?? '';
const narrow = { viewport: { width: 320, height: 640 } };
/** As wide as many phones, with what their system draws over the edges. */
const onPhone = { config: { info: { platform: 'android' }, insets: { top: 32, right: 0, bottom: 24, left: 0, keyboard: 0 }, device: { tray: false, starts_at_login: null, phone: { notices: 'granted' } } }, options: { viewport: { width: 360, height: 780 }, hasTouch: true, isMobile: true } };
const phone = { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true };

/** @param {Page} page @param {string} code @param {string} action @param {Record<string, string>} [args] @param {string} [command] */
const refuse = (page, code, action, args = {}, command = 'discover') =>
  page.evaluate((p) => /** @type {any} */ (window).fake.refuse(p.command, { code: p.code, action: p.action, args: p.args }), { code, action, args, command });

/** @param {Page} page */
async function toPerson(page) {
  await page.fill('#server', 'chat.example');
  await page.click('#continue');
  await page.waitForSelector('#password');
}

/** @param {Page} page */
async function toCode(page) {
  await toPerson(page);
  await refuse(page, 'code_needed', 'change_input', {}, 'sign_in');
  await page.fill('#email', 'alice@example.com');
  await page.fill('#password', 'secret');
  await page.click('#continue');
  await page.waitForSelector('#code');
}

/** @param {Page} page */
async function toMissing(page) {
  await toPerson(page);
  await refuse(page, 'chat_missing', 'tell_owner', { host: 'chat.example' }, 'sign_in');
  await page.fill('#email', 'alice@example.com');
  await page.fill('#password', 'secret');
  await page.click('#continue');
  await page.waitForSelector('#missing-copy');
  await page.mouse.move(0, 0);
}

/** @param {Page} page */
async function toSetUp(page) {
  await toPerson(page);
  await refuse(page, 'set_up_needed', 'set_up', { host: 'chat.example' }, 'sign_in');
  await page.fill('#email', 'owner@example.com');
  await page.fill('#password', 'secret');
  await page.click('#continue');
  await page.waitForSelector('#admin-password');
}

/** @param {Page} page */
async function toPlan(page) {
  await toSetUp(page);
  await page.fill('#admin-password', 'secret');
  await page.click('#set-up-continue');
  await page.waitForSelector('[data-step="set-up-plan"], [data-step="set-up-ready"]');
  await page.mouse.move(0, 0);
}

/** @param {Page} page */
async function toWorking(page) {
  await toPlan(page);
  await page.evaluate(() => /** @type {any} */ (window).fake.hold('set_up_apply'));
  await page.click('#set-up-continue');
  await page.waitForSelector('#set-up-progress');
  await page.evaluate(() => /** @type {any} */ (window).fake.step(31));
  await until(page, () => /** @type {HTMLProgressElement} */ (document.querySelector('#set-up-progress')).value === 30);
}

/** @param {Page} page */
async function toReady(page) {
  await toPlan(page);
  await page.click('#set-up-continue');
  await page.waitForSelector('[data-step="set-up-ready"]');
  await page.mouse.move(0, 0);
}

/** @param {Page} page */
async function toProof(page) {
  await toReady(page);
  await page.click('#set-up-prove');
  await page.waitForSelector('[data-step="set-up-proof"]');
  await page.mouse.move(0, 0);
}

/** @param {Page} page */
async function toAccounts(page) {
  await page.click('#menu');
  await page.click('#accounts');
  await page.waitForSelector('[data-account]');
}

/** @param {Page} page */
async function toSettings(page) {
  await page.keyboard.press('Control+,');
  await page.waitForSelector('.settings-section');
}

/** @param {Page} page */
async function toDiagnostics(page) {
  await toSettings(page);
  await page.click('#diagnostics-open');
  await page.waitForSelector('#diagnostics-place');
}

const plainServer = { blocks_on_server: false, reports_on_server: false };
const blocked = [
  { person: 'p-femi', name: 'Femi Adeyemi', since: NOW, reach: 'server' },
  { person: 'p-ester', name: 'Ester Lindqvist', since: NOW, reach: 'waiting' },
];

/** @param {Page} page */
async function toUnlock(page) {
  await page.keyboard.press('Control+l');
  await page.waitForSelector('#unlock-biometrics');
}

/** @param {Page} page */
async function toLock(page) {
  await toSettings(page);
  await page.evaluate(() => document.querySelector('#settings-lock')?.scrollIntoView());
}

/** @param {Page} page */
async function toBlock(page) {
  await toBob(page);
  await page.click('#conversation-menu');
  await page.click('#block');
  await page.mouse.move(0, 0);
}

/** @param {Page} page */
async function toReport(page) {
  await toBob(page);
  await page.click('#conversation-menu');
  await page.click('#report');
  await page.selectOption('#report-about', { index: 1 });
  await page.mouse.move(0, 0);
}

/** @param {Page} page */
async function toPeople(page) {
  await toSettings(page);
  await page.evaluate(() => document.querySelector('#settings-safety')?.scrollIntoView());
}

/** @param {Page} page */
async function toFound(page) {
  await page.fill('#search', 'page');
  await page.waitForSelector('[data-found]');
}

/** @param {Page} page */
const toBob = (page) => openConversation(page, BOB);

/** @param {Page} page @param {object} connection */
const connect = (page, connection) => page.evaluate((c) => /** @type {any} */ (window).fake.connect(c), connection);

/** @param {Page} page */
async function toUnsent(page) {
  await connect(page, { state: 'offline' });
  await toBob(page);
  for (const text of ['On my way to the station', 'Platform 2, I think']) {
    await page.fill('#composer', text);
    await page.press('#composer', 'Enter');
  }
  await until(page, () => document.querySelectorAll('[data-state="queued"]').length === 2);
}

const failed = () => {
  const all = talks();
  all[0]?.messages.push({ text: 'I put the map into our shared folder, with the paths marked.', at: NOW - 60_000, mine: true, state: 'failed', problem: { code: 'not_allowed', action: 'tell_owner', args: {} } });
  return all;
};

const long = 'First the gate, then left along the hedge until the second stile.\nThe hide is behind the alders.\nBring boots, it was wet last week.\nAnd the thermos, please!';

/** @type {Picture[]} */
const pictures = [
  { name: 'look-around-offered', config: { signedIn: false } },
  { name: 'look-around', config: { signedIn: false }, act: async (page) => { await page.click('#look-around'); await openConversation(page, BOB); } },
  { name: 'look-around-narrow', config: { signedIn: false }, options: narrow, dark: true, act: async (page) => { await page.click('#look-around'); await page.waitForSelector('[data-conversation]'); } },
  { name: 'sign-in-server', config: { signedIn: false }, dark: true },
  { name: 'sign-in-server-error', config: { signedIn: false }, act: async (page) => {
    await refuse(page, 'certificate_untrusted', 'tell_owner', { host: 'chat.example' });
    await page.fill('#server', 'chat.example');
    await page.click('#continue');
    await page.waitForSelector('#server-error[data-code]');
  } },
  { name: 'sign-in-person', config: { signedIn: false }, act: toPerson, dark: true },
  { name: 'sign-in-password-wrong', config: { signedIn: false }, act: async (page) => {
    await toPerson(page);
    await refuse(page, 'password_wrong', 'change_input', {}, 'sign_in');
    await page.fill('#email', 'alice@example.com');
    await page.fill('#password', 'secret');
    await page.click('#continue');
    await page.waitForSelector('#password-error[data-code]');
  } },
  { name: 'sign-in-code', config: { signedIn: false }, act: toCode },
  { name: 'sign-in-vault', config: { signedIn: false, info: { vaults: ['passphrase', 'session_only'] } }, act: toPerson, dark: true },
  { name: 'missing', config: { signedIn: false }, act: toMissing, dark: true },
  { name: 'missing-copied', config: { signedIn: false }, act: async (page) => { await toMissing(page); await page.click('#missing-copy'); await until(page, () => document.querySelector('#missing-status')?.textContent !== ''); } },
  { name: 'missing-narrow', config: { signedIn: false }, act: toMissing, options: narrow },
  { name: 'missing-while-open', act: async (page) => { await toBob(page); await connect(page, { state: 'not_provisioned', problem: { code: 'chat_missing', action: 'tell_owner', args: {} } }); await page.waitForSelector('#administer'); } },
  { name: 'set-up-who', config: { signedIn: false }, act: toSetUp, dark: true },
  { name: 'set-up-who-refused', config: { signedIn: false }, act: async (page) => {
    await toSetUp(page);
    await refuse(page, 'not_administrator', 'change_input', { host: 'chat.example' }, 'set_up_begin');
    await page.fill('#admin-password', 'secret');
    await page.click('#set-up-continue');
    await page.waitForSelector('#admin-email-error[data-code]');
  } },
  { name: 'set-up-plan', config: { signedIn: false }, act: toPlan, dark: true },
  { name: 'set-up-plan-open', config: { signedIn: false, setUp: plan({ kept: obstacles.kept }) }, act: async (page) => { await toPlan(page); await page.click('[data-subject="messages"] summary'); }, options: { viewport: { width: 1200, height: 1600 } } },
  { name: 'set-up-plan-narrow', config: { signedIn: false }, act: toPlan, options: { viewport: { width: 320, height: 1000 } }, dark: true },
  { name: 'set-up-plan-right-to-left', config: { signedIn: false }, act: async (page) => { await toPlan(page); await page.click('[data-subject="messages"] summary'); }, options: { rtl: true, viewport: { width: 1200, height: 1100 } } },
  { name: 'set-up-plan-large-text', config: { signedIn: false }, act: toPlan, options: { text: 2, viewport: { width: 768, height: 1000 } } },
  { name: 'set-up-refused', config: { signedIn: false, setUp: plan(obstacles) }, act: toPlan, dark: true, options: { viewport: { width: 1200, height: 1100 } } },
  { name: 'set-up-working', config: { signedIn: false }, act: toWorking, dark: true },
  { name: 'set-up-working-narrow', config: { signedIn: false }, act: toWorking, options: narrow },
  { name: 'set-up-stopped', config: { signedIn: false }, act: async (page) => { await toWorking(page); await page.click('#set-up-stop'); await page.waitForSelector('[data-step="set-up-plan"] .notice'); } },
  { name: 'set-up-trouble', config: { signedIn: false }, act: async (page) => {
    await toSetUp(page);
    await refuse(page, 'host_silent', 'retry', { host: 'chat.example' }, 'set_up_plan');
    await page.fill('#admin-password', 'secret');
    await page.click('#set-up-continue');
    await page.waitForSelector('.problem[data-code="host_silent"]');
  } },
  { name: 'set-up-step-refused', config: { signedIn: false }, act: async (page) => {
    await toPlan(page);
    await refuse(page, 'set_up_refused', 'retry', { status: '400', reason: 'INVALID_FOREIGN_KEY' }, 'set_up_apply');
    await page.click('#set-up-continue');
    await page.waitForSelector('.problem[data-code="set_up_refused"]');
  } },
  { name: 'set-up-ready', config: { signedIn: false }, act: toReady, dark: true },
  { name: 'set-up-ready-narrow', config: { signedIn: false }, act: toReady, options: { viewport: { width: 320, height: 900 } } },
  { name: 'set-up-already', config: { signedIn: false, setUp: plan({ steps: [] }) }, act: toPlan },
  { name: 'set-up-proving', config: { signedIn: false }, act: async (page) => {
    await toReady(page);
    await page.evaluate(() => /** @type {any} */ (window).fake.hold('set_up_verify'));
    await page.click('#set-up-prove');
    await until(page, () => /** @type {any} */ (window).fake.asked('set_up_verify').length === 1);
    await page.evaluate(() => /** @type {any} */ (window).fake.attempt(288, 578, 'chat_messages read by filter as Eve'));
    await until(page, () => document.querySelector('.progress-words')?.textContent?.includes('Eve'));
  } },
  { name: 'set-up-proof', config: { signedIn: false }, act: toProof, dark: true, options: { viewport: { width: 1200, height: 1000 } } },
  { name: 'set-up-proof-leaks', config: { signedIn: false, proof: proof(leaking) }, act: async (page) => { await toProof(page); await page.click('[data-verdict="leaked"] summary'); await page.mouse.move(0, 0); }, dark: true, options: { viewport: { width: 1200, height: 1300 } } },
  { name: 'set-up-proof-narrow', config: { signedIn: false, proof: proof(leaking) }, act: toProof, options: { viewport: { width: 320, height: 1300 } } },
  { name: 'sign-in-narrow', config: { signedIn: false }, act: toPerson, options: narrow },
  { name: 'unlock', config: { account: { vault: 'passphrase', problem: { code: 'passphrase_needed', action: 'unlock', args: {} } } } },
  ...[narrow, undefined].map((options) => ({ name: `unlock-biometrics${options ? '-narrow' : ''}`, config: { account: { vault: 'passphrase' }, biometrics: { kind: options ? 'fingerprint_or_face' : 'touch_id', on: true } }, act: toUnlock, dark: true, ...(options ? { options } : {}) })),
  { name: 'unlock-biometrics-gone', config: { account: { vault: 'passphrase' }, biometrics: { kind: 'face_id', on: true } }, act: async (page) => { await refuse(page, 'biometrics_gone', 'unlock', {}, 'unlock_by_biometrics'); await toUnlock(page); await page.click('#unlock-biometrics'); await page.waitForSelector('.problem'); } },
  { name: 'unlock-biometrics-right-to-left', config: { account: { vault: 'passphrase' }, biometrics: { kind: 'windows_hello', on: true } }, act: toUnlock, options: { rtl: true } },
  { name: 'trouble', config: { account: { problem: { code: 'vault_unreadable', action: 'retry', args: {} } } } },
  { name: 'erase', config: { account: { vault: 'passphrase', problem: { code: 'passphrase_needed', action: 'unlock', args: {} } } }, act: (page) => page.click('#erase'), dark: true },
  { name: 'erase-narrow', config: { account: { problem: { code: 'vault_unreadable', action: 'retry', args: {} } } }, act: (page) => page.click('#erase'), options: narrow },
  { name: 'unlock-narrow', config: { account: { vault: 'passphrase', problem: { code: 'passphrase_needed', action: 'unlock', args: {} } } }, options: narrow, dark: true },
  { name: 'list', dark: true },
  { name: 'list-empty', config: { conversations: [] }, dark: true },
  { name: 'list-narrow', options: narrow },
  { name: 'menu', act: async (page) => page.click('#menu') },
  { name: 'conversation', act: toBob, dark: true },
  { name: 'conversation-narrow', act: toBob, options: narrow, dark: true },
  { name: 'conversation-phone', act: toBob, options: phone },
  { name: 'conversation-empty', act: async (page) => {
    await page.click('#find-people');
    await page.click('[data-person="p-mira"]');
    await page.waitForSelector('.conversation-empty:not([hidden])');
  }, dark: true },
  { name: 'conversation-unread', act: (page) => openConversation(page, CAROL) },
  { name: 'composing', act: async (page) => { await toBob(page); await page.fill('#composer', long); }, dark: true },
  { name: 'failed', config: { conversations: failed() }, act: toBob, dark: true },
  { name: 'offline', act: toUnsent, dark: true },
  { name: 'waiting', act: async (page) => { await toBob(page); await connect(page, { state: 'waiting', retry_at: NOW + 12_000 }); } },
  { name: 'waiting-narrow', options: narrow, act: async (page) => { await toBob(page); await connect(page, { state: 'waiting', retry_at: NOW + 12_000 }); } },
  { name: 'session-ended', act: async (page) => { await toBob(page); await connect(page, { state: 'sign_in_needed', problem: { code: 'sign_in_needed', action: 'sign_in', args: {} } }); } },
  { name: 'history-start', config: { conversations: [{ person: 'p-bob', messages: history(30) }] }, act: async (page) => {
    await toBob(page);
    await page.evaluate(() => document.querySelector('.scroller')?.scrollTo(0, 0));
  } },
  { name: 'history-offline', config: { connection: { state: 'offline' }, conversations: [{ person: 'p-bob', messages: history(80), server: 40 }] }, act: async (page) => {
    await toBob(page);
    await page.evaluate(() => document.querySelector('.scroller')?.scrollTo(0, 0));
  } },
  { name: 'new-messages', config: { conversations: [{ person: 'p-bob', messages: history(60) }] }, act: async (page) => {
    await toBob(page);
    await page.evaluate(() => document.querySelector('.scroller')?.scrollBy(0, -900));
    await page.evaluate((id) => { const { fake } = /** @type {any} */ (window); fake.receive(id, 'Are you there?'); fake.receive(id, 'It is singing again.'); fake.receive(id, 'Look up!'); }, BOB);
    await page.waitForSelector('.jump.news');
  } },
  { name: 'terms', config: { safety: { accepted: null, owner_terms: 'https://chat.example/terms' } }, act: async (page) => { await page.waitForSelector('#terms[open]'); }, dark: true },
  { name: 'terms-narrow', config: { safety: { accepted: null, owner_terms: 'https://chat.example/terms' } }, act: async (page) => { await page.waitForSelector('#terms[open]'); }, options: narrow },
  { name: 'terms-declined', config: { safety: { accepted: null } }, act: async (page) => { await page.click('#terms-decline'); await toBob(page); }, dark: true },
  { name: 'terms-declined-narrow', config: { safety: { accepted: null } }, act: async (page) => { await page.click('#terms-decline'); await toBob(page); }, options: narrow },
  { name: 'conversation-menu', act: async (page) => { await toBob(page); await page.click('#conversation-menu'); }, dark: true },
  { name: 'block', act: toBlock, dark: true },
  { name: 'block-device-narrow', config: { safety: plainServer }, act: toBlock, options: narrow },
  { name: 'blocked', config: { safety: { blocked } }, act: async (page) => { await toSettings(page); await page.click('#settings-blocked .blocked-who'); await page.waitForSelector('#gate-unblock'); }, dark: true },
  { name: 'report', act: toReport, dark: true },
  { name: 'report-narrow', act: toReport, options: narrow },
  { name: 'report-right-to-left', act: toReport, options: { rtl: true } },
  { name: 'report-mail', config: { safety: plainServer }, act: toReport },
  { name: 'report-done', act: async (page) => { await toReport(page); await page.click('#report-send'); await page.waitForSelector('#report-block'); } },
  { name: 'deletion', act: async (page) => { await toSettings(page); await page.click('#deletion'); } },
  { name: 'settings-people', config: { safety: { blocked, reports_waiting: 1, deletion_asked: NOW } }, act: toPeople, dark: true },
  { name: 'settings-people-narrow', config: { safety: { blocked, reports_waiting: 1, deletion_asked: NOW } }, act: toPeople, options: narrow },
  { name: 'settings-people-right-to-left', config: { safety: { blocked } }, act: toPeople, options: { rtl: true } },
  { name: 'people', act: async (page) => { await page.click('#find-people'); await page.waitForSelector('[data-person]'); }, dark: true },
  { name: 'people-narrow', options: narrow, act: async (page) => { await page.click('#find-people'); await page.waitForSelector('[data-person]'); } },
  { name: 'search', act: toFound, dark: true },
  { name: 'search-narrow', act: toFound, options: narrow },
  { name: 'search-nothing', act: async (page) => { await page.fill('#search', 'no such words'); await page.waitForSelector('.found-reach'); } },
  { name: 'search-jump', config: { conversations: [{ person: 'p-bob', messages: history(300) }] }, act: async (page) => {
    await page.fill('#search', 'number 12');
    await page.click('[data-found]');
    await until(page, () => document.querySelectorAll('[data-message]').length > 20);
  } },
  { name: 'accounts', config: { others }, act: toAccounts, dark: true },
  { name: 'accounts-narrow', config: { others }, act: toAccounts, options: narrow },
  { name: 'accounts-right-to-left', config: { others }, act: toAccounts, options: { rtl: true } },
  { name: 'settings', act: toSettings, dark: true, options: { viewport: { width: 1200, height: 1300 } } },
  { name: 'settings-window', act: toSettings, dark: true },
  { name: 'settings-quiet', config: { choices: { quiet: { from: 1320, until: 420 }, theme: 'dark', close_to_tray: true }, device: { starts_at_login: true } }, act: toSettings, options: { viewport: { width: 1200, height: 1300 } } },
  { name: 'settings-narrow', act: toSettings, dark: true, options: { viewport: { width: 320, height: 1700 } } },
  { name: 'settings-right-to-left', config: { device: { tray: false } }, act: toSettings, options: { rtl: true, viewport: { width: 1200, height: 1300 } } },
  { name: 'settings-large-text', act: toSettings, options: { text: 2, viewport: { width: 768, height: 2200 } } },
  { name: 'settings-narrow-large-text', act: toSettings, options: { text: 2, viewport: { width: 320, height: 1600 } } },
  { name: 'settings-update', config: { device: { updates: true }, update: { version: '0.2.0', notes: 'Reactions, and groups of up to a hundred people.\nQuicker where much is stored.' } }, act: async (page) => { await toSettings(page); await page.click('#update-ask'); await page.waitForSelector('#update-take'); await page.evaluate(() => document.querySelector('#update-outcome')?.scrollIntoView({ block: 'end' })); }, dark: true },
  { name: 'settings-licences', act: async (page) => { await toSettings(page); await page.click('#licences summary'); await page.waitForSelector('.licence:not(:empty)'); await page.evaluate(() => document.querySelector('.licence')?.scrollIntoView({ block: 'end' })); } },
  { name: 'settings-locked', config: { account: { vault: 'passphrase' }, choices: { lock_after: 15 } }, act: async (page) => { await toSettings(page); await page.evaluate(() => document.querySelector('#settings-lock')?.scrollIntoView()); }, dark: true, options: { viewport: { width: 1200, height: 1300 } } },
  { name: 'settings-about', act: async (page) => { await toSettings(page); await page.evaluate(() => document.querySelector('#licences')?.scrollIntoView({ block: 'end' })); } },
  { name: 'diagnostics', act: toDiagnostics, dark: true },
  { name: 'diagnostics-narrow', act: toDiagnostics, options: narrow },
  { name: 'diagnostics-right-to-left', act: toDiagnostics, options: { rtl: true } },
  { name: 'diagnostics-saved', config: { saved: { from_the_beginning: false } }, act: async (page) => { await toDiagnostics(page); await page.click('#diagnostics-save'); await page.waitForSelector('#diagnostics-saved'); }, dark: true },
  { name: 'diagnostics-refused-narrow', act: async (page) => { await toDiagnostics(page); await refuse(page, 'file_not_saved', 'retry', { kind: 'denied' }, 'save_diagnostics'); await page.click('#diagnostics-save'); await page.waitForSelector('#diagnostics .problem'); }, options: narrow },
  { name: 'passphrase-set', act: async (page) => { await toSettings(page); await page.click('#passphrase-set'); }, dark: true },
  { name: 'settings-biometrics', config: { account: { vault: 'passphrase' }, biometrics: { kind: 'touch_id', on: true }, choices: { lock_after: 15 } }, act: toLock, dark: true, options: { viewport: { width: 1200, height: 1300 } } },
  { name: 'settings-biometrics-narrow', config: { account: { vault: 'passphrase' }, biometrics: { kind: 'fingerprint_or_face', on: false }, choices: { lock_after: 15 } }, act: toLock, options: narrow },
  { name: 'passphrase-biometrics-narrow', config: { account: { vault: 'passphrase' }, biometrics: { kind: 'fingerprint_or_face', on: false } }, act: async (page) => { await toSettings(page); await page.click('#setting-biometrics'); }, options: narrow },
  { name: 'passphrase-change-narrow', config: { account: { vault: 'passphrase' } }, act: async (page) => { await toSettings(page); await page.click('#passphrase-change'); await page.click('#passphrase-submit'); }, options: narrow },
  { name: 'settings-wide', act: toSettings, options: { viewport: { width: 3840, height: 2160 } } },
  { name: 'compact', config: { choices: { compact: true } }, act: toBob },
  { name: 'on-phone-list', ...onPhone, dark: true },
  { name: 'on-phone-conversation', ...onPhone, act: toBob, dark: true },
  { name: 'on-phone-keyboard', ...onPhone, act: async (page) => { await toBob(page); await page.evaluate(() => /** @type {any} */ (window).fake.emit('insets', { top: 32, right: 0, bottom: 24, left: 0, keyboard: 300 })); } },
  { name: 'on-phone-settings', ...onPhone, act: async (page) => { await toSettings(page); await page.evaluate(() => document.querySelector('#settings-notices')?.scrollIntoView()); }, dark: true },
  { name: 'on-phone-settings-lock', ...onPhone, act: async (page) => { await toSettings(page); await page.evaluate(() => document.querySelector('#settings-lock')?.scrollIntoView()); } },
  { name: 'on-phone-share', ...onPhone, config: { ...onPhone.config, leads: { to: 'share', text: 'The hide is open again:\nhttps://birds.example/meadow/2026' } }, act: async (page) => { await page.waitForSelector('#people[open] .person'); }, dark: true },
  { name: 'on-phone-notify', ...onPhone, config: { ...onPhone.config, device: { ...onPhone.config.device, phone: { notices: 'ask' } } }, act: async (page) => { await toBob(page); await page.click('#back'); await page.waitForSelector('#notify-dialog[open]'); }, dark: true },
  { name: 'on-phone-sign-in', ...onPhone, config: { ...onPhone.config, signedIn: false } },
  { name: 'link-refused', config: { leads: { to: 'server_unknown', host: 'elsewhere.example' } }, act: async (page) => { await page.waitForSelector('#link-dialog[open]'); } },
  { name: 'sign-in-beside-others', config: { others }, act: async (page) => { await toAccounts(page); await page.click('#account-add'); await page.waitForSelector('#other-accounts'); } },
  { name: 'sign-out', act: async (page) => { await page.click('#menu'); await page.click('#sign-out'); } },
  { name: 'sign-out-unsent', act: async (page) => {
    await toUnsent(page);
    await page.click('#menu');
    await page.click('#sign-out');
    await page.click('#sign-out-confirm');
    await page.click('#unsent-copy');
    await page.waitForSelector('.copied');
  }, dark: true },
  { name: 'right-to-left', options: { rtl: true }, act: (page) => openConversation(page, 'dm:p-dalia') },
  { name: 'right-to-left-bob', options: { rtl: true }, act: toBob },
  { name: 'large-text', options: { text: 2 }, act: toBob },
  { name: 'large-text-sign-in', options: { text: 2, viewport: { width: 768, height: 800 } }, config: { signedIn: false }, act: toPerson },
  { name: 'tablet', options: { viewport: { width: 768, height: 1024 } }, act: toBob },
  { name: 'wide', options: { viewport: { width: 3840, height: 2160 } }, act: toBob },
];

/** @type {('light' | 'dark')[]} */
const schemes = ['light', 'dark'];
mkdirSync(folder, { recursive: true });
const server = await serve();
const browser = await launch();
try {
  for (const picture of pictures.filter(({ name }) => name.includes(only))) {
    for (const scheme of picture.dark ? schemes : schemes.slice(0, 1)) {
      const { page, seen, close } = await openPage(browser, server.origin, picture.config, { ...picture.options, colorScheme: scheme, reducedMotion: 'reduce' });
      await picture.act?.(page);
      await page.evaluate(() => document.fonts.ready);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const file = `${folder}${picture.name}${scheme === 'dark' ? '-dark' : ''}.png`;
      await page.screenshot({ path: file, animations: 'disabled' });
      // A palette keeps the repository small.
      execFileSync('convert', [file, '-resize', '1600x>', '-dither', 'None', '-colors', '160', '-strip', '-define', 'png:compression-level=9', `PNG8:${file}`]);
      if (seen.errors.length + seen.violations.length + seen.outside.length > 0) console.error(picture.name, seen);
      await close();
    }
    console.log(picture.name);
  }
} finally {
  await browser.close();
  await server.close();
}
