// What is wanted before the modules that a start does not need have come.
import assert from 'node:assert/strict';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { BOB, CAROL, launch, openPage, serve, until } from './harness.js';

let browser;
let server;
let opened;
/** Lets the modules come. */
let come;

before(async () => { browser = await launch(); });
after(() => browser?.close());
beforeEach(async () => {
  server = await serve({ '/later.js': new Promise((resolve) => { come = resolve; }) });
});
afterEach(async () => {
  come();
  assert.deepEqual(opened.seen, { outside: [], violations: [], errors: [], console: [] });
  await opened.close();
  await server.close();
});

/** The page with its list, and nothing that comes later. */
async function early(config) {
  opened = await openPage(browser, server.origin, config, { ready: 'list' });
  return opened.page;
}

test('settings that are asked for twice open once', async () => {
  const page = await early();
  await page.keyboard.press('Control+,');
  await page.keyboard.press('Control+,');
  assert.equal(await page.locator('dialog').count(), 0);
  come();
  await page.waitForSelector('.settings-section');
  assert.equal(await page.locator('dialog').count(), 1);
});

test('of two conversations that are chosen the last is shown, and no other is watched', async () => {
  const page = await early();
  await page.click(`[data-conversation="${BOB}"]`);
  await page.click(`[data-conversation="${CAROL}"]`);
  come();
  await page.waitForSelector('body[data-ready="conversation"]');
  assert.match(await page.textContent('.conversation-title'), /Carol Osei/u);
  const watched = await page.evaluate(() => window.fake.asked('watch').map((call) => call.args.conversation));
  assert.deepEqual(watched.filter((id) => id !== null), [CAROL]);
});

test('a conversation that is chosen twice is opened once', async () => {
  const page = await early();
  await page.click(`[data-conversation="${BOB}"]`);
  await page.click(`[data-conversation="${BOB}"]`);
  come();
  await page.waitForSelector('body[data-ready="conversation"]');
  assert.equal(await page.locator('#composer').count(), 1);
  assert.equal(await page.evaluate(() => window.fake.asked('page').length), 1);
});

test('a shared text waits, though the terms are to be shown as well', async () => {
  const page = await early({ safety: { accepted: null }, leads: { to: 'share', text: 'See this' } });
  come();
  await page.waitForSelector('.share-text');
  assert.equal(await page.textContent('.share-text'), 'See this');
  await until(page, () => document.querySelectorAll('dialog[open]').length === 1);
});
