// Terms, blocking, reporting, and asking to be deleted.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOB, CAROL, openConversation, plan, until } from './harness.js';
import { asked, fake, start, withBob } from './pages.js';

const many = (page, selector) => page.locator(selector).count();
const text = async (page, selector) => (await page.textContent(selector)).replace(/[\u2066-\u2069]/gu, '');
const focused = (page) => page.evaluate(() => document.activeElement.id);
/** Opens the menu of the conversation and presses one of its items. */
async function choose(page, item) {
  await page.click('#conversation-menu');
  await page.click(item);
}
const plainServer = { blocks_on_server: false, reports_on_server: false };

describe('the terms', () => {
  test('are shown once, before the first message, and are remembered by the core', async () => {
    const page = await start({ safety: { accepted: null, owner_terms: 'https://chat.example/terms' } });
    await page.waitForSelector('#terms[open]');
    assert.equal(await focused(page), 'terms-title');
    assert.match(await text(page, '#terms'), /https:\/\/chat\.example\/terms/u);
    await page.click('#terms-owner');
    assert.deepEqual((await asked(page, 'open_outside'))[0], { url: 'https://chat.example/terms' });
    await page.click('#terms-accept');
    await until(page, () => !document.querySelector('#terms'));
    assert.deepEqual((await asked(page, 'accept_terms'))[0], { account: 'acc-1', version: 1 });
    await openConversation(page, BOB);
    await page.fill('#composer', 'Hello');
    await page.keyboard.press('Enter');
    await until(page, () => window.fake.asked('send').length === 1);
  });

  test('leave reading possible where they are declined, and stand where one would write', async () => {
    const page = await start({ safety: { accepted: { version: 0, at: 1 } } });
    await page.waitForSelector('#terms[open]');
    await page.keyboard.press('Escape');
    await until(page, () => !document.querySelector('#terms'));
    await openConversation(page, BOB);
    assert.ok(await many(page, '[data-message]') > 5, 'all can be read');
    assert.equal(await page.isVisible('#composer'), false);
    await page.click('#gate-terms');
    await page.click('#terms-accept');
    await page.waitForSelector('#composer', { state: 'visible' });
    assert.equal(await many(page, '#gate-terms'), 0);
  });

  test('are asked for by a refused message, and what was typed stays', async () => {
    const page = await withBob();
    await page.evaluate(() => { window.fake.state.safety.accepted = null; });
    await page.fill('#composer', 'Hello');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.problem[data-code="terms_needed"]');
    assert.equal(await page.inputValue('#composer'), 'Hello');
    await page.click('.problem[data-code="terms_needed"] button');
    await page.waitForSelector('#terms[open]');
  });
});

describe('blocking', () => {
  test('takes a person out of the list, says how far it reaches, and is lifted where one would write', async () => {
    const page = await withBob();
    await choose(page, '#block');
    assert.equal(await page.getAttribute('#block-dialog [data-reach]', 'data-reach'), 'server');
    assert.equal(await focused(page), 'block-confirm');
    await page.click('#block-confirm');
    await until(page, (id) => !document.querySelector(`[data-conversation="${id}"]`), BOB);
    assert.deepEqual((await asked(page, 'block'))[0], { account: 'acc-1', person: 'p-bob' });
    assert.equal(await page.isVisible('#composer'), false);
    assert.ok(await many(page, '[data-message]') > 5, 'nothing is deleted');
    await page.click('#gate-unblock');
    await page.waitForSelector(`[data-conversation="${BOB}"]`);
    await page.waitForSelector('#composer', { state: 'visible' });
  });

  test('says on a plain server that it is of this device, and that they can still write', async () => {
    const page = await withBob({ safety: plainServer });
    await choose(page, '#block');
    assert.match(await text(page, '#block-dialog [data-reach="device"]'), /can still write to you/u);
    await page.click('#block-confirm');
    await page.waitForSelector('#gate-unblock');
    assert.match(await text(page, '.gate'), /on this device/u);
  });

  test('stands in the settings, where it is lifted by the keyboard', async () => {
    const blocked = ['p-bob', 'p-carol'].map((person) => ({ person, name: person === 'p-bob' ? 'Bob Hargreaves' : 'Carol Osei', since: 1, reach: 'server' }));
    const page = await start({ safety: { blocked } });
    assert.equal(await many(page, `[data-conversation="${BOB}"], [data-conversation="${CAROL}"]`), 0);
    await page.keyboard.press('Control+,');
    await page.waitForSelector('#settings-blocked');
    await page.focus('[data-person="p-bob"] .small');
    await page.keyboard.press('Enter');
    await until(page, () => !document.querySelector('#settings-blocked [data-person="p-bob"]'));
    assert.equal(await page.evaluate(() => document.activeElement.closest('li').dataset.person), 'p-carol');
    await page.keyboard.press('Enter');
    await until(page, () => !document.querySelector('#settings-blocked'));
    assert.equal(await many(page, `[data-conversation="${CAROL}"]`), 1);
  });

  test('is not offered of oneself', async () => {
    const page = await start();
    await page.click('#find-people');
    await page.click('[data-person="p-alice"]');
    await page.waitForSelector('body[data-ready="conversation"]');
    assert.equal(await many(page, '#conversation-menu'), 0);
  });
});

