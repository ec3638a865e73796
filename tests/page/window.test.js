// The page in a browser: what a person sees and does, against the core in
// memory, under the app's own Content-Security-Policy and frozen prototype.
// After each test: no request left the page's own server, nothing was refused
// by the policy, nothing was thrown, and nothing was written on the console.
import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { BOB, CAROL, history, launch, NOW, openConversation, openPage, others, serve, talks, until } from './harness.js';

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
async function start(config, options) {
  const opened = await openPage(browser, server.origin, config, options);
  open.push(opened);
  return opened.page;
}
const withBob = async (config, options) => {
  const page = await start(config, options);
  await openConversation(page, BOB);
  return page;
};
const long = (count, more = {}) => ({ conversations: [{ person: 'p-bob', messages: history(count), ...more }] });
const fake = (page, run, arg) => page.evaluate(run, arg);
const asked = (page, command) => page.evaluate((name) => window.fake.asked(name).map((call) => call.args), command);
const texts = (page) => page.$$eval('[data-message] .text', (all) => all.map((one) => one.textContent));
const place = (page) => page.$eval('.scroller', (s) => ({ top: s.scrollTop, height: s.scrollHeight, view: s.clientHeight, fromEnd: s.scrollHeight - s.scrollTop - s.clientHeight }));
const atEnd = (page) => until(page, () => { const s = document.querySelector('.scroller'); return s.scrollHeight - s.scrollTop - s.clientHeight < 2; });
const frames = (page) => page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
const count = (page, number) => until(page, (n) => document.querySelectorAll('[data-message]').length === n, number);
const scrollTo = (page, top) => page.evaluate((y) => { document.querySelector('.scroller').scrollTop = y; }, top);

