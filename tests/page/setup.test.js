// A server without chat: whom an ordinary person asks, and how whoever runs the
// server sets it up.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { leaking, obstacles, plan, proof, until } from './harness.js';
import { asked, fake, start, withBob } from './pages.js';

const bare = (text) => text.replace(/[\u2066-\u2069]/gu, '');
const said = async (page, selector) => bare(await page.textContent(selector));
const focused = (page) => page.evaluate(() => document.activeElement.id);

/** Signs in as somebody whom the server answers so. */
async function signIn(page, code, action) {
  await page.fill('#server', 'chat.example');
  await page.click('#continue');
  await page.fill('#email', 'alice@example.com');
  await page.fill('#password', 'a secret');
  await fake(page, ([c, a]) => window.fake.refuse('sign_in', window.fake.problem(c, a, { host: 'chat.example' })), [code, action]);
  await page.click('#continue');
}

const missing = async (options) => {
  const page = await start({ signedIn: false }, options);
  await signIn(page, 'chat_missing', 'tell_owner');
  await page.waitForSelector('#missing-copy');
  return page;
};

const toWho = async (config, options) => {
  const page = await start({ signedIn: false, ...config }, options);
  await signIn(page, 'set_up_needed', 'set_up');
  await page.waitForSelector('#admin-password');
  return page;
};

const toPlan = async (config, options) => {
  const page = await toWho(config, options);
  await page.fill('#admin-password', 'a secret');
  await page.keyboard.press('Enter');
  await page.waitForSelector('[data-step="set-up-plan"], [data-step="set-up-ready"]');
  return page;
};

/** The number of steps that the plan of the tests has. */
const all = plan().steps.length;

describe('a server that has no chat for somebody', () => {
  test('says so calmly, and gives a text for whoever runs it', async () => {
    const page = await missing();
    assert.match(await said(page, '.card'), /no chat for you here yet.*chat\.example has no chat set up for alice@example\.com.*ask them/su);
    assert.equal(await focused(page), 'missing-copy');
    await page.keyboard.press('Enter');
    await until(page, () => document.querySelector('#missing-status').textContent.startsWith('Copied.'));
    assert.equal(await page.getAttribute('#missing-status', 'role'), 'status');
    const text = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(text, /https:\/\/chat\.example.*alice@example\.com.*“I run this server”.*whinchat-provision apply --url https:\/\/chat\.example\n.*docs\/server\.md/su);
    assert.doesNotMatch(text, /[\u2066-\u2069]|a secret/u);
    assert.equal(text, await page.inputValue('#missing-text'));
  });

  test('trying again says that nothing has changed, and then comes in, with nothing typed anew', async () => {
    const page = await missing();
    await fake(page, () => window.fake.refuse('sign_in', window.fake.problem('chat_missing', 'tell_owner', { host: 'chat.example' })));
    await page.click('#continue');
    await until(page, () => document.querySelector('.outcome').textContent.includes('still no chat'));
    assert.match(await said(page, '#announcements'), /still no chat/u);
    await page.click('#continue');
    await page.waitForSelector('body[data-ready="list"]');
    const requests = (await asked(page, 'sign_in')).map(({ request }) => [request.email, request.password]);
    assert.deepEqual(requests, Array(3).fill(['alice@example.com', '(given)']));
  });

  test('a one-time code that was asked for goes along when trying again', async () => {
    const page = await start({ signedIn: false });
    await signIn(page, 'code_needed', 'change_input');
    await page.fill('#code', '123456');
    await fake(page, () => window.fake.refuse('sign_in', window.fake.problem('chat_missing', 'tell_owner')));
    await page.click('#continue');
    await page.waitForSelector('#missing-copy');
    await page.click('#continue');
    await page.waitForSelector('body[data-ready="list"]');
    assert.deepEqual((await asked(page, 'sign_in')).map(({ request }) => request.code), [null, '123456', '123456']);
  });

  test('somebody else can sign in, and a password that is wrong now leads back to it', async () => {
    const page = await missing();
    await page.click('#another-person');
    await until(page, () => document.activeElement.id === 'email');
    assert.equal(await page.inputValue('#email'), 'alice@example.com');
    const other = await missing();
    await fake(other, () => window.fake.refuse('sign_in', window.fake.problem('password_wrong', 'change_input')));
    await other.click('#continue');
    await other.waitForSelector('#password-error[data-code="password_wrong"] span');
  });

  test('whoever runs it gets from there to setting it up, and back', async () => {
    const page = await missing();
    await page.click('#administer');
    await page.waitForSelector('#admin-password');
    await page.click('#set-up-leave');
    await page.waitForSelector('#missing-copy');
    assert.equal((await asked(page, 'set_up_begin')).length, 0);
  });
});

