// Signs in and sends one message in the app on a phone, through Appium's
// WebDriver. What to do comes as JSON on stdin; every wait is for a condition.
import { readFileSync, writeFileSync } from 'node:fs';

const order = JSON.parse(readFileSync(0, 'utf8'));
const PATIENCE = 120_000;
const ELEMENT = 'element-6066-11e4-a52e-4f735466cecf';

/** @param {string} method @param {string} path @param {object} [body] */
async function ask(method, path, body) {
  const answer = await fetch(`${order.webdriver}${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
  });
  const { value } = /** @type {{ value: any }} */ (await answer.json());
  if (!answer.ok) throw new Error(`${method} ${path}: ${value?.message ?? answer.status}`);
  return value;
}

const session = await ask('POST', '/session', { capabilities: { alwaysMatch: order.capabilities } });
const base = `/session/${session.sessionId}`;

/** Waits until it gives something. @template T @param {string} what @param {() => Promise<T>} look @returns {Promise<NonNullable<T>>} */
async function until(what, look) {
  const end = Date.now() + PATIENCE;
  let last = '';
  while (Date.now() < end) {
    try {
      const seen = await look();
      if (seen) return seen;
    } catch (error) {
      last = String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  throw new Error(`waited in vain for ${what} ${last}`);
}

/** @param {string} selector @returns {Promise<string>} */
const find = (selector) => until(selector, async () => (await ask('POST', `${base}/element`, { using: 'css selector', value: selector }))[ELEMENT]);

/** @param {string} selector */
const click = async (selector) => ask('POST', `${base}/element/${await find(selector)}/click`);

/** @param {string} selector @param {string} text */
const type = async (selector, text) => ask('POST', `${base}/element/${await find(selector)}/value`, { text });

/** @param {string} script @param {any[]} args */
const run = (script, ...args) => ask('POST', `${base}/execute/sync`, { script, args });

try {
  const page = await until('the page', async () => (await ask('GET', `${base}/contexts`)).find((/** @type {string} */ name) => name.startsWith('WEBVIEW')));
  await ask('POST', `${base}/context`, { name: page });
  await type('#server', order.server);
  await click('#continue');
  await type('#email', order.email);
  await type('#password', order.password);
  await click('#continue');
  await until('the conversations', () => run("return ['list', 'conversation'].includes(document.body.dataset.ready)"));
  await click('#terms-accept');
  await until('the conversation', () => run("const row = [...document.querySelectorAll('[data-conversation]')].find((row) => row.textContent.includes(arguments[0])); row?.click(); return Boolean(row)", order.to));
  await type('#composer', order.text);
  await click('#send');
  await until('the message, sent', () => run("return [...document.querySelectorAll('[data-message]')].some((row) => row.textContent.includes(arguments[0]) && (row.matches('[data-state=sent]') || row.querySelector('[data-state=sent]') !== null))", order.text));
  console.log('sent');
} finally {
  // A picture says most of what went wrong.
  await ask('POST', `${base}/context`, { name: 'NATIVE_APP' }).then(() => ask('GET', `${base}/screenshot`)).then((picture) => writeFileSync(order.picture, Buffer.from(picture, 'base64'))).catch((error) => console.error(String(error)));
  await ask('DELETE', base);
}
