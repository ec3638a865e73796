// That the script which drives a phone knows this page: it is run against the
// page in a browser, behind a WebDriver that answers as Appium does.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { launch, openPage, serve } from './harness.js';

const script = fileURLToPath(new URL('../phone/send.js', import.meta.url));
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** @type {Awaited<ReturnType<typeof serve>>} */ let server;
/** @type {Awaited<ReturnType<typeof launch>>} */ let browser;
before(async () => { server = await serve(); browser = await launch(); });
after(async () => { await browser.close(); await server.close(); });

/**
 * What Appium answers, for one page: an element's id is its selector.
 * @param {import('playwright-core').Page} page
 */
async function appium(page) {
  /** @type {string[]} */
  const asked = [];
  /** @param {string} path @param {any} body @returns {Promise<any>} */
  const answer = async (path, body) => {
    const [, , , what, id, act] = path.split('/');
    if (path === '/session') return { sessionId: 's' };
    if (what === 'contexts') return ['NATIVE_APP', 'WEBVIEW_1'];
    if (what === 'context') return asked.push(body.name);
    if (what === 'screenshot') return (await page.screenshot()).toString('base64');
    if (what === 'execute') return page.evaluate(`(function () { ${body.script} }).apply(null, ${JSON.stringify(body.args)})`);
    if (what === 'element' && !id) {
      if (await page.locator(body.value).first().isVisible()) return { [ELEMENT]: encodeURIComponent(body.value) };
      throw new Error('no such element');
    }
    const element = page.locator(decodeURIComponent(id ?? '')).first();
    if (act === 'click') return element.click().then(() => null);
    if (act === 'value') return element.pressSequentially(body.text).then(() => null);
    return asked.push('end');
  };
  const listening = createServer(async (request, response) => {
    let text = '';
    for await (const part of request) text += part;
    try {
      const value = await answer(request.url ?? '', text === '' ? {} : JSON.parse(text));
      response.end(JSON.stringify({ value }));
    } catch (error) {
      response.writeHead(404).end(JSON.stringify({ value: { message: String(error) } }));
    }
  });
  await new Promise((resolve) => listening.listen(0, '127.0.0.1', () => resolve(null)));
  const address = listening.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return { url: `http://127.0.0.1:${address.port}`, asked, close: () => { listening.close(); listening.closeAllConnections(); } };
}

test('the_phones_script_signs_in_and_sends_what_it_is_told', async (t) => {
  const { page, close } = await openPage(browser, server.origin, { signedIn: false, safety: { accepted: null } }, { viewport: { width: 390, height: 800 }, hasTouch: true, isMobile: true });
  const driver = await appium(page);
  t.after(() => { driver.close(); return close(); });
  const folder = mkdtempSync(join(tmpdir(), 'phone-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const order = { webdriver: driver.url, capabilities: {}, server: 'chat.example', email: 'alice@example.com', password: 'secret', to: 'Bob', text: 'From a phone, 1', picture: join(folder, 'phone.png') };
  const running = spawn(process.execPath, [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  running.stdin.end(JSON.stringify(order));
  let said = '';
  running.stdout.on('data', (part) => { said += String(part); });
  const code = await new Promise((resolve) => running.on('close', resolve));
  assert.equal(code, 0);
  assert.equal(said, 'sent\n');
  const sent = await page.evaluate(() => /** @type {any} */ (window).fake.asked('send'));
  assert.equal(sent.length, 1);
  assert.equal(sent[0].args.text, order.text);
  assert.deepEqual(driver.asked, ['WEBVIEW_1', 'NATIVE_APP', 'end']);
  assert.ok(statSync(order.picture).size > 1000, 'it is pictured');
});