describe('a server that has lost its chat', () => {
  test('says so above the conversation, with a text to copy and a way to set it up and back', async () => {
    const page = await withBob();
    await fake(page, () => window.fake.connect({ state: 'not_provisioned', problem: window.fake.problem('chat_missing', 'tell_owner') }));
    await page.click('#missing-copy');
    await until(page, () => document.querySelector('#missing-copy').textContent === 'Copied');
    assert.match(await page.evaluate(() => navigator.clipboard.readText()), /whinchat-provision apply --url https:\/\/chat\.example\n/u);
    await page.fill('#composer', 'Half a thought');
    await page.click('#administer');
    await page.waitForSelector('#admin-password');
    assert.equal(await page.inputValue('#admin-email'), 'alice@example.com');
    await page.click('#set-up-leave');
    await page.waitForSelector('#composer');
    assert.equal(await page.inputValue('#composer'), 'Half a thought', 'nothing typed is lost');
    await page.click('#administer');
    await page.fill('#admin-password', 'a secret');
    await page.click('#set-up-continue');
    await page.waitForSelector('.plan-part');
    await page.click('#set-up-continue');
    await page.waitForSelector('[data-step="set-up-ready"]');
    await page.click('#set-up-continue');
    await until(page, () => document.querySelector('#connection')?.dataset.state === 'live');
    assert.equal((await asked(page, 'reconnect')).length, 1);
    assert.equal(await fake(page, () => window.fake.state.setUp.session), false);
  });
});

