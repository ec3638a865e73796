// Writing: what is typed survives, and leaves once.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOB, CAROL, openConversation, until } from './harness.js';
import { asked, atEnd, count, fake, texts, withBob } from './pages.js';

describe('composing', () => {
  test('Enter sends, empties in the same frame, keeps the focus and shows the message once', async () => {
    const page = await withBob();
    const before = (await texts(page)).length;
    await page.fill('#composer', '  See you there  ');
    const emptied = await page.$eval('#composer', (area) => {
      area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }));
      return area.value;
    });
    assert.equal(emptied, '');
    await page.waitForSelector('[data-message="sent-0001"][data-state="sent"]');
    assert.equal((await texts(page)).length, before + 1);
    assert.equal((await texts(page)).at(-1), 'See you there');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'composer');
    assert.deepEqual((await asked(page, 'send')).map((args) => args.text), ['See you there']);
  });

  test('Shift+Enter breaks the line, one to four lines grow, more scroll', async () => {
    const page = await withBob();
    const height = () => page.$eval('#composer', (area) => area.getBoundingClientRect().height);
    const one = await height();
    await page.focus('#composer');
    const heights = [];
    for (let line = 1; line <= 6; line += 1) {
      await page.keyboard.type(`line ${line}`);
      heights.push((await height()) - one);
      await page.keyboard.press('Shift+Enter');
    }
    const line = heights[1];
    assert.ok(line > 20 && line < 24, `${heights}`);
    // The browser rounds what a text needs to whole pixels.
    assert.ok(Math.abs(heights[0]) < 1 && Math.abs(heights[2] - 2 * line) < 2 && Math.abs(heights[3] - 3 * line) < 2, `${heights}`);
    assert.ok(Math.abs(heights[5] - heights[3]) < 1, `${heights}`);
    assert.equal((await asked(page, 'send')).length, 0);
    await atEnd(page);
  });

  test('blank is not sent, and the button is off', async () => {
    const page = await withBob();
    assert.equal(await page.isDisabled('#send'), true);
    await page.fill('#composer', ' \n  ');
    assert.equal(await page.isDisabled('#send'), true);
    await page.press('#composer', 'Enter');
    assert.equal((await asked(page, 'send')).length, 0);
    await page.fill('#composer', 'x');
    assert.equal(await page.isDisabled('#send'), false);
    await page.click('#send');
    await page.waitForSelector('[data-message="sent-0001"]');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'composer');
  });

  test('Enter that ends a composition does not send', async () => {
    const page = await withBob();
    await page.fill('#composer', 'にほん');
    for (const init of [{ isComposing: true }, { keyCode: 229 }]) {
      await page.$eval('#composer', (area, given) => area.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true, ...given })), init);
    }
    assert.equal((await asked(page, 'send')).length, 0);
    assert.equal(await page.inputValue('#composer'), 'にほん');
  });

  test('with touch, Enter breaks the line and the button sends', async () => {
    const page = await withBob({}, { hasTouch: true, isMobile: true, viewport: { width: 390, height: 800 } });
    await page.tap('#composer');
    await page.keyboard.type('one');
    await page.keyboard.press('Enter');
    await page.keyboard.type('two');
    assert.equal(await page.inputValue('#composer'), 'one\ntwo');
    await page.tap('#send');
    await page.waitForSelector('[data-message="sent-0001"]');
    assert.deepEqual((await asked(page, 'send')).map((args) => args.text), ['one\ntwo']);
    assert.equal(await page.evaluate(() => document.activeElement.id), 'composer');
  });

  test('the hints for keyboards on a screen are set', async () => {
    const page = await withBob();
    const attributes = await page.$eval('#composer', (a) => [a.getAttribute('autocapitalize'), a.getAttribute('enterkeyhint'), a.placeholder]);
    assert.deepEqual(attributes, ['sentences', 'send', 'Type a message']);
  });

  test('offline it stays usable and says what will happen', async () => {
    const page = await withBob();
    await fake(page, () => window.fake.connect({ state: 'offline' }));
    await until(page, () => document.querySelector('#composer').placeholder === 'Will be sent when you are back online');
    assert.equal(await page.getAttribute('#connection', 'data-state'), 'offline');
    await page.fill('#composer', 'Later then');
    await page.press('#composer', 'Enter');
    await page.waitForSelector('[data-message="sent-0001"][data-state="queued"]');
    assert.match(await page.textContent('[data-message="sent-0001"]'), /Waiting to be sent/u);
    await fake(page, () => window.fake.connect({ state: 'live' }));
    await fake(page, () => window.fake.move('sent-0001', 'sent'));
    await page.waitForSelector('[data-message="sent-0001"][data-state="sent"]');
  });

  test('a text that could not be queued comes back, with the reason', async () => {
    const page = await withBob();
    await fake(page, () => window.fake.refuse('send', window.fake.problem('disk_full', 'retry')));
    await page.fill('#composer', 'Too important to lose');
    await page.press('#composer', 'Enter');
    await page.waitForSelector('.composer-trouble .problem[data-code="disk_full"]');
    assert.equal(await page.inputValue('#composer'), 'Too important to lose');
    await page.click('.composer-trouble button');
    await page.waitForSelector('[data-message="sent-0001"]');
    assert.equal(await page.locator('.composer-trouble .problem').count(), 0);
  });

  test('drafts are kept for each conversation, on a pause and on leaving, and go with sending', async () => {
    const page = await withBob();
    await page.fill('#composer', 'Half a thou');
    await until(page, () => window.fake.asked('save_draft').length === 1);
    await page.fill('#composer', 'Half a thought');
    await page.click(`[data-conversation="${CAROL}"]`);
    await until(page, () => document.querySelector('.conversation-title').textContent.includes('Carol'));
    await page.waitForSelector('body[data-ready="conversation"]');
    assert.equal(await page.inputValue('#composer'), '');
    assert.match(await page.textContent(`[data-conversation="${BOB}"]`), /Draft:.*Half a thought/u);
    await openConversation(page, BOB);
    await until(page, () => document.querySelector('#composer').value === 'Half a thought');
    await page.press('#composer', 'Enter');
    await page.waitForSelector('[data-message="sent-0001"]');
    await until(page, () => !window.fake.state.conversations.get('dm:p-bob').draft);
  });

  test('a draft is kept when the page is put away', async () => {
    const page = await withBob();
    await page.fill('#composer', 'Unfinished');
    await page.evaluate(() => dispatchEvent(new Event('pagehide')));
    assert.deepEqual((await asked(page, 'save_draft')).map((args) => args.text), ['Unfinished']);
  });
});
