// Messages as they come, and the stream that tells of them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOB, CAROL, history, NOW, openConversation, until } from './harness.js';
import { asked, count, fake, frames, long, scrollTo, start, texts, withBob } from './pages.js';

describe('messages', () => {
  test('the echo never doubles, in whichever order answer and patches come', async () => {
    const page = await withBob({ deliver: false });
    const before = (await texts(page)).length;
    await fake(page, () => window.fake.hold('send'));
    await page.fill('#composer', 'Once');
    await page.press('#composer', 'Enter');
    await until(page, () => window.fake.asked('send').length === 1);
    await fake(page, () => window.fake.release('send'));
    await page.waitForSelector('[data-message="sent-0001"]');
    await fake(page, (id) => { window.fake.echo(id, 'sent-0001'); window.fake.move('sent-0001', 'sending'); window.fake.move('sent-0001', 'sent'); window.fake.echo(id, 'sent-0001'); window.fake.replay(id, 'sent-0001'); }, BOB);
    await page.waitForSelector('[data-message="sent-0001"][data-state="sent"]');
    await frames(page);
    assert.equal((await texts(page)).length, before + 1);
    assert.equal((await texts(page)).at(-1), 'Once');
  });

  test('confirming keeps the element, so that nothing flickers, and moves it among the rest', async () => {
    const page = await withBob({ deliver: false });
    await page.fill('#composer', 'First mine');
    await page.press('#composer', 'Enter');
    await page.waitForSelector('[data-message="sent-0001"]');
    await page.evaluate(() => { window.kept = document.querySelector('[data-message="sent-0001"]').closest('.entry'); });
    await fake(page, (id) => window.fake.receive(id, 'Then theirs'), BOB);
    await until(page, () => [...document.querySelectorAll('.text')].at(-2).textContent === 'Then theirs');
    await fake(page, () => window.fake.move('sent-0001', 'sent'));
    await page.waitForSelector('[data-message="sent-0001"][data-state="sent"]');
    assert.equal(await page.evaluate(() => window.kept === document.querySelector('[data-message="sent-0001"]').closest('.entry')), true);
  });

  test('a message without a text that can be shown says so', async () => {
    const page = await withBob({ conversations: [{ person: 'p-bob', messages: [{ text: '', at: NOW }] }] });
    assert.deepEqual(await texts(page), ['This message has no text that can be shown.']);
    assert.match(await page.textContent('.row-preview'), /no text that can be shown/u);
  });

  test('a failed message says why, and can be tried again, copied and deleted', async () => {
    const page = await withBob({ deliver: false });
    await page.fill('#composer', 'Refused');
    await page.press('#composer', 'Enter');
    await page.waitForSelector('[data-message="sent-0001"]');
    await fake(page, () => window.fake.move('sent-0001', 'failed', window.fake.problem('receiver_gone')));
    await page.waitForSelector('[data-message="sent-0001"][data-state="failed"]');
    assert.match(await page.textContent('.trouble'), /Not sent\..*no longer on the server/u);
    await page.click('[data-deed="copy"]');
    await until(page, () => document.querySelector('#announcements').textContent.includes('Copied'));
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'Refused');
    await page.click('[data-deed="retry"]');
    await page.waitForSelector('[data-message="sent-0001"][data-state="sent"]');
    await fake(page, () => window.fake.move('sent-0001', 'failed'));
    await page.click('[data-deed="discard"]');
    await until(page, () => !document.querySelector('[data-message="sent-0001"]'));
  });

  test('a new one is announced once, with its author; history and what is mine are not', async () => {
    const page = await withBob();
    assert.equal((await page.textContent('#announcements')).trim(), '');
    await page.fill('#composer', 'Mine');
    await page.press('#composer', 'Enter');
    await page.waitForSelector('[data-message="sent-0001"][data-state="sent"]');
    const id = await fake(page, (c) => window.fake.receive(c, 'Theirs'), BOB);
    await page.waitForSelector(`[data-message="${id}"]`);
    await fake(page, ([c, m]) => window.fake.echo(c, m), [BOB, id]);
    await frames(page);
    const said = await page.$$eval('#announcements p', (all) => all.map((one) => one.textContent.replace(/[\u2066-\u2069]/gu, '')));
    assert.deepEqual(said, ['Bob Hargreaves: Theirs']);
    assert.equal(await page.locator('[aria-live="polite"]#announcements').count(), 1);
  });

  test('links are links, go outside by the core, and never move the page', async () => {
    const page = await withBob({ conversations: [{ person: 'p-bob', messages: [{ text: 'https://birds.example/a?b=1. <b>not bold</b> javascript:alert(1)', at: NOW }] }] });
    assert.equal((await texts(page))[0], 'https://birds.example/a?b=1. <b>not bold</b> javascript:alert(1)');
    assert.equal(await page.locator('.text a').count(), 1);
    assert.equal(await page.locator('.text b').count(), 0);
    await page.click('.text a');
    await page.click('.text a', { button: 'middle' });
    assert.deepEqual(await asked(page, 'open_outside'), [{ url: 'https://birds.example/a?b=1' }, { url: 'https://birds.example/a?b=1' }]);
    assert.equal(new URL(page.url()).pathname, '/');
  });

  test('unread begin at a divider, and are read when seen in focus', async () => {
    const page = await start();
    await openConversation(page, CAROL);
    await page.waitForSelector('.unread-divider');
    await until(page, () => window.fake.asked('mark_read').length === 1);
    await until(page, () => document.title === 'Whinchat');
    await page.evaluate(() => { document.hasFocus = () => false; });
    await fake(page, (id) => window.fake.receive(id, 'Not seen'), CAROL);
    await until(page, () => document.querySelector('#announcements').textContent.includes('Not seen'));
    assert.equal((await asked(page, 'mark_read')).length, 1);
    await page.evaluate(() => { document.hasFocus = () => true; dispatchEvent(new Event('focus')); });
    await until(page, () => window.fake.asked('mark_read').length === 2);
  });

  test('a day has a separator, and the names of days are words where they are near', async () => {
    const page = await withBob();
    assert.deepEqual(await page.$$eval('.day', (all) => all.map((day) => day.textContent)), ['Yesterday', 'Today']);
  });
});