describe('setting up a server', () => {
  test('an administrator is asked again, sees the plan, has it made, and goes on to the chat', async () => {
    const page = await toWho();
    assert.equal(await page.inputValue('#admin-email'), 'alice@example.com');
    assert.equal(await page.inputValue('#admin-password'), '', 'the password is asked for again');
    assert.equal(await focused(page), 'admin-password');
    await page.keyboard.type('a secret');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-step="set-up-plan"]');
    assert.deepEqual(await asked(page, 'set_up_begin'), [{ request: { server: 'https://chat.example', email: 'alice@example.com', password: '(given)', code: null } }]);
    assert.equal(await focused(page), 'set-up-title');
    const before = plan().hash;
    assert.match(await said(page, '.card'), new RegExp(`Nothing has been changed yet.*${all} steps.*Messages.*Who may chat.*People whose role is Chat.*Stays as it is.*${before}.*backup`, 'su'));
    await page.click('#set-up-continue');
    await page.waitForSelector('[data-step="set-up-ready"]');
    assert.deepEqual(await asked(page, 'set_up_apply'), [{ plan: before }], 'exactly the plan that was seen');
    const ready = await said(page, '.card');
    assert.match(ready, new RegExp(`chat\\.example is ready.*Left to do.*0 steps.*Fingerprint before.*${before}.*Fingerprint now.*b[0-9a-f]{63}`, 'su'));
    await page.click('#set-up-continue');
    await page.waitForSelector('body[data-ready="list"]');
    // The session for setting up is over, and nothing was typed again.
    assert.equal(await fake(page, () => window.fake.state.setUp.session), false);
    assert.deepEqual((await asked(page, 'sign_in')).map(({ request }) => request.password), ['(given)', '(given)']);
  });

  test('each part of the plan opens to its steps in words, by keyboard too', async () => {
    const page = await toPlan();
    const parts = await page.$$eval('.plan-part', (list) => list.map((one) => [one.dataset.subject, one.open, one.querySelectorAll('li').length]));
    assert.deepEqual(parts.map(([subject]) => subject), ['messages', 'groups', 'files', 'reactions', 'reading', 'settings', 'typing', 'presence', 'blocks', 'reports', 'people', 'access', 'record']);
    assert.ok(parts.every(([, open]) => !open));
    assert.equal(parts.reduce((sum, [, , count]) => sum + count, 0), all, 'every step stands in one of them');
    await page.focus('[data-subject="messages"] summary');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-subject="messages"][open] li');
    assert.match(await said(page, '[data-subject="messages"] ol'), /Make the collection chat_messages.*Let Chat read chat_messages/su);
    const texts = (await page.$$eval('.plan-part li', (list) => list.map((one) => one.textContent))).map(bare);
    for (const text of texts) assert.doesNotMatch(text, /setup-|[{}]|undefined/u);
  });

  test('progress is shown step by step, never goes back, and is read out once a subject', async () => {
    const page = await toPlan();
    await fake(page, () => window.fake.hold('set_up_apply'));
    await page.click('#set-up-continue');
    await page.waitForSelector('#set-up-progress');
    assert.equal(await page.getAttribute('#set-up-progress', 'aria-labelledby'), 'set-up-title');
    await until(page, () => window.fake.asked('set_up_apply').length === 1);
    for (const number of [1, 2, 4, 3, 5]) await fake(page, (n) => window.fake.step(n), number);
    await until(page, () => document.querySelector('.progress-number').textContent.includes('5'));
    assert.equal(await said(page, '.progress-number'), `Step 5 of ${all}`);
    assert.equal(await page.$eval('#set-up-progress', (bar) => [bar.value, bar.max].join()), `4,${all}`);
    assert.match(await said(page, '.progress-words'), /Make the collection chat_attachments/u);
    const heard = (await page.$$eval('#announcements p', (list) => list.map((one) => one.textContent))).map(bare);
    assert.deepEqual(heard, ['Starting', `Version: step 1 of ${all}`, `Groups: step 2 of ${all}`, `Messages: step 4 of ${all}`, `Files: step 5 of ${all}`]);
    await fake(page, () => window.fake.release('set_up_apply'));
    await page.waitForSelector('[data-step="set-up-ready"]');
    assert.match(await said(page, '#announcements'), /Done\. The server is ready\./u);
  });

  test('broken off, it says what is left, and goes on', async () => {
    const page = await toPlan();
    await fake(page, () => window.fake.hold('set_up_apply'));
    await page.click('#set-up-continue');
    await until(page, () => window.fake.asked('set_up_apply').length === 1);
    await fake(page, () => window.fake.step(31));
    await page.click('#set-up-stop');
    await page.waitForSelector('[data-step="set-up-plan"] .notice');
    assert.match(await said(page, '.card'), new RegExp(`Broken off\\. What was done stays.*What is left to do.*${all - 30} steps`, 'su'));
    assert.equal(await page.textContent('#set-up-continue'), 'Do the rest');
    await page.click('#set-up-continue');
    await page.waitForSelector('[data-step="set-up-ready"]');
    assert.deepEqual((await asked(page, 'set_up_apply')).map(({ plan: hash }) => hash), [plan().hash, `c${plan().hash.slice(1)}`]);
  });

  test('what stands in the way is told with what to do, nothing can be made, and one can look again', async () => {
    const page = await toPlan({ setUp: plan(obstacles) });
    assert.equal(await page.textContent('h1'), 'It can’t be done safely yet');
    assert.match(await said(page, '.plan-refusals'), /WEBSOCKETS_ENABLED=true.*chat_groups that is something else.*12 rows hold a chat_messages\.sender_id/su);
    assert.match(await said(page, '.plan-kept'), /chat_messages\.sender_id: no relation/u);
    assert.equal(await page.textContent('#set-up-continue'), 'Look again');
    await fake(page, () => { window.fake.state.setUp.plan = { ...window.fake.state.setUp.plan, refusals: [] }; });
    await page.click('#set-up-continue');
    await until(page, () => document.querySelector('#set-up-continue').textContent === 'Set up');
    assert.equal((await asked(page, 'set_up_apply')).length, 0);
  });

  test('a server that is ready already says so, to whoever runs it and only signs in for that', async () => {
    const page = await start({ signedIn: false, setUp: plan({ steps: [] }) });
    await page.fill('#server', 'chat.example');
    await page.click('#continue');
    await page.fill('#email', 'owner@example.com');
    await page.click('#administer');
    assert.equal(await page.inputValue('#admin-email'), 'owner@example.com');
    await page.fill('#admin-password', 'a secret');
    await page.click('#set-up-continue');
    await page.waitForSelector('[data-step="set-up-ready"]');
    assert.match(await said(page, '.card'), /ready already.*Nothing is to be made.*0 steps/su);
    await page.click('#set-up-continue');
    await until(page, () => document.activeElement.id === 'password');
    assert.equal((await asked(page, 'sign_in')).length, 0, 'no password was typed there');
    assert.equal(await page.inputValue('#email'), 'owner@example.com');
  });

  for (const [code, where] of [['password_wrong', 'admin-password'], ['too_many_tries', 'admin-password'], ['suspended', 'admin-email'], ['not_administrator', 'admin-email']]) {
    test(`${code} is told beside ${where}, and what was typed stays`, async () => {
      const page = await toWho();
      await page.fill('#admin-password', 'a secret');
      await fake(page, (c) => window.fake.refuse('set_up_begin', window.fake.problem(c, 'change_input', { host: 'chat.example', seconds: '60' })), code);
      await page.click('#set-up-continue');
      await page.waitForSelector(`#${where}-error[data-code="${code}"] span`);
      assert.equal(await focused(page), where);
      assert.deepEqual([await page.inputValue('#admin-email'), await page.inputValue('#admin-password')], ['alice@example.com', 'a secret']);
      await page.click('#set-up-continue');
      await page.waitForSelector('[data-step="set-up-plan"]');
    });
  }

  test('a one-time code is asked for where the account wants one', async () => {
    const page = await toWho();
    await page.fill('#admin-password', 'a secret');
    await fake(page, () => window.fake.refuse('set_up_begin', window.fake.problem('code_needed', 'change_input'), window.fake.problem('code_wrong', 'change_input')));
    await page.click('#set-up-continue');
    await until(page, () => document.activeElement.id === 'admin-code');
    await page.keyboard.type('000 000');
    await page.keyboard.press('Enter');
    await page.waitForSelector('#admin-code-error[data-code="code_wrong"] span');
    await page.fill('#admin-code', '123 456');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-step="set-up-plan"]');
    assert.deepEqual((await asked(page, 'set_up_begin')).map(({ request }) => request.code), [null, '000000', '123456']);
  });

  test('a server that is silent while it is looked at can be looked at again', async () => {
    const page = await toWho();
    await page.fill('#admin-password', 'a secret');
    await fake(page, () => window.fake.refuse('set_up_plan', window.fake.problem('host_silent', 'retry', { host: 'chat.example' })));
    await page.click('#set-up-continue');
    await page.waitForSelector('.problem[data-code="host_silent"][role="alert"]');
    await page.click('#set-up-continue');
    await page.waitForSelector('.plan-part');
  });

  for (const code of ['set_up_refused', 'set_up_changed', 'host_silent', 'server_busy']) {
    test(`${code} while it is made is told above what is left, which can be done`, async () => {
      const page = await toPlan();
      await fake(page, (c) => window.fake.refuse('set_up_apply', window.fake.problem(c, 'retry', { host: 'chat.example', status: '400', reason: 'INVALID_FOREIGN_KEY' })), code);
      await page.click('#set-up-continue');
      await page.waitForSelector(`.problem[data-code="${code}"]`);
      await page.waitForSelector('.plan-part');
      await page.click('#set-up-continue');
      await page.waitForSelector('[data-step="set-up-ready"]');
    });
  }

  test('when the session is over, one signs in again and goes on', async () => {
    const page = await toPlan();
    await fake(page, () => { window.fake.state.setUp.session = false; });
    await page.click('#set-up-continue');
    await page.waitForSelector('#admin-password');
    assert.match(await said(page, '.notice'), /session has ended.*what was made stays/u);
    assert.deepEqual([await page.inputValue('#admin-email'), await page.inputValue('#admin-password')], ['alice@example.com', '']);
    await page.fill('#admin-password', 'a secret');
    await page.click('#set-up-continue');
    await page.waitForSelector('.plan-part');
  });

  test('whichever way one leaves, the session ends', async () => {
    const gone = (page) => until(page, () => window.fake.state.setUp.session === false);
    const fromPlan = await toPlan();
    assert.equal(await fake(fromPlan, () => window.fake.state.setUp.session), true);
    await fromPlan.click('#set-up-leave');
    await fromPlan.waitForSelector('#password');
    await gone(fromPlan);
    assert.equal(await fromPlan.inputValue('#email'), 'alice@example.com', 'sign-in is as it was left');
    // While it is still being made.
    const early = await toWho();
    await fake(early, () => window.fake.hold('set_up_begin'));
    await early.fill('#admin-password', 'a secret');
    await early.click('#set-up-continue');
    await early.click('#set-up-leave');
    await early.waitForSelector('#password');
    const before = (await asked(early, 'set_up_end')).length;
    await fake(early, () => window.fake.release('set_up_begin'));
    await until(early, (n) => window.fake.asked('set_up_end').length > n, before);
    await gone(early);
    // The window closes, or the page goes.
    const closed = await toPlan();
    await closed.evaluate(() => dispatchEvent(new Event('pagehide')));
    await gone(closed);
    // A page that starts anew goes on with nobody's.
    const anew = await start({ signedIn: false });
    assert.equal((await asked(anew, 'set_up_end')).length, 1);
  });

  test('by keyboard alone, at 320 px', async () => {
    const page = await toWho({}, { viewport: { width: 320, height: 700 } });
    await page.keyboard.type('a secret');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-step="set-up-plan"]');
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.parentElement.dataset.subject), 'messages');
    await page.keyboard.press('Space');
    await page.waitForSelector('[data-subject="messages"][open]');
    for (let at = 0; at < 13; at += 1) await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'set-up-continue');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-step="set-up-ready"]');
    for (const next of ['owner-contact', 'owner-terms', 'owner-save', 'set-up-prove']) {
      await page.keyboard.press('Tab');
      assert.equal(await focused(page), next);
    }
    await page.keyboard.press('Tab');
    assert.equal(await focused(page), 'set-up-continue');
    await page.keyboard.press('Enter');
    await page.waitForSelector('body[data-ready="list"]');
  });
});

