// Everything by keyboard alone.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOB, CAROL, until } from './harness.js';
import { start, withBob } from './pages.js';

describe('by keyboard alone', () => {
  test('find a person, write, go back, find a conversation, sign out', async () => {
    const page = await start({}, { viewport: { width: 390, height: 800 } });
    const focused = () => page.evaluate(() => { const a = document.activeElement; return a.id || a.dataset.conversation || a.dataset.person || a.className; });
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'find-people');
    await page.keyboard.press('Enter');
    await until(page, () => document.activeElement.id === 'people-search' && document.querySelector('[data-person]'));
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), 'p-bob');
    await page.keyboard.press('Enter');
    await page.waitForSelector('body[data-ready="conversation"]');
    assert.equal(await focused(), 'composer');
    await page.keyboard.type('By keyboard');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-message="sent-0001"]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('body[data-ready="list"]');
    assert.equal(await focused(), BOB);
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), CAROL);
    await page.keyboard.press('Enter');
    await page.waitForSelector('body[data-ready="conversation"]');
    await page.keyboard.press('Escape');
    await page.waitForSelector('body[data-ready="list"]');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Shift+Tab');
    assert.equal(await focused(), 'menu');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), 'accounts');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), 'settings-open');
    await page.keyboard.press('ArrowDown');
    assert.equal(await focused(), 'sign-out');
    await page.keyboard.press('Escape');
    assert.equal(await focused(), 'menu');
    await page.keyboard.press('Enter');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#sign-out-dialog[open]');
    await page.keyboard.press('Escape');
    await until(page, () => !document.querySelector('#sign-out-dialog') && document.activeElement.id === 'menu');
  });

  test('whatever has the focus shows it', async () => {
    const page = await withBob();
    await page.click('.conversation-title');
    for (let at = 0; at < 14; at += 1) {
      await page.keyboard.press('Tab');
      const shown = await page.evaluate(() => {
        const one = document.activeElement;
        if (one === document.body) return true;
        return [one, one.parentElement].some((node) => { const s = getComputedStyle(node); return s.outlineStyle !== 'none' && Number.parseFloat(s.outlineWidth) >= 2; });
      });
      assert.ok(shown, await page.evaluate(() => document.activeElement.outerHTML.slice(0, 80)));
    }
  });
});
