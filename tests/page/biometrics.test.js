// A finger or a face, as a second way to an account that a passphrase locks.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { until } from './harness.js';
import { asked, fake, frames, start } from './pages.js';

const plain = (text) => text.replace(/[\u2066-\u2069]/gu, '');
const many = (page, selector) => page.locator(selector).count();
const locked = { vault: 'passphrase', problem: { code: 'passphrase_needed', args: {}, action: 'unlock' } };
const on = { kind: 'touch_id', on: true };
const times = async (page) => (await asked(page, 'unlock_by_biometrics')).length;
const focused = (page) => page.evaluate(() => document.activeElement.id);

/** Opens the settings as the keyboard does. */
async function settings(config, options) {
  const page = await start(config, options);
  await page.keyboard.press('Control+,');
  await page.waitForSelector('.settings-section');
  return page;
}

/** The page is put away, or seen again. */
const seen = (page, state) => page.evaluate((value) => {
  Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => value });
  document.dispatchEvent(new Event('visibilitychange'));
}, state);

/** A locked account whose system does not recognise anybody. */
async function refused(code, config = {}) {
  const page = await start({ account: { vault: 'passphrase' }, biometrics: on, ...config });
  await page.evaluate((value) => window.fake.refuse('unlock_by_biometrics', window.fake.problem(value, 'unlock')), code);
  await page.keyboard.press('Control+l');
  await page.click('#unlock-biometrics');
  await until(page, () => document.activeElement.id === 'passphrase');
  return page;
}

describe('unlocking by a finger or a face', () => {
  test('is offered by itself, once, to who comes to a locked account', async () => {
    const page = await start({ account: locked, biometrics: on });
    await page.waitForSelector('[data-conversation]');
    assert.equal(await times(page), 1);
    assert.equal(await many(page, '#passphrase'), 0);
  });

  test('says what it waits for, and the passphrase opens it meanwhile', async () => {
    const page = await start({ account: { vault: 'passphrase' }, biometrics: on });
    await page.evaluate(() => window.fake.hold('unlock_by_biometrics'));
    await page.keyboard.press('Control+l');
    await page.waitForSelector('#unlock-biometrics');
    await frames(page);
    assert.equal(await times(page), 0, 'who locks it does not come to open it');
    assert.equal(await focused(page), 'passphrase');
    assert.equal(plain(await page.textContent('#unlock-biometrics')), 'Unlock with Touch ID');
    await page.click('#unlock-biometrics');
    assert.match(plain(await page.textContent('#unlock-biometrics')), /^Waiting for Touch ID/u);
    assert.equal(await page.getAttribute('#unlock-biometrics', 'aria-disabled'), 'true');
    await until(page, () => document.querySelector('#announcements').textContent.includes('Waiting for'));
    await page.click('#unlock-biometrics', { force: true });
    assert.equal(await times(page), 1, 'one question at a time');
    await page.fill('#passphrase', 'correct horse');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-conversation]');
    const opens = (await asked(page, 'open')).length;
    await page.evaluate(() => window.fake.release('unlock_by_biometrics'));
    await frames(page);
    assert.equal((await asked(page, 'open')).length, opens, 'what comes too late does nothing');
  });

  test('is offered once to who comes back, and no more after it was broken off', async () => {
    const page = await refused('biometrics_cancelled');
    assert.equal(await many(page, '.problem'), 0, 'who broke it off knows that');
    for (const state of ['hidden', 'visible', 'hidden', 'visible']) await seen(page, state);
    await frames(page);
    assert.equal(await times(page), 1);
    // Another lock, left and found again.
    await page.fill('#passphrase', 'correct horse');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-conversation]');
    await page.keyboard.press('Control+l');
    await page.waitForSelector('#unlock-biometrics');
    await seen(page, 'hidden');
    assert.equal(await times(page), 1, 'nobody is there');
    await seen(page, 'visible');
    await page.waitForSelector('[data-conversation]');
    assert.equal(await times(page), 2);
  });

  test('on a phone that locks by itself it is offered to who finds it so', async () => {
    const page = await start({ account: { vault: 'passphrase' }, biometrics: { kind: 'face_id', on: true }, info: { platform: 'ios' } });
    await fake(page, () => window.fake.lock());
    await until(page, () => window.fake.asked('unlock_by_biometrics').length === 1);
    await page.waitForSelector('[data-conversation]');
    const desktop = await start({ account: { vault: 'passphrase' }, biometrics: on });
    await fake(desktop, () => window.fake.lock());
    await desktop.waitForSelector('#unlock-biometrics');
    await frames(desktop);
    assert.equal(await times(desktop), 0, 'nobody may be there');
  });

  test('says why it did not work, and goes where it can’t any more', async () => {
    for (const [code, words, stays] of [
      ['biometrics_refused', 'not recognised', 1],
      ['biometrics_locked_out', 'too many tries', 1],
      ['biometrics_gone', 'have changed', 0],
      ['biometrics_unavailable', 'Only the passphrase', 0],
    ]) {
      const page = await refused(code);
      assert.ok(plain(await page.textContent(`[data-code="${code}"]`)).includes(words), code);
      assert.equal(await page.getAttribute(`[data-code="${code}"]`, 'role'), 'alert');
      assert.equal(await many(page, '#unlock-biometrics'), stays, code);
      await page.fill('#passphrase', 'correct horse');
      await page.keyboard.press('Enter');
      await page.waitForSelector('[data-conversation]');
    }
  });

  test('is named for the system, and is nowhere where there is none or it is off', async () => {
    for (const [kind, name] of [['face_id', 'Face ID'], ['windows_hello', 'Windows Hello'], ['fingerprint_or_face', 'fingerprint or face']]) {
      const page = await refused('biometrics_cancelled', { biometrics: { kind, on: true } });
      assert.equal(plain(await page.textContent('#unlock-biometrics')), `Unlock with ${name}`);
    }
    for (const biometrics of [undefined, { kind: 'touch_id', on: false }, { on: true }]) {
      const page = await start({ account: locked, ...(biometrics ? { biometrics } : {}) });
      await until(page, () => window.fake.asked('biometrics').length === 1);
      await frames(page);
      assert.equal(await many(page, '#unlock-biometrics'), 0);
      assert.equal(await times(page), 0);
    }
  });
});

