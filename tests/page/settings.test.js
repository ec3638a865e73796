// The settings, and where a notice or a link leads.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOB, CAROL, others, until } from './harness.js';
import { asked, fake, frames, gone, start, withBob } from './pages.js';

const plain = (text) => text.replace(/[\u2066-\u2069]/gu, '');
const many = (page, selector) => page.locator(selector).count();
/** Opens the settings as the keyboard does. */
const settings = async (config, options) => {
  const page = await start(config, options);
  await page.keyboard.press('Control+,');
  await page.waitForSelector('.settings-section');
  return page;
};
const chosen = (page) => fake(page, () => window.fake.state.choices);
const root = (page) => page.evaluate(() => {
  const { dataset, style } = document.documentElement;
  return [dataset.theme ?? '', style.fontSize, dataset.room ?? ''];
});

describe('the settings', () => {
  test('are opened from the menu and by a key, and give the focus back', async () => {
    const page = await start();
    await page.focus('#menu');
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowDown');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'settings-open');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.settings-section');
    // Once: the same key does not open a second one over it.
    await page.keyboard.press('Control+,');
    assert.equal(await many(page, '#settings'), 1);
    await page.keyboard.press('Escape');
    await until(page, () => !document.querySelector('#settings'));
    assert.equal(await page.evaluate(() => document.activeElement.id), 'menu');
  });

  test('tell who is signed in, what is kept, and which version this is', async () => {
    const page = await settings();
    const said = plain(await page.textContent('#settings'));
    for (const word of ['Alice Liddell', 'alice@example.com', 'chat.example', '48 MB', 'Whinchat', 'Version 0.1.0']) assert.ok(said.includes(word), word);
    await page.click('#licences summary');
    await until(page, () => document.querySelector('.licence').textContent.includes('MIT License'));
    assert.equal((await asked(page, 'licences')).length, 1);
    await page.click('#settings-sign-out');
    await page.waitForSelector('#sign-out-dialog[open]');
    await gone(page, '#settings');
  });

  test('a newer version is asked for, told in the publisher’s plain words, and taken', async () => {
    const page = await settings({ device: { updates: true }, update: { version: '99.1.0', notes: 'Quicker.\n<b>Bold</b>' } });
    // Nothing is asked by itself.
    assert.deepEqual(await asked(page, 'look_for_update'), []);
    await page.click('#update-ask');
    await page.waitForSelector('#update-take');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'update-take');
    const said = plain(await page.textContent('#update-outcome'));
    assert.ok(said.includes('Version 99.1.0 is there') && said.includes('<b>Bold</b>'), said);
    await page.click('#update-later');
    assert.equal(await page.textContent('#update-outcome'), '');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'update-ask');
    await page.keyboard.press('Enter');
    await page.click('#update-take');
    await until(page, () => document.querySelector('#update-outcome').textContent.includes('begins anew …'));
    assert.equal((await asked(page, 'take_update')).length, 1);
  });

  test('that there is none, and why one could not be had, is said; where none can be asked for, nothing is', async () => {
    const none = await settings({ device: { updates: true } });
    await none.click('#update-ask');
    await until(none, () => document.querySelector('#update-outcome').textContent.includes('newest version'));
    const problem = { code: 'update_failed', action: 'retry', args: { kind: 'signature' } };
    const bad = await settings({ device: { updates: true }, update: { version: '99.1.0', notes: '' }, takeProblem: problem });
    await bad.click('#update-ask');
    await bad.click('#update-take');
    await bad.waitForSelector('#update-outcome .problem[data-code="update_failed"]');
    // What was found is used up: to try again is to ask again.
    await bad.click('#update-outcome .problem button');
    await bad.waitForSelector('#update-take');
    const store = await settings();
    assert.equal(await many(store, '#update-ask'), 0);
  });

  test('diagnostics say what is in them and what isn’t before anything is written, and then where they are', async () => {
    const page = await settings();
    await page.click('#diagnostics-open');
    await page.waitForSelector('#diagnostics[open] #diagnostics-place');
    await gone(page, '#settings');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'diagnostics-title');
    const said = plain(await page.textContent('#diagnostics'));
    for (const word of ['Not in it', 'Messages, drafts', 'e-mail addresses', 'who wrote to whom', 'blocked or reported', 'goes to nobody']) assert.ok(said.includes(word), word);
    assert.deepEqual(await asked(page, 'save_diagnostics'), []);
    assert.equal(await page.textContent('#diagnostics-path'), '/home/alice/Downloads');
    await page.selectOption('#diagnostics-place', 'documents');
    assert.equal(await page.textContent('#diagnostics-path'), '/home/alice/Documents');
    await page.click('#diagnostics-save');
    await page.waitForSelector('#diagnostics-saved');
    const [{ place }] = await asked(page, 'save_diagnostics');
    assert.equal(place, 'documents');
    const done = plain(await page.textContent('#diagnostics .outcome'));
    assert.ok(done.includes('/home/alice/documents/diagnostics-') && done.includes('812 kB') && !done.includes('newest part'), done);
    assert.equal(await many(page, '#diagnostics-save'), 0);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'diagnostics-close');
    await page.keyboard.press('Enter');
    await until(page, () => !document.querySelector('#diagnostics'));
  });

  test('diagnostics that could not be saved say what to do, and go to another place', async () => {
    const page = await settings({ saved: { from_the_beginning: false } });
    await page.click('#diagnostics-open');
    await page.waitForSelector('#diagnostics-place');
    await page.evaluate(() => window.fake.refuse('save_diagnostics', window.fake.problem('file_not_saved', 'retry', { kind: 'denied' })));
    await page.click('#diagnostics-save');
    await page.waitForSelector('#diagnostics .problem[data-code="file_not_saved"]');
    assert.ok(plain(await page.textContent('#diagnostics .problem')).includes('Choose another place'));
    await page.selectOption('#diagnostics-place', 'app');
    await page.click('#diagnostics .problem button');
    await page.waitForSelector('#diagnostics-saved');
    assert.equal((await asked(page, 'save_diagnostics')).at(-1).place, 'app');
    assert.ok(plain(await page.textContent('#diagnostics .outcome')).includes('newest part'));
  });

  test('light and dark, the size of text and the room around things change at once and are kept', async () => {
    const page = await settings({}, { colorScheme: 'light' });
    assert.deepEqual(await root(page), ['', '', '']);
    await page.click('.segment:has([value="dark"])');
    await until(page, () => document.documentElement.dataset.theme === 'dark');
    await page.selectOption('#setting-text-size', '125');
    await until(page, () => document.documentElement.style.fontSize === '125%');
    await page.click('#setting-compact');
    await until(page, () => document.documentElement.dataset.room === 'compact');
    const { theme, text_size: size, compact } = await chosen(page);
    assert.deepEqual([theme, size, compact], ['dark', 125, true]);
    // What the desktop does meanwhile changes nothing, until it is to decide again.
    await fake(page, () => window.fake.emit('theme', 'light'));
    await page.selectOption('#setting-text-size', '100');
    await until(page, () => document.documentElement.style.fontSize === '');
    assert.deepEqual(await root(page), ['dark', '', 'compact']);
    await page.focus('#setting-theme-dark');
    await page.keyboard.press('ArrowRight');
    await until(page, () => document.documentElement.dataset.theme === 'light');
    assert.equal((await chosen(page)).theme, 'system');
  });

  test('what was chosen before is so from the start', async () => {
    const page = await settings({ choices: { theme: 'dark', text_size: 115, compact: true, notices: false, quiet: { from: 1330, until: 400 } } });
    assert.deepEqual(await root(page), ['dark', '115%', 'compact']);
    assert.equal(await page.inputValue('#setting-text-size'), '115');
    assert.ok(await page.isChecked('#setting-theme-dark'));
    assert.equal(await page.isVisible('#setting-show-text'), false, 'without notices there is no more to choose');
    await page.click('#setting-notices');
    assert.deepEqual([await page.inputValue('#quiet-from'), await page.inputValue('#quiet-until')], ['1330', '400']);
  });

  test('quiet hours begin at night and are changed by themselves', async () => {
    const page = await settings();
    assert.equal(await page.isVisible('#quiet-from'), false);
    await page.click('#setting-quiet');
    await until(page, () => window.fake.state.choices.quiet !== null);
    assert.deepEqual((await chosen(page)).quiet, { from: 1320, until: 420 });
    assert.equal(await page.textContent('#quiet-from option:checked'), '22:00');
    await page.selectOption('#quiet-until', '480');
    await until(page, () => window.fake.state.choices.quiet.until === 480);
    await page.click('#setting-show-text');
    await page.click('#setting-quiet');
    await until(page, () => window.fake.state.choices.quiet === null);
    assert.equal((await chosen(page)).show_text, false, 'each is kept with those before it');
  });

  test('a choice that could not be kept stands as it was, and says so', async () => {
    const page = await settings();
    for (const [switched, command] of [['#setting-notices', 'choose'], ['#setting-login', 'start_at_login']]) {
      const before = await page.isChecked(switched);
      await page.evaluate((c) => window.fake.refuse(c, window.fake.problem('storage_failed', 'retry', { kind: 'settings' })), command);
      await page.click(switched);
      await page.waitForSelector('#settings .problem[data-code="storage_failed"]');
      assert.equal(await page.isChecked(switched), before, switched);
      await page.click(switched);
      await until(page, () => !document.querySelector('#settings .problem'));
    }
    await page.evaluate(() => window.fake.refuse('set_history_depth', window.fake.problem('account_unknown')));
    await page.selectOption('#setting-depth', 'everything');
    await page.waitForSelector('#settings .problem[data-code="account_unknown"]');
    assert.equal(await page.inputValue('#setting-depth'), 'days:90');
    await page.selectOption('#setting-depth', 'days:365');
    await until(page, () => window.fake.state.depth.count === 365);
    // Another program may have chosen what is not offered here.
    const other = await settings({ depth: { to: 'messages', count: 500 } });
    assert.equal(plain(await other.textContent('#setting-depth option:checked')), 'The last 500 messages');
  });

  test('what a device does not have is not offered', async () => {
    const page = await settings({ device: { tray: false, starts_at_login: null }, choices: { close_to_tray: true } });
    assert.equal(await page.isDisabled('#setting-tray'), true);
    assert.equal(await page.isChecked('#setting-tray'), false, 'nothing is closed into a tray that is not there');
    assert.match(plain(await page.textContent('#setting-tray-about')), /shows no tray/u);
    assert.equal(await many(page, '#setting-login'), 0);
    for (const phones of ['#setting-hide-screen', '#setting-notices-about', '#notices-denied:not([hidden])']) assert.equal(await many(page, phones), 0, phones);
  });

  test('settings that can’t be read say so', async () => {
    const page = await start();
    await page.evaluate(() => window.fake.refuse('this_device', window.fake.problem('storage_failed', 'retry', { kind: 'settings' })));
    await page.keyboard.press('Control+,');
    await page.waitForSelector('#settings .problem[data-code="storage_failed"]');
    assert.equal(await many(page, '.settings-section'), 0);
  });
});

