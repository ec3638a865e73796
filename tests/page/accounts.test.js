// Several accounts, and leaving one.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOB, openConversation, others, until } from './harness.js';
import { asked, count, fake, start, texts, withBob } from './pages.js';

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
    assert.equal(await page.locator('#look-around').count(), 0, 'whoever has an account knows it');
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
