// The first screen: address, password, code, and what goes wrong.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from './harness.js';
import { asked, count, fake, long, start, texts, withBob } from './pages.js';

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

  for (const code of ['websockets_off', 'server_error', 'host_silent', 'disk_full']) {
    test(`${code} while signing in is told beside the button, with what can be done`, async () => {
      const page = await start({ signedIn: false });
      await page.fill('#server', 'chat.example');
      await page.click('#continue');
      await page.fill('#email', 'alice@example.com');
      await page.fill('#password', 'secret');
      const action = { websockets_off: 'tell_owner', server_error: 'tell_owner' }[code] ?? 'retry';
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

describe('looking around without an account', () => {
  test('it is the messenger, says everywhere that nothing is sent, is not remembered, and leads back to signing in', async () => {
    const page = await start({ ...long(3), signedIn: false });
    await page.click('#look-around');
    await page.waitForSelector('body[data-ready="list"]');
    assert.equal(await page.textContent('#connection .words'), 'Sample, nothing is sent');
    assert.equal(await page.textContent('#sign-out'), 'Leave the sample conversations');
    await page.click('[data-conversation]');
    await page.waitForSelector('body[data-ready="conversation"]');
    assert.match(await page.textContent('.banner'), /made up/u);
    assert.equal(await page.getAttribute('textarea', 'placeholder'), 'Try it: nothing is sent');
    assert.equal(await page.$('#sign-in-again'), null);
    assert.deepEqual(await asked(page, 'remember_account'), []);
    await page.click('#sample-sign-in');
    await page.waitForSelector('body[data-ready="signin"]');
    const [left] = await asked(page, 'sign_out');
    assert.equal(left.unsent, 'discard');
    assert.equal(await page.evaluate(() => document.activeElement.id), 'server');
  });

  test('what can not be had is told where one asked', async () => {
    const page = await start({ signedIn: false });
    await fake(page, () => window.fake.refuse('look_around', window.fake.problem('disk_full')));
    await page.click('#look-around');
    await page.waitForSelector('.outcome .problem[data-code="disk_full"]');
    await page.click('#look-around');
    await page.waitForSelector('body[data-ready="list"]');
  });
});
