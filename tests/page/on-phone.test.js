// What a phone's system asks of the page: the edges, going back, a text that
// another app shared, asking for notices, and the settings that only phones have.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOB, openConversation, until } from './harness.js';
import { asked, fake, frames, start } from './pages.js';

const plain = (text) => text.replace(/[\u2066-\u2069]/gu, '');
const many = (page, selector) => page.locator(selector).count();
const screen = { viewport: { width: 360, height: 780 }, hasTouch: true, isMobile: true };
const phone = (config = {}, options = {}) => start({ info: { platform: 'android' }, device: { tray: false, starts_at_login: null, phone: { notices: 'granted' } }, ...config }, { ...screen, ...options });
const held = (page, on) => until(page, (wanted) => Boolean(window.fake.state.held) === wanted, on);
const back = (page) => page.evaluate(() => window.fake.emit('back', null));
const edges = { top: 32, right: 0, bottom: 24, left: 0, keyboard: 0 };

describe('the edges of the screen', () => {
  const box = (page, selector) => page.$eval(selector, (one) => { const { top, bottom } = one.getBoundingClientRect(); return { top, bottom }; });

  test('what the system draws over covers nothing that is to be read or pressed', async () => {
    const page = await phone({ insets: edges });
    await until(page, () => document.documentElement.style.getPropertyValue('--inset-top') === '32px');
    assert.ok((await box(page, '#menu')).top >= 32);
    assert.ok((await box(page, '.pane-list .connection-slot > *')).bottom <= 780 - 24);
    await openConversation(page, BOB);
    assert.ok((await box(page, '#back')).top >= 32);
    assert.ok((await box(page, '.composer')).bottom <= 780 - 24);
    await page.click('#back');
    await page.click('#menu');
    await page.click('#settings-open');
    await page.waitForSelector('.settings-section');
    const sheet = await box(page, '#settings');
    assert.deepEqual([sheet.top, sheet.bottom], [0, 780], 'its ground fills the screen');
    assert.ok((await box(page, '#settings-close')).top >= 32);
    assert.ok((await box(page, '.settings-body')).bottom <= 780 - 24);
  });

  test('a keyboard that covers the page moves the composer above it, and away again', async () => {
    const page = await phone({ insets: edges });
    await openConversation(page, BOB);
    await page.evaluate((e) => window.fake.emit('insets', { ...e, keyboard: 300 }), edges);
    await until(page, () => document.querySelector('.composer').getBoundingClientRect().bottom <= 480);
    await page.evaluate((e) => window.fake.emit('insets', e), edges);
    await until(page, () => document.querySelector('.composer').getBoundingClientRect().bottom > 700);
  });

  test('on a desktop nothing is asked and nothing is kept clear', async () => {
    const page = await start();
    assert.deepEqual(await asked(page, 'insets'), []);
    assert.deepEqual(await asked(page, 'hold_back'), []);
    assert.equal(await page.evaluate(() => document.documentElement.style.getPropertyValue('--inset-top')), '');
  });
});

describe('going back', () => {
  test('leaves the app from the list, and a conversation first', async () => {
    const page = await phone();
    assert.deepEqual(await asked(page, 'hold_back'), [], 'from the list it is the system’s');
    await openConversation(page, BOB);
    await held(page, true);
    await back(page);
    await until(page, () => document.body.dataset.ready === 'list');
    await held(page, false);
  });

  test('closes what lies on top first: a sheet, then a menu, then the conversation', async () => {
    const page = await phone();
    await openConversation(page, BOB);
    await held(page, true);
    await page.evaluate(() => window.fake.lead({ to: 'settings' }));
    await page.waitForSelector('#settings[open]');
    await back(page);
    await until(page, () => !document.querySelector('#settings'));
    assert.equal(await page.evaluate(() => document.querySelector('.messenger').dataset.pane), 'conversation');
    await back(page);
    await until(page, () => document.body.dataset.ready === 'list');
    await held(page, false);
    await page.click('#menu');
    await held(page, true);
    await back(page);
    await until(page, () => document.querySelector('#menu').getAttribute('aria-expanded') === 'false');
    await held(page, false);
  });

  test('a sheet that may not be closed now stays', async () => {
    const page = await phone();
    await page.evaluate(() => {
      const sheet = document.createElement('dialog');
      sheet.id = 'stays';
      sheet.addEventListener('cancel', (event) => event.preventDefault());
      document.body.append(sheet);
      sheet.showModal();
    });
    await held(page, true);
    await back(page);
    await frames(page);
    assert.equal(await many(page, '#stays[open]'), 1);
  });
});