describe('reporting', () => {
  test('tells a message with its text only if that is ticked, and offers to block', async () => {
    const page = await withBob();
    await choose(page, '#report');
    assert.equal(await focused(page), 'report-about');
    assert.equal(await page.isVisible('#report-with-text'), false, 'of a person there is no copy');
    const newest = await page.getAttribute('#report-about option:nth-child(2)', 'value');
    await page.selectOption('#report-about', newest);
    await page.selectOption('#report-reason', 'threats');
    await page.fill('#report-comment', 'Since Monday');
    await page.click('#report-send');
    await page.waitForSelector('#report-block');
    const [args] = await asked(page, 'report');
    assert.deepEqual(args, { account: 'acc-1', person: null, message: newest, reason: 'threats', comment: 'Since Monday', with_text: false });
    await page.click('#report-block');
    await page.waitForSelector('#block-dialog[open]');
    await page.keyboard.press('Escape');
    await choose(page, '#report');
    await page.selectOption('#report-about', newest);
    await page.check('#report-with-text');
    await page.click('#report-send');
    await until(page, () => window.fake.asked('report').length === 2);
    assert.equal((await asked(page, 'report'))[1].with_text, true);
  });

  test('begins a mail on a plain server, with the text only if that is ticked', async () => {
    const page = await withBob({ safety: plainServer });
    await choose(page, '#report');
    assert.equal(await page.getAttribute('#report-dialog [data-way]', 'data-way'), 'mail');
    const newest = await page.getAttribute('#report-about option:nth-child(2)', 'value');
    await page.selectOption('#report-about', newest);
    await page.click('#report-open');
    await page.waitForSelector('#report-done-close');
    const url = new URL((await asked(page, 'open_outside'))[0].url);
    assert.equal(url.pathname, 'owner@chat.example');
    const body = url.searchParams.get('body');
    assert.ok(body.includes('p-bob') && body.includes(newest) && !body.includes('Dress warm'), body);
    assert.equal((await asked(page, 'report')).length, 0);
    await page.click('#report-done-close');
    await choose(page, '#report');
    await page.selectOption('#report-about', newest);
    await page.check('#report-with-text');
    await page.fill('#report-comment', 'ü'.repeat(4000));
    await page.click('#report-open');
    const long = (await asked(page, 'open_outside'))[1].url;
    assert.ok(long.length <= 12_000, `${long.length}`);
    assert.ok(new URL(long).searchParams.get('body').includes('Dress warm'));
  });

  test('copies the text where the owner has left no address', async () => {
    const page = await withBob({ safety: { ...plainServer, contact: null } });
    await choose(page, '#report');
    assert.equal(await page.getAttribute('#report-dialog [data-way]', 'data-way'), 'copy');
    await page.click('#report-copy');
    await until(page, () => document.querySelector('#report-copy').textContent.startsWith('Copied'));
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /Bob Hargreaves/u);
  });

  test('says what went wrong, and keeps what was typed', async () => {
    const page = await withBob();
    await choose(page, '#report');
    await page.fill('#report-comment', 'Since Monday');
    await fake(page, () => window.fake.refuse('report', window.fake.problem('disk_full', 'retry')));
    await page.click('#report-send');
    await page.waitForSelector('#report-dialog .problem[data-code="disk_full"]');
    assert.equal(await page.inputValue('#report-comment'), 'Since Monday');
  });
});

describe('asking to be deleted', () => {
  test('tells the owner, and offers to erase this device', async () => {
    const page = await start();
    await page.keyboard.press('Control+,');
    await page.click('#deletion');
    await page.click('#deletion-confirm');
    await page.waitForSelector('#deletion-erase');
    assert.deepEqual((await asked(page, 'report'))[0], { account: 'acc-1', person: null, message: null, reason: 'account_deletion', comment: '', with_text: false });
    await page.click('#deletion-erase');
    await page.waitForSelector('#sign-out-dialog[open]');
  });

  test('is a mail where the server takes none, and the settings show whom it is for', async () => {
    const page = await start({ safety: plainServer });
    await page.keyboard.press('Control+,');
    assert.equal(await text(page, '#settings-contact'), 'owner@chat.example');
    await page.click('#deletion');
    await page.click('#report-open');
    await page.waitForSelector('#deletion-erase');
    assert.match((await asked(page, 'open_outside'))[0].url, /^mailto:owner@chat\.example\?subject=/u);
  });
});

describe('the owner’s addresses', () => {
  test('are kept from the page that sets a server up, and a wrong one is said where it was typed', async () => {
    const page = await start({ signedIn: false, setUp: plan({ steps: [] }) });
    await page.fill('#server', 'chat.example');
    await page.click('#continue');
    await page.click('#administer');
    await page.fill('#admin-email', 'owner@example.com');
    await page.fill('#admin-password', 'secret');
    await page.click('#set-up-continue');
    await page.fill('#owner-contact', 'owner@example.com');
    await page.fill('#owner-terms', 'http://example.com');
    await page.click('#owner-save');
    await page.waitForSelector('#owner-terms-error[data-code="owners_address_invalid"]');
    assert.equal(await focused(page), 'owner-terms');
    await page.fill('#owner-terms', 'https://example.com/terms');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.owner-addresses .notice');
    assert.deepEqual((await asked(page, 'set_up_addresses')).at(-1), { contact: 'owner@example.com', terms: 'https://example.com/terms' });
    assert.equal(await page.getAttribute('.stage', 'data-step'), 'set-up-ready');
  });
});
