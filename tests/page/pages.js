// One page after another in one browser, for a file of tests.
//
// Owns the server, the browser and what was opened. After each test: no request
// left the page's own server, nothing was refused by the policy, nothing was
// thrown, and nothing was written on the console.
import assert from 'node:assert/strict';
import { after, afterEach, before } from 'node:test';
import { BOB, history, launch, openConversation, openPage, serve, until } from './harness.js';

let server;
let browser;
const open = [];

before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});
afterEach(async () => {
  for (const { seen, close } of open.splice(0)) {
    await close();
    assert.deepEqual(seen, { outside: [], violations: [], errors: [], console: [] });
  }
});

/** Opens the page and watches it until the test is over. */
export async function start(config, options) {
  const opened = await openPage(browser, server.origin, config, options);
  open.push(opened);
  return opened.page;
}
export const withBob = async (config, options) => {
  const page = await start(config, options);
  await openConversation(page, BOB);
  return page;
};
export const long = (count, more = {}) => ({ conversations: [{ person: 'p-bob', messages: history(count), ...more }] });
export { frames, older, scrollTo } from './harness.js';
export const fake = (page, run, arg) => page.evaluate(run, arg);
export const asked = (page, command) => page.evaluate((name) => window.fake.asked(name).map((call) => call.args), command);
export const texts = (page) => page.$$eval('[data-message] .text', (all) => all.map((one) => one.textContent));
export const place = (page) => page.$eval('.scroller', (s) => ({ top: s.scrollTop, height: s.scrollHeight, view: s.clientHeight, fromEnd: s.scrollHeight - s.scrollTop - s.clientHeight }));
export const atEnd = (page) => until(page, () => { const s = document.querySelector('.scroller'); return s.scrollHeight - s.scrollTop - s.clientHeight < 2; });
export const count = (page, number) => until(page, (n) => document.querySelectorAll('[data-message]').length === n, number);
/** Waits until something is out of the document: a dialog that is closed goes with the next frame. */
export const gone = (page, selector) => until(page, (one) => document.querySelector(one) === null, selector);