describe('where a notice or a link leads', () => {
  const bob = { to: 'conversation', account: 'acc-1', conversation: BOB };
  const shows = (page, id) => until(page, (c) => document.querySelector(`[data-conversation="${c}"] [aria-current="true"], [data-conversation="${c}"][aria-current="true"]`) !== null && document.body.dataset.ready === 'conversation', id);

  test('a conversation is opened at the start, and from whatever stands over it later', async () => {
    const page = await start({ leads: bob }, { ready: 'conversation' });
    await shows(page, BOB);
    await page.keyboard.press('Control+,');
    await page.waitForSelector('.settings-section');
    await page.evaluate((c) => window.fake.lead({ to: 'conversation', account: 'acc-1', conversation: c }), CAROL);
    await shows(page, CAROL);
    assert.equal(await many(page, 'dialog[open]'), 0);
  });

  test('one of another account opens that account first', async () => {
    const page = await start({ others });
    await page.evaluate(() => window.fake.lead({ to: 'conversation', account: 'acc-2', conversation: 'dm:p-femi' }));
    await shows(page, 'dm:p-femi');
    assert.equal(await fake(page, () => window.fake.state.remembered), 'acc-2');
    assert.deepEqual(await fake(page, () => window.fake.state.open), ['acc-2']);
  });

  test('an account that is locked asks for its passphrase, and nothing is opened', async () => {
    const page = await start({ others });
    await page.evaluate(() => window.fake.lead({ to: 'conversation', account: 'acc-3', conversation: 'dm:p-femi' }));
    await page.waitForSelector('#passphrase');
    assert.equal(await many(page, '[data-message]'), 0);
  });

  test('a link to a server that nobody here is signed in to, or none at all, is refused in words', async () => {
    const page = await withBob();
    const before = await fake(page, () => window.fake.calls.length);
    await page.evaluate(() => window.fake.lead({ to: 'server_unknown', host: 'evil.example' }));
    await page.waitForSelector('#link-dialog[open]');
    assert.match(plain(await page.textContent('#link-dialog')), /evil\.example, and nobody is signed in/u);
    await page.evaluate(() => window.fake.lead({ to: 'link_unknown' }));
    await until(page, () => document.querySelector('#link-dialog')?.textContent.includes('understand this link'));
    assert.equal(await many(page, '#link-dialog'), 1);
    const after = await fake(page, () => window.fake.calls.slice(-100).map(({ command }) => command));
    assert.deepEqual(after.slice(before), ['where_to', 'where_to'], 'nothing else was done');
    await page.keyboard.press('Enter');
    await until(page, () => !document.querySelector('#link-dialog'));
  });

  test('whoever sets a server up is not disturbed', async () => {
    const page = await start({ signedIn: false });
    await page.evaluate(() => window.fake.refuse('sign_in', window.fake.problem('set_up_needed', 'set_up', { host: 'chat.example' })));
    await page.fill('#server', 'chat.example');
    await page.click('#continue');
    await page.fill('#email', 'alice@example.com');
    await page.fill('#password', 'secret');
    await page.click('#continue');
    await page.waitForSelector('[data-step^="set-up"]');
    await page.evaluate(() => window.fake.lead({ to: 'link_unknown' }));
    await frames(page);
    assert.equal(await many(page, '#link-dialog'), 0);
    assert.equal((await asked(page, 'where_to')).length, 1, 'only at the start');
  });
});