describe('a text that another app shared', () => {
  const shared = { to: 'share', text: 'See <b>this</b>:\nhttps://birds.example/1' };

  test('is shown, becomes a draft with whoever is chosen, and is not sent', async () => {
    const page = await phone();
    await page.evaluate((to) => window.fake.lead(to), shared);
    await page.waitForSelector('#people[open]');
    assert.equal(await page.textContent('.share-text'), shared.text);
    assert.match(plain(await page.textContent('.share-about')), /nothing is sent before you send it/u);
    await page.click('[data-person="p-bob"]');
    await until(page, (text) => document.querySelector('#composer')?.value === text, shared.text);
    await until(page, () => window.fake.asked('save_draft').length > 0);
    assert.deepEqual(await asked(page, 'save_draft'), [{ account: 'acc-1', conversation: BOB, text: shared.text }]);
    assert.deepEqual(await asked(page, 'send'), []);
  });

  test('takes nothing away that was being written there', async () => {
    const page = await phone({ leads: shared }, { ready: 'list' });
    await page.waitForSelector('#people[open]');
    await page.click('[data-person="p-ester"]');
    await until(page, (text) => document.querySelector('#composer')?.value === `About the keys: they are\n${text}`, shared.text);
  });

  test('waits for the passphrase where the account is locked', async () => {
    const locked = { account: { vault: 'passphrase', problem: { code: 'passphrase_needed', args: {}, action: 'unlock' } } };
    const page = await phone({ ...locked, leads: shared });
    await page.waitForSelector('#passphrase');
    assert.equal(await many(page, '#people'), 0);
    await page.fill('#passphrase', 'correct horse');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#people[open]');
    assert.equal(await page.textContent('.share-text'), shared.text);
  });

  test('leads nowhere where nobody is signed in, and what is no text is refused in words', async () => {
    const page = await phone({ signedIn: false, leads: shared });
    await page.waitForSelector('#link-dialog[open]');
    assert.match(plain(await page.textContent('#link-dialog')), /Nobody is signed in here/u);
    await page.keyboard.press('Enter');
    await until(page, () => !document.querySelector('#link-dialog'));
    await page.evaluate(() => window.fake.lead({ to: 'share_other' }));
    await until(page, () => document.querySelector('#link-dialog')?.textContent.includes('Only text can be shared'));
  });
});

describe('asking for notices', () => {
  const ask = { device: { tray: false, starts_at_login: null, phone: { notices: 'ask' } } };
  const afterOne = async (config) => {
    const page = await phone({ ...ask, ...config });
    await openConversation(page, BOB);
    await back(page);
    return page;
  };

  test('comes after the first conversation, says why and how late, and only a yes asks the system', async () => {
    const page = await afterOne({});
    await page.waitForSelector('#notify-dialog[open]');
    assert.match(plain(await page.textContent('#notify-dialog')), /when somebody has written.*about every 15 minutes/su);
    assert.deepEqual(await asked(page, 'ask_to_notify'), []);
    await page.click('#notify-yes');
    await until(page, () => window.fake.asked('ask_to_notify').length === 1);
  });

  test('a no is kept: it is not asked again, and the switch in the settings is off', async () => {
    const page = await afterOne({});
    await page.click('#notify-no');
    await until(page, () => window.fake.state.choices.notices === false);
    await openConversation(page, BOB);
    await back(page);
    await until(page, () => window.fake.asked('settings').length === 3);
    await frames(page);
    assert.equal(await many(page, '#notify-dialog'), 0);
    assert.deepEqual(await asked(page, 'ask_to_notify'), []);
  });

  test('who has allowed it, or uses a desktop, is asked nothing', async () => {
    const page = await phone();
    await openConversation(page, BOB);
    await back(page);
    await until(page, () => window.fake.asked('this_device').length === 1);
    await frames(page);
    assert.equal(await many(page, '#notify-dialog'), 0);
    const desktop = await start();
    await openConversation(desktop, BOB);
    await desktop.keyboard.press('Escape');
    await until(desktop, () => window.fake.asked('watch').at(-1).args.conversation === null);
    await frames(desktop);
    assert.deepEqual(await asked(desktop, 'this_device'), []);
  });
});

describe('a phone’s settings', () => {
  const settings = async (config) => {
    const page = await phone(config);
    await page.evaluate(() => window.fake.lead({ to: 'settings' }));
    await page.waitForSelector('.settings-section');
    return page;
  };

  test('offer what a phone has, and nothing of a desktop', async () => {
    const page = await settings();
    assert.equal(await many(page, '#setting-tray'), 0);
    assert.equal(await many(page, '#setting-login'), 0);
    assert.match(plain(await page.textContent('#setting-notices-about')), /about every 15 minutes/u);
    await page.click('#setting-hide-screen');
    await until(page, () => window.fake.state.choices.hide_screen === true);
  });

  test('turning notices on asks the system, and says where it has been told no', async () => {
    const page = await settings({ choices: { notices: false }, permission: 'denied' });
    assert.equal(await page.isVisible('#notices-denied'), false);
    await page.click('#setting-notices');
    await page.waitForSelector('#notices-denied:not([hidden])');
    assert.equal((await asked(page, 'ask_to_notify')).length, 1);
    await page.click('#setting-notices');
    await until(page, () => document.querySelector('#notices-denied').hidden);
    assert.equal((await asked(page, 'ask_to_notify')).length, 1, 'turning off asks nobody');
  });

  test('are led to by the system’s menu, and About to its own part', async () => {
    const page = await start();
    await page.evaluate(() => window.fake.lead({ to: 'about' }));
    await until(page, () => {
      const about = document.querySelector('#settings-about')?.getBoundingClientRect();
      return about !== undefined && about.top >= 0 && about.bottom <= innerHeight;
    });
  });
});