describe('the switch in the settings', () => {
  const off = { account: { vault: 'passphrase' }, biometrics: { kind: 'touch_id', on: false } };

  test('takes the passphrase to turn it on, and nothing to turn it off', async () => {
    const page = await settings(off);
    const label = plain(await page.textContent('label[for="setting-biometrics"]'));
    assert.equal(label, 'Unlock with Touch ID');
    assert.match(await page.textContent('#setting-biometrics-about'), /finger that is added/u);
    await page.focus('#setting-biometrics');
    await page.keyboard.press('Space');
    await page.waitForSelector('#passphrase-dialog[open]');
    assert.equal(await focused(page), 'passphrase-old');
    assert.equal(await many(page, '#passphrase-new'), 0);
    await page.keyboard.press('Enter');
    assert.notEqual(await page.textContent('#passphrase-old-error'), '');
    await page.fill('#passphrase-old', 'wrong horse');
    await page.keyboard.press('Enter');
    await until(page, () => document.querySelector('#passphrase-old-error').dataset.code === 'passphrase_wrong');
    assert.equal(await fake(page, () => window.fake.state.biometrics), false);
    // The system asks too: who breaks it off is where they were.
    await page.evaluate(() => window.fake.refuse('keep_biometrics', window.fake.problem('biometrics_cancelled', 'unlock')));
    await page.fill('#passphrase-old', 'correct horse');
    await page.keyboard.press('Enter');
    await until(page, () => window.fake.asked('keep_biometrics').length === 2 && !document.querySelector('#passphrase-submit').hasAttribute('aria-disabled'));
    assert.equal(await many(page, '#passphrase-dialog .problem'), 0);
    await page.keyboard.press('Enter');
    await page.waitForSelector('#setting-biometrics:checked');
    await page.click('#setting-biometrics');
    await until(page, () => window.fake.state.biometrics === false);
    assert.equal(JSON.stringify(await asked(page, 'keep_biometrics')).includes('horse'), false, 'the log of calls holds no secret');
  });

  test('shows what is so where it could not be turned on or off', async () => {
    const page = await settings(off);
    await page.click('#setting-biometrics');
    await page.waitForSelector('#passphrase-dialog[open]');
    await page.evaluate(() => window.fake.refuse('keep_biometrics', window.fake.problem('biometrics_locked_out', 'unlock')));
    await page.fill('#passphrase-old', 'correct horse');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#passphrase-dialog [data-code="biometrics_locked_out"]');
    await page.keyboard.press('Escape');
    const second = await settings({ ...off, biometrics: on });
    await second.evaluate(() => window.fake.refuse('forget_biometrics', window.fake.problem('storage_failed', 'retry')));
    await second.click('#setting-biometrics');
    await second.waitForSelector('.settings-trouble .problem');
    assert.equal(await second.isChecked('#setting-biometrics'), true);
  });

  test('is there only under a passphrase, where the system has something', async () => {
    for (const config of [{ biometrics: on }, { account: { vault: 'passphrase' } }, { account: { vault: 'session_only' }, biometrics: on }]) {
      const page = await settings(config);
      assert.equal(await many(page, '#setting-biometrics'), 0);
    }
  });
});