describe('proving that a server is private', () => {
  const toReady = async (config) => {
    const page = await toPlan({ setUp: plan({ steps: [] }), ...config });
    await page.waitForSelector('#set-up-prove');
    return page;
  };

  test('it is attacked on demand, with progress, and the result says what was tried and what can’t be proven', async () => {
    const page = await toReady();
    await fake(page, () => window.fake.hold('set_up_verify'));
    await page.click('#set-up-prove');
    await until(page, () => window.fake.asked('set_up_verify').length === 1);
    assert.equal(await page.$eval('#set-up-progress', (bar) => bar.hasAttribute('value')), false, 'how many there are is not known yet');
    for (const [number, words] of [[1, 'chat_groups read by id'], [60, 'chat_messages read by filter'], [59, 'late']]) {
      await fake(page, ([n, w]) => window.fake.attempt(n, 412, w), [number, words]);
    }
    await until(page, () => document.querySelector('.progress-words').textContent === 'chat_messages read by filter');
    assert.equal(await said(page, '.progress-number'), 'Attempt 60 of 412');
    assert.match(await said(page, '#announcements'), /Attempt 60 of 412/u);
    await fake(page, () => window.fake.release('set_up_verify'));
    await page.waitForSelector('[data-step="set-up-proof"]');
    assert.equal(await focused(page), 'set-up-title');
    assert.match(await said(page, '.card'), /chat\.example is private.*410 of 412 refused.*What no rule can refuse.*2 attacks.*166 of 166 worked.*What no rule can refuse.*What this can’t prove.*reads everything on it.*What is left/su);
    assert.match(await said(page, '#announcements'), /is private/u);
    await page.click('#set-up-back');
    await page.waitForSelector('[data-step="set-up-ready"]');
    await page.click('#set-up-prove');
    await page.waitForSelector('[data-step="set-up-proof"]');
    await page.click('#set-up-continue');
    await page.waitForSelector('body[data-ready="list"]');
    assert.equal(await fake(page, () => window.fake.state.setUp.session), false);
  });

  test('each leak is told in words, with its request and answer', async () => {
    const page = await toReady({ proof: proof(leaking) });
    await page.click('#set-up-prove');
    await page.waitForSelector('[data-step="set-up-proof"]');
    assert.match(await said(page, '.card'), /chat\.example is not private.*408 of 412 refused.*Attacks that worked.*2 attacks.*3 attempts went wrong/su);
    const leaks = await page.$$eval('[data-verdict="leaked"] summary', (list) => list.map((one) => one.textContent));
    assert.deepEqual(leaks, ['Eve would know that Anna wrote to BenAn attack, and it worked', 'Eve would read what Anna wrote to BenAn attack, and it worked']);
    await page.click('[data-verdict="leaked"] summary');
    assert.match(await said(page, '[data-verdict="leaked"][open] dl'), /Request.*GET \/items\/chat_messages.*Answer.*200/su);
    await page.click('#set-up-prove');
    await until(page, () => window.fake.asked('set_up_verify').length === 2);
  });

  test('what went wrong without a leak is no proof', async () => {
    const page = await toReady({ proof: proof({ ...leaking, leaks: 0, wrong: leaking.wrong.slice(2) }) });
    await page.click('#set-up-prove');
    await page.waitForSelector('[data-step="set-up-proof"]');
    assert.match(await said(page, '.card'), /Nothing is proven.*1 attempt went wrong/su);
  });

  test('broken off or refused, it says so where it began, and can be begun again', async () => {
    const page = await toReady();
    await fake(page, () => window.fake.hold('set_up_verify'));
    await page.click('#set-up-prove');
    await until(page, () => window.fake.asked('set_up_verify').length === 1);
    await page.click('#set-up-stop');
    await page.waitForSelector('[data-step="set-up-ready"] .notice');
    assert.match(await said(page, '.notice'), /nothing is proven/u);
    await fake(page, () => window.fake.refuse('set_up_verify', window.fake.problem('host_silent', 'retry', { host: 'chat.example' })));
    await page.click('#set-up-prove');
    await page.waitForSelector('[data-step="set-up-ready"] .problem[data-code="host_silent"]');
    assert.match(await said(page, '.notice'), /taken away when you prove it next/u);
    await fake(page, () => window.fake.refuse('set_up_verify', window.fake.problem('set_up_changed', 'retry')));
    await page.click('#set-up-prove');
    await page.waitForSelector('[data-step="set-up-ready"]');
    assert.equal((await asked(page, 'set_up_plan')).length, 2, 'the server is looked at anew');
    await page.click('#set-up-prove');
    await page.waitForSelector('[data-step="set-up-proof"]');
  });
});