describe('the stream', () => {
  test('a missing number opens stream and snapshot again, and what was lost is there', async () => {
    const page = await withBob();
    await fake(page, (id) => { window.fake.receive(id, 'Lost on the way', { lose: true }); window.fake.receive(id, 'Came through'); }, BOB);
    await until(page, () => [...document.querySelectorAll('.text')].some((one) => one.textContent === 'Lost on the way'));
    assert.equal((await asked(page, 'stream')).length, 2);
    const all = await texts(page);
    assert.equal(all.filter((one) => one === 'Came through').length, 1);
    assert.deepEqual(all.slice(-2), ['Lost on the way', 'Came through']);
    await fake(page, (id) => window.fake.receive(id, 'And on'), BOB);
    await until(page, () => [...document.querySelectorAll('.text')].at(-1).textContent === 'And on');
    assert.equal((await asked(page, 'stream')).length, 2);
  });

  test('after suspension everything is asked for again, without moving one who reads history', async () => {
    const page = await withBob(long(120));
    await scrollTo(page, 1500);
    await frames(page);
    const before = await page.evaluate(() => {
      const edge = document.querySelector('.scroller').getBoundingClientRect().top;
      const bubble = [...document.querySelectorAll('[data-message]')].find((one) => one.getBoundingClientRect().top >= edge);
      return { id: bubble.dataset.message, top: bubble.getBoundingClientRect().top };
    });
    await fake(page, (id) => { window.fake.suspend(true); window.fake.receive(id, 'While away'); window.fake.suspend(false); }, BOB);
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
    await until(page, () => window.fake.asked('stream').length === 2 && window.fake.asked('watch').length === 2);
    await until(page, () => [...document.querySelectorAll('.text')].some((one) => one.textContent === 'While away'));
    const after = await page.$eval(`[data-message="${before.id}"]`, (one) => one.getBoundingClientRect().top);
    assert.ok(Math.abs(after - before.top) <= 1, `moved by ${after - before.top}`);
  });

  test('the stream is opened before the snapshot, and the conversation watched before its page', async () => {
    const page = await withBob();
    const order = await fake(page, () => window.fake.calls.map((call) => call.command).filter((name) => ['stream', 'open', 'watch', 'page'].includes(name)));
    assert.deepEqual(order, ['stream', 'open', 'watch', 'page']);
  });

  test('the connection is a dot and words together, in every state, and a button where one can act', async () => {
    const page = await start();
    for (const state of ['connecting', 'catching_up', 'live', 'polling', 'waiting', 'offline', 'sign_in_needed', 'not_provisioned']) {
      await fake(page, (s) => window.fake.connect({ state: s, retry_at: s === 'waiting' ? Date.now() + 5000 : null }), state);
      await page.waitForSelector(`#connection[data-state="${state}"]`);
      assert.ok((await page.textContent('#connection .words')).length > 3);
      assert.equal(await page.isVisible('#connection button'), state === 'waiting' || state === 'offline');
    }
    await fake(page, () => window.fake.connect({ state: 'waiting', retry_at: Date.now() + 5000 }));
    await page.waitForSelector('#connection[data-state="waiting"]');
    assert.match((await page.textContent('#connection .words')).replace(/[\u2066-\u2069]/gu, ''), /in 5 seconds/u);
    await page.click('#connection button');
    await page.waitForSelector('#connection[data-state="live"]');
  });

  test('the theme follows the shell at once', async () => {
    const page = await start({}, { colorScheme: 'light' });
    const ground = () => page.evaluate(() => getComputedStyle(document.querySelector('.pane-conversation')).backgroundColor);
    const light = await ground();
    await fake(page, () => window.fake.emit('theme', 'dark'));
    await until(page, () => document.documentElement.dataset.theme === 'dark');
    assert.notEqual(await ground(), light);
    // A desktop that has no preference any more leaves it to the browser.
    await fake(page, () => window.fake.emit('theme', ''));
    await until(page, () => document.documentElement.dataset.theme === undefined);
    assert.equal(await ground(), light);
  });
});