describe('signing in', () => {
  test('address, password, code, and then the conversations', async () => {
    const page = await start({ signedIn: false });
    assert.equal(await page.getAttribute('body', 'data-ready'), 'signin');
    await page.keyboard.type('Chat.Example/admin/');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#password');
    await until(page, () => document.activeElement.id === 'email');
    assert.match(await page.textContent('.server-chip'), /Meadow.*chat\.example.*11\.17\.4/u);
    await fake(page, () => window.fake.refuse('sign_in', window.fake.problem('code_needed', 'change_input')));
    await page.keyboard.type('alice@example.com');
    await page.keyboard.press('Tab');
    await page.keyboard.type('a secret');
    await page.keyboard.press('Enter');
    await until(page, () => document.activeElement.id === 'code');
    await page.keyboard.type('123 456');
    await page.keyboard.press('Enter');
    await page.waitForSelector('body[data-ready="list"]');
    const requests = (await asked(page, 'sign_in')).map(({ request }) => request);
    assert.deepEqual(requests[1], {
      server: 'https://chat.example', email: 'alice@example.com', password: '(given)', code: '123456', vault: 'keychain', passphrase: null, account: null,
    });
    assert.equal(requests[0].code, null);
  });

  const atServer = ['address_invalid', 'address_insecure', 'host_unknown', 'host_silent', 'certificate_untrusted', 'not_directus', 'server_too_old', 'websockets_off', 'offline', 'server_busy', 'too_many_tries'];
  for (const code of atServer) {
    test(`${code} is told beside the address, which keeps what was typed and has the focus`, async () => {
      const page = await start({ signedIn: false });
      await fake(page, (c) => window.fake.refuse('discover', window.fake.problem(c, 'change_input', { host: 'nest.example', version: '9.1', seconds: '7' })), code);
      await page.fill('#server', 'nest.example');
      await page.click('#continue');
      await page.waitForSelector(`#server-error[data-code="${code}"] span`);
      assert.equal(await page.inputValue('#server'), 'nest.example');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'server');
      assert.equal(await page.getAttribute('#server', 'aria-invalid'), 'true');
      assert.match(await page.getAttribute('#server', 'aria-describedby'), /server-error/u);
      await page.click('#continue');
      await page.waitForSelector('#password');
    });
  }

  for (const [code, field] of [['password_wrong', 'password'], ['suspended', 'email'], ['account_exists', 'email'], ['too_many_tries', 'password']]) {
    test(`${code} is told beside ${field}, with the focus there and everything kept`, async () => {
      const page = await start({ signedIn: false });
      await page.fill('#server', 'chat.example');
      await page.click('#continue');
      await page.fill('#email', 'alice@example.com');
      await page.fill('#password', 'wrong');
      await fake(page, (c) => window.fake.refuse('sign_in', window.fake.problem(c, 'change_input', { seconds: '30' })), code);
      await page.click('#continue');
      await page.waitForSelector(`#${field}-error[data-code="${code}"] span`);
      assert.equal(await page.evaluate(() => document.activeElement.id), field);
      assert.equal(await page.inputValue('#email'), 'alice@example.com');
      assert.equal(await page.inputValue('#password'), 'wrong');
    });
  }

  for (const code of ['chat_missing', 'server_error', 'host_silent', 'disk_full']) {
    test(`${code} while signing in is told beside the button, with what can be done`, async () => {
      const page = await start({ signedIn: false });
      await page.fill('#server', 'chat.example');
      await page.click('#continue');
      await page.fill('#email', 'alice@example.com');
      await page.fill('#password', 'secret');
      const action = { chat_missing: 'tell_owner', server_error: 'tell_owner' }[code] ?? 'retry';
      await fake(page, ([c, a]) => window.fake.refuse('sign_in', window.fake.problem(c, a, { host: 'chat.example', status: '500' })), [code, action]);
      await page.click('#continue');
      await page.waitForSelector(`.problem[data-code="${code}"][role="alert"] button`);
    });
  }

  test('a wrong code is told beside the code', async () => {
    const page = await start({ signedIn: false });
    await page.fill('#server', 'chat.example');
    await page.click('#continue');
    await page.fill('#email', 'alice@example.com');
    await page.fill('#password', 'secret');
    await fake(page, () => window.fake.refuse('sign_in', window.fake.problem('code_needed', 'change_input'), window.fake.problem('code_wrong', 'change_input')));
    await page.click('#continue');
    await page.fill('#code', '000000');
    await page.click('#continue');
    await page.waitForSelector('#code-error[data-code="code_wrong"] span');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'code');
  });

  test('fields say to the browser what they are, and the password is shown on request only', async () => {
    const page = await start({ signedIn: false });
    assert.equal(await page.getAttribute('#server', 'autocomplete'), 'url');
    await page.fill('#server', 'chat.example');
    await page.click('#continue');
    assert.equal(await page.getAttribute('#email', 'autocomplete'), 'username');
    assert.equal(await page.getAttribute('#password', 'autocomplete'), 'current-password');
    assert.equal(await page.getAttribute('#password', 'type'), 'password');
    await page.click('.reveal');
    assert.equal(await page.getAttribute('#password', 'type'), 'text');
    await page.click('.reveal');
    assert.equal(await page.getAttribute('#password', 'type'), 'password');
  });

  test('without a keychain it says what each choice means, and a short passphrase is refused', async () => {
    const page = await start({ signedIn: false, info: { vaults: ['passphrase', 'session_only'] } });
    await page.fill('#server', 'chat.example');
    await page.click('#continue');
    await page.fill('#email', 'alice@example.com');
    await page.fill('#password', 'secret');
    assert.match(await page.textContent('.vault'), /keychain.*passphrase at every start.*Closing .* signs you out/su);
    await page.fill('#passphrase', 'short');
    await page.click('#continue');
    await page.waitForSelector('#passphrase-error[data-code="passphrase_short"] span');
    assert.equal((await asked(page, 'sign_in')).length, 0);
    await page.check('#vault-session_only');
    assert.equal(await page.locator('#passphrase').count(), 0);
    await page.click('#continue');
    await page.waitForSelector('body[data-ready="list"]');
    const [{ request }] = await asked(page, 'sign_in');
    assert.deepEqual([request.vault, request.passphrase], ['session_only', null]);
  });

  test('a keychain that fails after all leads to the choice, never to plain secrets', async () => {
    const page = await start({ signedIn: false });
    await page.fill('#server', 'chat.example');
    await page.click('#continue');
    await page.fill('#email', 'alice@example.com');
    await page.fill('#password', 'secret');
    await fake(page, () => window.fake.refuse('sign_in', window.fake.problem('vault_unavailable', 'choose_vault')));
    await page.click('#continue');
    await page.fill('#passphrase', 'correct horse');
    await page.click('#continue');
    await page.waitForSelector('body[data-ready="list"]');
    const [, { request }] = await asked(page, 'sign_in');
    assert.deepEqual([request.vault, request.passphrase], ['passphrase', '(given)']);
  });

  test('a locked account asks for its passphrase', async () => {
    const page = await start({ account: { vault: 'passphrase', problem: { code: 'passphrase_needed', action: 'unlock', args: {} } } });
    await page.fill('#passphrase', 'wrong');
    await page.click('#continue');
    await page.waitForSelector('#passphrase-error[data-code="passphrase_wrong"] span');
    await page.fill('#passphrase', 'correct horse');
    await page.click('#continue');
    await page.waitForSelector('body[data-ready="list"]');
  });

  test('an ended session keeps everything readable and signs the same account in again', async () => {
    const ended = { code: 'sign_in_needed', action: 'sign_in', args: {} };
    const page = await withBob({ account: { problem: ended }, connection: { state: 'sign_in_needed', problem: ended } });
    assert.ok((await texts(page)).length > 5);
    await page.click('#sign-in-again');
    await page.waitForSelector('#password');
    assert.equal(await page.inputValue('#email'), 'alice@example.com');
    await page.fill('#password', 'secret');
    await page.click('#continue');
    await page.waitForSelector('body[data-ready="list"]');
    const [{ request }] = await asked(page, 'sign_in');
    assert.deepEqual([request.account, request.server], ['acc-1', 'https://chat.example']);
  });

  for (const code of ['vault_unreadable', 'account_in_use', 'storage_failed', 'storage_too_new', 'disk_full']) {
    test(`an account with ${code} says so and can be tried again`, async () => {
      const page = await start({ account: { problem: { code, action: 'retry', args: {} } } });
      await page.waitForSelector(`.problem[data-code="${code}"]`);
      await page.waitForSelector('#continue');
    });
  }

  const locked = { vault: 'passphrase', problem: { code: 'passphrase_needed', action: 'unlock', args: {} } };
  const unreadable = { problem: { code: 'vault_unreadable', action: 'retry', args: {} } };
  for (const [what, account] of [['a forgotten passphrase', locked], ['keys that are gone', unreadable]]) {
    test(`${what} is no dead end: it says what is lost, erases, and one can sign in again`, async () => {
      const page = await start({ account, connection: { state: 'offline' } });
      await page.click('#erase');
      await page.waitForSelector('#erase-dialog[open]');
      const said = (await page.textContent('#erase-dialog')).replace(/[\u2066-\u2069]/gu, '');
      assert.match(said, /alice@example\.com on chat\.example/u);
      assert.match(said, /Lost for good.*not sent yet, and drafts.*Not lost.*on the server/su);
      // The safe answer has the focus, and nothing has happened yet.
      assert.equal(await page.evaluate(() => document.activeElement.id), 'erase-stay');
      await page.keyboard.press('Enter');
      await until(page, () => !document.querySelector('#erase-dialog') && document.activeElement.id === 'erase');
      assert.equal((await asked(page, 'sign_out')).length, 0);

      await page.keyboard.press('Enter');
      await page.click('#erase-confirm');
      await page.waitForSelector('.notice');
      assert.match(await page.textContent('.notice'), /was erased from this device.*ends by itself/su);
      assert.deepEqual(await asked(page, 'sign_out'), [{ account: 'acc-1', unsent: 'discard' }]);
      assert.equal(await page.inputValue('#server'), 'https://chat.example');
      await page.click('#continue');
      await page.fill('#email', 'alice@example.com');
      await page.fill('#password', 'secret');
      await page.click('#continue');
      await page.waitForSelector('body[data-ready="list"]');
      assert.equal((await asked(page, 'sign_in'))[0].request.account, null);
    });
  }

  test('erasing that fails says why and can be tried again', async () => {
    const page = await start({ account: locked });
    await page.click('#erase');
    await fake(page, () => window.fake.refuse('sign_out', window.fake.problem('storage_failed', 'retry')));
    await page.click('#erase-confirm');
    await page.waitForSelector('#erase-dialog .problem[data-code="storage_failed"]');
    await page.click('#erase-confirm');
    await page.waitForSelector('.notice');
  });

  test('an account that another window holds is not erased from here', async () => {
    const page = await start({ account: { problem: { code: 'account_in_use', action: 'none', args: {} } } });
    await page.waitForSelector('.problem[data-code="account_in_use"]');
    assert.equal(await page.locator('#erase').count(), 0);
  });
});

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

