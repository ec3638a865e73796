// The list of conversations.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CAROL, NOW, until } from './harness.js';
import { asked, atEnd, fake, long, start } from './pages.js';

describe('the list', () => {
  test('shows last text, time, unread, draft and state', async () => {
    const page = await start();
    const rows = await page.$$eval('[data-conversation]', (all) => all.map((row) => row.textContent.replace(/[\u2066-\u2069]/gu, '')));
    assert.match(rows[0], /Bob Hargreaves14:14Six it is/u);
    assert.match(rows[1], /Carol Osei12:52.*2 unread messages/u);
    assert.match(rows[3], /Draft:About the keys/u);
    assert.match(rows[4], /SentYou: Invoice is paid/u);
    assert.equal(await page.title(), '(2) Whinchat');
  });

  test('search asks the core, says when there is nothing, and Escape clears it', async () => {
    const page = await start();
    await page.keyboard.press('Control+k');
    await page.keyboard.type('car');
    await until(page, () => document.querySelectorAll('[data-conversation]').length === 1);
    await page.fill('#search', 'nobody like that');
    await page.waitForSelector('.list-empty [role="status"]');
    await page.focus('#search');
    await page.keyboard.press('Escape');
    await until(page, () => document.querySelectorAll('[data-conversation]').length === 5);
  });

  test('search finds messages too, says how far back, and jumps to one with a light', async () => {
    const page = await start({ ...long(400, { server: 300 }), reach: { to: 'instant', at: NOW - 86_400_000 } });
    await page.keyboard.press('Control+f');
    await until(page, () => document.activeElement.id === 'search');
    const wanted = await fake(page, () => {
      const message = window.fake.state.conversations.get('dm:p-bob').rows[120];
      window.fake.state.conversations.get('dm:p-bob').rows[120] = { ...message, text: 'the <b>needle</b> in it' };
      return message.id;
    });
    await page.keyboard.type('needle');
    await page.waitForSelector('[data-found]');
    assert.equal(await page.textContent('.found-text mark'), 'needle');
    assert.equal(await page.textContent('.found-text .isolated'), 'the <b>needle</b> in it', 'text, never markup');
    assert.match(await page.textContent('.found-reach'), /^Searched back to .+\. Older messages are on the server\.$/u);
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    // Not held: alone at first, then among its neighbours.
    await until(page, (id) => document.querySelectorAll('[data-message]').length > 20 && document.querySelector(`[data-message="${id}"]`), wanted);
    const lit = await page.$eval(`[data-message="${wanted}"]`, (one) => {
      const { top, bottom } = one.getBoundingClientRect();
      const view = document.querySelector('.scroller').getBoundingClientRect();
      return top >= view.top && bottom <= view.bottom;
    });
    assert.ok(lit, 'it is in view');
    assert.deepEqual((await asked(page, 'fetch')).map(({ anchor }) => anchor), [{ at: 'around', sort: wanted }]);
    await page.click('.jump');
    await atEnd(page);
    await page.fill('#search', 'no such words');
    await until(page, () => document.querySelector('.found-reach').textContent.startsWith('No message with'));
    await page.fill('#search', '');
    await until(page, () => document.querySelector('.found-messages').hidden);
  });

  test('what happened to the messages kept here is told once', async () => {
    const problem = { code: 'storage_rebuilt', args: { unsent: '2', drafts: '0' }, action: 'none' };
    const page = await start({ notice: problem });
    await page.waitForSelector('.banner button');
    assert.match(await page.textContent('.banner'), /was damaged.*2\u2069? messages/u);
    await page.click('.banner button');
    await until(page, () => document.querySelector('.banner').childElementCount === 0);
  });

  test('an empty list offers to find people', async () => {
    const page = await start({ conversations: [] });
    await page.click('.list-empty button');
    await page.waitForSelector('#people[open]');
    await page.fill('#people-search', 'carol');
    await until(page, () => document.querySelectorAll('[data-person]').length === 1);
    await page.keyboard.press('Enter');
    await page.waitForSelector('body[data-ready="conversation"]');
    assert.match(await page.textContent('.conversation-empty'), /No messages yet\. Send your first message!/u);
    await until(page, () => !document.querySelector('#people'));
    await page.fill('#composer', 'Hello Carol');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-conversation="dm:p-carol"]');
    await until(page, () => document.querySelector('.conversation-empty').hidden);
  });

  test('a new message moves its conversation to the top, and the focus stays on its row', async () => {
    const page = await start();
    await page.focus(`[data-conversation="${CAROL}"]`);
    await fake(page, (id) => window.fake.receive(id, 'And the map?'), CAROL);
    await until(page, (id) => document.querySelector('[data-conversation]').dataset.conversation === id, CAROL);
    assert.equal(await page.evaluate(() => document.activeElement.dataset.conversation), CAROL);
    assert.equal(await page.title(), '(3) Whinchat');
  });

  test('hundreds of conversations come in parts as one scrolls', async () => {
    const many = Array.from({ length: 250 }, (_, at) => ({ person: `p-${at}`, messages: [{ text: `Note ${at}`, at: NOW - at * 60_000 }] }));
    const page = await start({ conversations: many, people: many.map(({ person }) => ({ id: person, name: `Person ${person}`, is_me: false })) });
    await until(page, () => document.querySelectorAll('[data-conversation]').length === 100);
    for (const expected of [200, 250]) {
      await page.$eval('.list-scroller', (s) => { s.scrollTop = s.scrollHeight; });
      await until(page, (n) => document.querySelectorAll('[data-conversation]').length === n, expected);
    }
  });
});