describe('the lock', () => {
  const under = { account: { vault: 'passphrase' } };
  const sheet = (page) => page.waitForSelector('#passphrase-dialog[open]');

  test('a passphrase is set, twice the same, and can then be used to lock', async () => {
    const page = await settings();
    await page.click('#passphrase-set');
    await sheet(page);
    await page.fill('#passphrase-new', 'correct');
    await page.click('#passphrase-submit');
    assert.match(await page.textContent('#passphrase-new-error'), /at least 8/u);
    await page.fill('#passphrase-new', 'correct horse');
    await page.fill('#passphrase-again', 'correct house');
    await page.click('#passphrase-submit');
    assert.match(await page.textContent('#passphrase-again-error'), /not the same/u);
    assert.equal((await asked(page, 'set_passphrase')).length, 0);
    await page.fill('#passphrase-again', 'correct horse');
    await page.keyboard.press('Enter');
    // Back where one came from, which offers what there is now.
    await page.waitForSelector('#lock-now');
    await gone(page, '#passphrase-dialog');
    assert.equal(await many(page, '#passphrase-set'), 0);
    await page.selectOption('#setting-lock-after', '5');
    await until(page, () => window.fake.state.choices.lock_after === 5);
    await page.click('#lock-now');
    await page.waitForSelector('#passphrase');
    assert.equal(await many(page, 'dialog'), 0);
    await page.fill('#passphrase', 'correct horse');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-conversation]');
  });

  test('what was typed is kept before it is locked, and nothing of it stays on show', async () => {
    const page = await withBob(under);
    await page.fill('#composer', 'Half a thought');
    await page.keyboard.press('Control+l');
    await page.waitForSelector('#passphrase');
    assert.equal(await fake(page, () => window.fake.draft('dm:p-bob')), 'Half a thought');
    assert.equal(await page.title(), 'Whinchat');
    assert.ok(!(await page.textContent('body')).includes('Half a thought'));
    assert.equal(await many(page, '[data-message], [data-conversation]'), 0);
  });

  test('an account that the core has locked shows its lock, whatever is on top', async () => {
    const page = await settings(under);
    await fake(page, () => window.fake.lock());
    await page.waitForSelector('#passphrase');
    assert.equal(await many(page, 'dialog'), 0);
  });

  test('is changed and taken away by who knows it', async () => {
    const page = await settings(under);
    await page.click('#passphrase-change');
    await sheet(page);
    await page.click('#passphrase-submit');
    assert.notEqual(await page.textContent('#passphrase-old-error'), '');
    await page.fill('#passphrase-old', 'wrong horse');
    await page.fill('#passphrase-new', 'another horse');
    await page.fill('#passphrase-again', 'another horse');
    await page.click('#passphrase-submit');
    await until(page, () => document.querySelector('#passphrase-old-error').dataset.code === 'passphrase_wrong');
    await page.keyboard.press('Escape');
    await until(page, () => !document.querySelector('#passphrase-dialog'));
    await page.keyboard.press('Control+,');
    await page.click('#passphrase-remove');
    await sheet(page);
    await page.fill('#passphrase-old', 'correct horse');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#passphrase-set');
    const [first, second] = await asked(page, 'set_passphrase');
    assert.ok(!JSON.stringify([first, second]).includes('horse'), 'the log of calls holds no secret');
  });

  test('what is kept nowhere cannot be locked, and a key does nothing where no passphrase is', async () => {
    const page = await settings({ account: { vault: 'session_only' } });
    assert.equal(await many(page, '#passphrase-set, #lock-now'), 0);
    const other = await withBob();
    await other.keyboard.press('Control+l');
    assert.equal((await asked(other, 'lock')).length, 0);
    assert.equal(await many(other, '#passphrase'), 0);
  });

  test('the shell is told that somebody is there, and not at every key', async () => {
    const page = await withBob(under);
    const before = await fake(page, () => window.fake.state.used);
    assert.ok(before >= 1);
    await page.type('#composer', 'a line of some length');
    assert.ok((await fake(page, () => window.fake.state.used)) <= before + 1);
  });
});