describe('scrolling', () => {
  test('it opens at the end, and stays there only if it was there', async () => {
    const page = await withBob(long(60));
    await atEnd(page);
    await fake(page, (id) => window.fake.receive(id, 'Stays at the end'), BOB);
    await until(page, () => [...document.querySelectorAll('.text')].at(-1).textContent === 'Stays at the end');
    await atEnd(page);
    await scrollTo(page, 900);
    await frames(page);
    const before = await place(page);
    await fake(page, (id) => window.fake.receive(id, 'Does not move it'), BOB);
    await page.waitForSelector('.jump.news');
    assert.equal((await place(page)).top, before.top);
    assert.match(await page.textContent('.jump'), /1 new message/u);
    await page.click('.jump');
    await atEnd(page);
    await until(page, () => document.querySelector('.jump').hidden);
  });

  test('a message that comes between the wheel and its event does not pull the view down', async () => {
    const page = await withBob(long(45));
    await page.evaluate((id) => { document.querySelector('.scroller').scrollTop = 700; window.fake.receive(id, 'At once'); }, BOB);
    await page.waitForSelector('.jump.news');
    assert.ok(Math.abs((await place(page)).top - 700) <= 1);
  });

  test('one’s own message always scrolls into view', async () => {
    const page = await withBob(long(60));
    await scrollTo(page, 500);
    await frames(page);
    await page.fill('#composer', 'Here');
    await page.press('#composer', 'Enter');
    await page.waitForSelector('[data-message="sent-0001"]');
    await atEnd(page);
  });

  test('five hundred messages, back to the beginning and forth, never more than about two hundred at once, without the view moving', async () => {
    const page = await withBob(long(500));
    let most = 0;
    for (let pages = 0; pages < 40; pages += 1) {
      const measured = await page.evaluate(async () => {
        const scroller = document.querySelector('.scroller');
        const edge = scroller.getBoundingClientRect().top;
        const asked = window.fake.asked('page').length;
        scroller.scrollTop = Math.min(scroller.scrollTop, 780);
        const bubble = [...document.querySelectorAll('[data-message]')].find((one) => one.getBoundingClientRect().top >= edge + 100);
        const before = bubble.getBoundingClientRect().top;
        for (let frame = 0; frame < 60 && window.fake.asked('page').length === asked; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        return { moved: bubble.getBoundingClientRect().top - before, there: bubble.isConnected, held: document.querySelectorAll('[data-message]').length, first: document.querySelector('.text').textContent };
      });
      assert.ok(measured.there && Math.abs(measured.moved) <= 1, JSON.stringify(measured));
      most = Math.max(most, measured.held);
      if (measured.first === 'Message number 1') break;
    }
    assert.equal((await texts(page))[0], 'Message number 1');
    assert.match(await page.textContent('.older'), /begins/u);
    assert.ok(most >= 150 && most <= 200, `${most}`);
    // And forth again.
    for (let steps = 0; steps < 40; steps += 1) {
      const last = await page.evaluate(async () => {
        const scroller = document.querySelector('.scroller');
        const asked = window.fake.asked('page').length;
        scroller.scrollTop = scroller.scrollHeight - scroller.clientHeight - 400;
        for (let frame = 0; frame < 10 && window.fake.asked('page').length === asked; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
        await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        return [...document.querySelectorAll('.text')].at(-1).textContent;
      });
      if (last === 'Message number 500') break;
    }
    const all = await texts(page);
    assert.equal(all.at(-1), 'Message number 500');
    const numbers = all.map((one) => Number(one.split(' ').at(-1)));
    assert.ok(numbers.every((number, at) => at === 0 || number === numbers[at - 1] + 1), 'whole and in order');
    assert.ok(numbers.length <= 200);
  });

  test('from far up, the button leads to the newest, and writing does too', async () => {
    const page = await withBob(long(500));
    const up = async () => {
      for (let at = 0; at < 30; at += 1) {
        await scrollTo(page, 0);
        await frames(page);
        if (await page.evaluate(() => [...document.querySelectorAll('.text')].at(-1).textContent !== 'Message number 500')) return;
      }
      assert.fail('never let go of the newest');
    };
    await up();
    await page.click('.jump');
    await until(page, () => [...document.querySelectorAll('.text')].at(-1).textContent === 'Message number 500');
    await atEnd(page);
    await up();
    await page.fill('#composer', 'From far up');
    await page.press('#composer', 'Enter');
    await until(page, () => [...document.querySelectorAll('.text')].at(-1).textContent === 'From far up');
    await atEnd(page);
  });

  test('what is on the server is fetched at the top, to the beginning', async () => {
    const page = await withBob(long(170, { server: 120 }));
    for (let at = 0; at < 12 && !(await page.evaluate(() => document.querySelector('.older').dataset.state === 'beginning')); at += 1) {
      await scrollTo(page, 0);
      await frames(page);
    }
    await until(page, () => document.querySelector('.older').dataset.state === 'beginning');
    assert.equal((await texts(page))[0], 'Message number 1');
    assert.equal((await texts(page)).length, 170);
    assert.equal((await asked(page, 'fetch_older')).length, 3);
  });

  test('offline the top says that earlier messages are on the server, and online they come', async () => {
    const page = await withBob({ ...long(80, { server: 40 }), connection: { state: 'offline' } });
    await scrollTo(page, 0);
    await page.waitForSelector('.older[data-state="offline"]');
    assert.match(await page.textContent('.older'), /on the server/u);
    assert.equal((await asked(page, 'fetch_older')).length, 0);
    await fake(page, () => window.fake.connect({ state: 'live' }));
    await until(page, () => document.querySelector('.older').dataset.state === 'beginning');
    await count(page, 80);
  });

  test('who scrolls up in the very frame in which the composer grows or the connection returns stays there', async () => {
    const page = await withBob({ ...long(80, { server: 40 }), connection: { state: 'offline' } }, { viewport: { width: 320, height: 640 } });
    // One task: the scroll event, which comes with the next frame, is not there yet.
    await page.evaluate(() => {
      document.querySelector('.scroller').scrollTop = 0;
      const area = document.querySelector('#composer');
      area.value = 'one\ntwo\nthree';
      area.dispatchEvent(new Event('input', { bubbles: true }));
      window.fake.connect({ state: 'live' });
    });
    await until(page, () => document.querySelector('.older').dataset.state === 'beginning');
    await count(page, 80);
    const below = await page.evaluate(() => {
      const { scrollHeight, scrollTop, clientHeight } = document.querySelector('.scroller');
      return scrollHeight - scrollTop - clientHeight;
    });
    assert.ok(below > 200, `pulled to ${below} px from the end`);
  });

  test('a server that will not give earlier messages is told so, with a button', async () => {
    const page = await withBob({ ...long(80, { server: 40 }), fetchProblem: { code: 'server_busy', action: 'retry', args: {} } });
    await scrollTo(page, 0);
    await page.waitForSelector('.older[data-state="failed"] button');
    await fake(page, () => window.fake.setFetchProblem(null));
    await page.click('.older button');
    await count(page, 80);
  });

  test('a narrower window and a larger composer keep the place', async () => {
    const page = await withBob(long(120));
    await page.setViewportSize({ width: 700, height: 600 });
    await frames(page);
    await atEnd(page);
    await scrollTo(page, 1400);
    await frames(page);
    const first = () => page.evaluate(() => {
      const edge = document.querySelector('.scroller').getBoundingClientRect().top;
      return [...document.querySelectorAll('[data-message]')].find((one) => one.getBoundingClientRect().bottom > edge).dataset.message;
    });
    const before = await first();
    await page.setViewportSize({ width: 340, height: 600 });
    await frames(page);
    assert.equal(await first(), before);
  });

  test('the spinner waits 150 ms, and history never animates', async () => {
    const page = await start();
    await fake(page, () => window.fake.hold('page'));
    await page.click(`[data-conversation="${BOB}"]`);
    await page.waitForSelector('.spinner', { state: 'attached' });
    const delay = await page.$eval('.spinner', (one) => getComputedStyle(one).animationDelay);
    assert.match(delay, /0\.15s/u);
    await fake(page, () => window.fake.release('page'));
    await page.waitForSelector('body[data-ready="conversation"]');
    assert.equal(await page.locator('.entering').count(), 0);
    assert.equal(await page.isVisible('.spinner'), false);
    const seen = await page.evaluate(() => new Promise((resolve) => {
      document.addEventListener('animationstart', (event) => resolve([event.animationName, getComputedStyle(event.target).animationDuration]), { once: true });
      const area = document.querySelector('#composer');
      area.value = 'Mine';
      area.dispatchEvent(new Event('input'));
      area.form.requestSubmit();
    }));
    assert.deepEqual(seen, ['enter', '0.16s']);
  });

  test('nothing moves under reduced motion', async () => {
    const page = await withBob({}, { reducedMotion: 'reduce' });
    const long = await page.evaluate(() => [...document.querySelectorAll('*')].filter((one) => {
      const { animationDuration, transitionDuration } = getComputedStyle(one);
      return [animationDuration, transitionDuration].some((list) => list.split(',').some((time) => Number.parseFloat(time) * (time.trim().endsWith('ms') ? 1 : 1000) > 1));
    }).length);
    assert.equal(long, 0);
  });
});

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

describe('several accounts', () => {
  const plainText = async (page, selector) => (await page.textContent(selector)).replace(/[\u2066-\u2069]/gu, '');
  const order = (page) => page.evaluate(() => window.fake.calls.filter(({ command }) => ['close', 'stream', 'open'].includes(command)).map(({ command, args }) => `${command} ${args.account}`));
  const toAccounts = async (page) => {
    await page.click('#menu');
    await page.click('#accounts');
    await page.waitForSelector('[data-account]');
  };

  test('the list tells each by name, server and state, and which one is used now', async () => {
    const page = await start({ others });
    await toAccounts(page);
    const rows = await page.$$eval('[data-account]', (all) => all.map((one) => [one.textContent.replace(/[\u2066-\u2069]/gu, ''), one.getAttribute('aria-current')]));
    assert.match(rows[0][0], /Alice Liddell.*chat\.example.*In use now.*2 unread messages/u);
    assert.equal(rows[0][1], 'true');
    assert.match(rows[1][0], /Alice \(Verein\).*verein\.example$/u);
    assert.equal(rows[1][1], null);
    assert.match(rows[2][0], /alice@localhost.*localhost:8055.*Locked/u);
    // Choosing the one that is used closes the list, and nothing else.
    await page.click('[data-account="acc-1"]');
    await until(page, () => !document.querySelector('#accounts-dialog'));
    assert.deepEqual(await order(page), ['stream acc-1', 'open acc-1']);
  });

  test('switching closes the one that is left before the other is opened, and nothing of it stays', async () => {
    const page = await withBob({ others });
    await page.fill('#composer', 'Half a thought');
    await toAccounts(page);
    await page.click('[data-account="acc-2"]');
    await page.waitForSelector('body[data-ready="list"] [data-conversation="dm:p-femi"]');
    assert.equal(await page.locator(`[data-conversation="${BOB}"], [data-message]`).count(), 0);
    assert.deepEqual(await order(page), ['stream acc-1', 'open acc-1', 'close acc-1', 'stream acc-2', 'open acc-2']);
    assert.deepEqual(await fake(page, () => window.fake.state.open), ['acc-2']);
    assert.equal(await page.title(), '(1) Whinchat');
    // What was typed is kept for the one that was left.
    assert.deepEqual((await asked(page, 'save_draft')).map(({ account, text }) => [account, text]), [['acc-1', 'Half a thought']]);
    const commands = await fake(page, () => window.fake.calls.map(({ command, args }) => `${command} ${args.account}`));
    assert.ok(commands.indexOf('save_draft acc-1') < commands.indexOf('close acc-1'), 'kept before it is closed');
    // It is remembered, and comes back.
    assert.equal(await fake(page, () => window.fake.state.remembered), 'acc-2');
    await toAccounts(page);
    await page.click('[data-account="acc-1"]');
    await openConversation(page, BOB);
    await until(page, () => document.querySelector('#composer').value === 'Half a thought');
    assert.deepEqual(await fake(page, () => window.fake.state.open), ['acc-1']);
  });

  test('the page starts with the account that was used last, or with the first', async () => {
    const page = await start({ others, last: 'acc-2' });
    await page.waitForSelector('[data-conversation="dm:p-femi"]');
    assert.deepEqual(await order(page), ['stream acc-2', 'open acc-2']);
    const second = await start({ others, last: 'acc-gone' });
    await second.waitForSelector(`[data-conversation="${BOB}"]`);
  });

  test('an account is added beside the others, which can be gone back to', async () => {
    const page = await start({ others });
    await toAccounts(page);
    await page.click('#account-add');
    await page.waitForSelector('#server');
    // Thought better of it.
    await page.click('#other-accounts');
    await page.click('[data-account="acc-1"]');
    await page.waitForSelector(`[data-conversation="${BOB}"]`);
    await toAccounts(page);
    await page.click('#account-add');
    await page.fill('#server', 'third.example');
    await page.click('#continue');
    await page.fill('#email', 'alice@third.example');
    await page.fill('#password', 'secret');
    await page.click('#continue');
    await page.waitForSelector('body[data-ready="list"] .list-empty button');
    assert.deepEqual(await fake(page, () => window.fake.state.open), ['acc-4']);
    await toAccounts(page);
    assert.equal(await page.locator('[data-account]').count(), 4);
    assert.match(await plainText(page, '[aria-current="true"][data-account]'), /alice@third\.example/u);
  });

  test('a locked one asks for its passphrase, and from there leads to the others', async () => {
    const page = await start({ others });
    await toAccounts(page);
    await page.click('[data-account="acc-3"]');
    await page.waitForSelector('#passphrase');
    assert.deepEqual(await fake(page, () => window.fake.state.open), [], 'the one that was left is closed');
    await page.click('#another-account');
    await page.click('[data-account="acc-2"]');
    await page.waitForSelector('[data-conversation="dm:p-femi"]');
    await toAccounts(page);
    await page.click('[data-account="acc-3"]');
    await page.fill('#passphrase', 'correct horse');
    await page.click('#continue');
    await page.waitForSelector('body[data-ready="list"]');
    assert.deepEqual(await fake(page, () => window.fake.state.open), ['acc-3']);
  });

  test('who has signed out of one can go on with another', async () => {
    const page = await start({ others });
    await page.click('#menu');
    await page.click('#sign-out');
    await page.click('#sign-out-confirm');
    await page.waitForSelector('.notice');
    await page.click('#other-accounts');
    await page.waitForSelector('[data-account]');
    assert.deepEqual(await page.$$eval('[data-account]', (all) => all.map((one) => one.dataset.account)), ['acc-2', 'acc-3']);
    await page.click('[data-account="acc-2"]');
    await page.waitForSelector('[data-conversation="dm:p-femi"]');
  });

  test('with one account alone, sign-in offers no others and the list has it alone', async () => {
    const page = await start({ signedIn: false });
    assert.equal(await page.locator('#other-accounts').count(), 0);
    const second = await start();
    await toAccounts(second);
    assert.equal(await second.locator('[data-account]').count(), 1);
  });

  for (const width of [320, 1200]) {
    test(`by keyboard alone, at ${width} px`, async () => {
      const page = await start({ others }, { viewport: { width, height: 700 } });
      const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.dataset.account || document.activeElement.className);
      await page.focus('#menu');
      await page.keyboard.press('Enter');
      assert.equal(await focused(), 'accounts');
      await page.keyboard.press('Enter');
      await until(page, () => document.activeElement.dataset.account === 'acc-1');
      await page.keyboard.press('ArrowDown');
      assert.equal(await focused(), 'acc-2');
      await page.keyboard.press('End');
      assert.equal(await focused(), 'acc-3');
      await page.keyboard.press('Tab');
      assert.equal(await focused(), 'account-add');
      await page.keyboard.press('Escape');
      await until(page, () => !document.querySelector('#accounts-dialog') && document.activeElement.id === 'menu');
      await page.keyboard.press('Enter');
      await page.keyboard.press('Enter');
      await until(page, () => document.activeElement.dataset.account === 'acc-1');
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForSelector('[data-conversation="dm:p-femi"]');
      // The focus is somewhere that one can go on from.
      await until(page, () => document.activeElement.dataset.conversation === 'dm:p-femi');
    });
  }

  test('a screen reader hears which list it is, which one is used, and that another opens', async () => {
    const page = await start({ others });
    await toAccounts(page);
    assert.equal(await page.getAttribute('#accounts-dialog', 'aria-labelledby'), 'accounts-title');
    assert.equal(await page.getAttribute('.accounts', 'aria-label'), 'Accounts');
    await fake(page, () => window.fake.hold('open'));
    await page.click('[data-account="acc-2"]');
    await page.waitForSelector('.opening[role="status"]');
    assert.match((await page.getAttribute('.opening', 'aria-label')).replace(/[\u2066-\u2069]/gu, ''), /Opening Alice \(Verein\)/u);
    await fake(page, () => window.fake.release('open'));
    await page.waitForSelector('[data-conversation="dm:p-femi"]');
  });
});

describe('signing out', () => {
  const toDialog = async (page) => {
    await page.click('#menu');
    await page.click('#sign-out');
    await page.click('#sign-out-confirm');
  };

  test('tells the server, and comes back to the beginning', async () => {
    const page = await withBob();
    await toDialog(page);
    await page.waitForSelector('body[data-ready="signin"] .notice');
    assert.match(await page.textContent('.notice'), /signed out/u);
    assert.equal(await page.locator('[data-message], [data-conversation]').count(), 0);
    assert.deepEqual(await asked(page, 'sign_out'), [{ account: 'acc-1', unsent: 'ask' }]);
  });

  test('a keychain that keeps its entries is told of', async () => {
    const page = await withBob({ secretsLeft: true });
    await toDialog(page);
    await page.waitForSelector('body[data-ready="signin"] .notice');
    assert.match(await page.textContent('.notice'), /keychain did not let go/u);
  });

  test('with unsent messages it asks: wait, copy out, discard', async () => {
    const page = await withBob({ connection: { state: 'offline' } });
    for (const text of ['Not yet', 'Nor this']) {
      await page.fill('#composer', text);
      await page.press('#composer', 'Enter');
    }
    await page.waitForSelector('[data-message="sent-0002"]');
    await toDialog(page);
    await page.waitForSelector('#unsent-wait');
    assert.match((await page.textContent('#sign-out-dialog h2')).replace(/[\u2066-\u2069]/gu, ''), /^2 messages/u);
    await page.click('#unsent-copy');
    await until(page, () => document.querySelector('#sign-out-dialog [role="status"]').textContent.startsWith('Copied'));
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), 'Bob Hargreaves: Not yet\n\nBob Hargreaves: Nor this');
    await page.click('#unsent-wait');
    await until(page, () => !document.querySelector('#sign-out-dialog'));
    assert.equal((await texts(page)).at(-1), 'Nor this');
    await toDialog(page);
    await page.click('#unsent-discard');
    await page.waitForSelector('body[data-ready="signin"] .notice');
    assert.match(await page.textContent('.notice'), /session ends by itself/u);
  });
});
