// How the page looks, measured: geometry, contrast of the real colours, and
// axe on every screen at three widths in both themes.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, before, describe, test } from 'node:test';
import { BOB, CAROL, frames, history, launch, leaking, NOW, obstacles, older, openConversation, openPage, others, plan, proof, serve, talks } from './harness.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const clean = { outside: [], violations: [], errors: [], console: [] };

let server;
let browser;
before(async () => {
  server = await serve();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await server?.close();
});

/** Opens, looks, closes; nothing forbidden may have happened. */
async function look(config, options, act) {
  const { page, seen, close } = await openPage(browser, server.origin, config, options);
  try {
    await act(page);
  } finally {
    await close();
  }
  assert.deepEqual(seen, clean);
}

async function toSettings(page) {
  await page.keyboard.press('Control+,');
  await page.waitForSelector('.settings-section');
}

const minute = 60_000;
const runs = {
  conversations: [{ person: 'p-bob', messages: [
    { id: 'a', text: 'One', at: NOW - 60 * minute },
    { id: 'b', text: 'Two, a little longer', at: NOW - 58 * minute },
    { id: 'c', text: 'Three', at: NOW - 57 * minute },
    { id: 'd', text: 'Much later', at: NOW - 50 * minute },
    { id: 'e', text: 'Mine', at: NOW - 49 * minute, mine: true },
    { id: 'f', text: `Mine and ${'very '.repeat(60)}long`, at: NOW - 48 * minute, mine: true },
    { id: 'g', text: 'W'.repeat(3000), at: NOW - 20 * minute },
    { id: 'h', text: 'https://a.example/'.padEnd(900, 'x'), at: NOW - 19 * minute, mine: true },
    { id: 'i', text: 'مرحبا، كيف حالك؟ (ok)', at: NOW - 10 * minute },
    { id: 'j', text: 'مرحبا، كيف حالك؟', at: NOW - 9 * minute, mine: true },
  ] }],
};

const boxes = (page) => page.evaluate(() => Object.fromEntries([...document.querySelectorAll('[data-message]')].map((bubble) => {
  const { left, right, top, bottom, width } = bubble.getBoundingClientRect();
  const style = getComputedStyle(bubble);
  const text = bubble.querySelector('.text');
  const textStyle = getComputedStyle(text);
  const time = getComputedStyle(bubble.querySelector('.meta'));
  return [bubble.dataset.message, {
    left, right, top, bottom, width,
    corners: [style.borderTopLeftRadius, style.borderTopRightRadius, style.borderBottomRightRadius, style.borderBottomLeftRadius].map(Number.parseFloat),
    padding: [style.paddingTop, style.paddingLeft].map(Number.parseFloat), font: Number.parseFloat(textStyle.fontSize), line: Number.parseFloat(textStyle.lineHeight),
    small: Number.parseFloat(time.fontSize), ground: style.backgroundColor,
    direction: getComputedStyle(bubble.querySelector('.body')).direction,
  }];
})));
const column = (page) => page.$eval('.messages', (one) => { const { left, right, width } = one.getBoundingClientRect(); return { left, right, width }; });
const near = (a, b, what) => assert.ok(Math.abs(a - b) <= 0.6, `${what}: ${a} is not ${b}`);

/** To where a server has no chat: for an ordinary person, or for whoever runs it. */
const toUnready = (code) => async (page) => {
  await page.fill('#server', 'a.example');
  await page.click('#continue');
  await page.fill('#email', 'alice@example.com');
  await page.fill('#password', 'x');
  await page.evaluate((c) => window.fake.refuse('sign_in', window.fake.problem(c, 'none', { host: 'a.example' })), code);
  await page.click('#continue');
  await page.waitForSelector('#missing-copy, #admin-password');
};
const toPlan = async (page) => {
  await toUnready('set_up_needed')(page);
  await page.fill('#admin-password', 'x');
  await page.click('#set-up-continue');
  await page.waitForSelector('[data-step="set-up-plan"], [data-step="set-up-ready"]');
  const first = await page.$('.plan-part summary');
  await first?.click();
};
const toProof = async (page) => {
  await toPlan(page);
  await page.click('#set-up-prove');
  await page.waitForSelector('[data-step="set-up-proof"]');
  await page.click('.plan-part summary');
};
const toWorking = async (page) => {
  await toPlan(page);
  await page.evaluate(() => window.fake.hold('set_up_apply'));
  await page.click('#set-up-continue');
  await page.waitForSelector('#set-up-progress');
};

describe('geometry', () => {
  for (const rtl of [false, true]) {
    for (const width of [320, 768, 1440]) {
      test(`bubbles at ${width} px${rtl ? ', right to left' : ''}`, () => look(runs, { rtl, viewport: { width, height: 900 } }, async (page) => {
        await openConversation(page, BOB);
        const all = await boxes(page);
        const col = await column(page);
        assert.ok(col.width <= 720);
        for (const [id, box] of Object.entries(all)) {
          assert.ok(box.width <= col.width * 0.75 + 0.6, `${id} is ${box.width} of ${col.width}`);
          assert.deepEqual(box.padding, [10, 16]);
          near(box.small, 12, 'time');
          near(box.font, 16, 'text');
          near(box.line, 22.4, 'line');
          const mine = 'efhj'.includes(id);
          if (mine !== rtl) near(box.right, col.right, `${id} at the end`);
          else near(box.left, col.left, `${id} at the start`);
        }
        near(all.b.top - all.a.bottom, 2, 'inside a run');
        near(all.c.top - all.b.bottom, 2, 'inside a run');
        near(all.d.top - all.c.bottom, 12, 'after seven minutes');
        near(all.e.top - all.d.bottom, 12, 'between people');
        // Corners as seen: top left, top right, bottom right, bottom left.
        const mirrored = ([tl, tr, br, bl]) => (rtl ? [tr, tl, bl, br] : [tl, tr, br, bl]);
        assert.deepEqual(mirrored(all.a.corners), [16, 16, 16, 4]);
        assert.deepEqual(mirrored(all.b.corners), [4, 16, 16, 4]);
        assert.deepEqual(mirrored(all.c.corners), [4, 16, 16, 16]);
        assert.deepEqual(mirrored(all.d.corners), [16, 16, 16, 16]);
        assert.deepEqual(mirrored(all.e.corners), [16, 16, 4, 16]);
        assert.deepEqual(mirrored(all.f.corners), [16, 4, 16, 16]);
        assert.notEqual(all.a.ground, all.e.ground);
        assert.deepEqual([all.a.direction, all.i.direction, all.j.direction], ['ltr', 'rtl', 'rtl']);
        const wide = await page.evaluate(() => [...document.querySelectorAll('*')].filter((one) => one.scrollWidth > one.clientWidth + 1 && ['auto', 'scroll'].includes(getComputedStyle(one).overflowX)).map((one) => one.className));
        assert.deepEqual(wide, [], 'nothing scrolls sideways');
      }));
    }
  }

  test('groups of about fifty, and only those that are whole are left to the browser', () => look({ conversations: [{ person: 'p-bob', messages: history(300) }] }, {}, async (page) => {
    await openConversation(page, BOB);
    for (let at = 0; at < 4; at += 1) await older(page);
    await frames(page);
    const groups = await page.$$eval('.group', (all) => all.map((one) => [one.querySelectorAll('[data-message]').length, getComputedStyle(one).contentVisibility, one.style.containIntrinsicBlockSize]));
    assert.ok(groups.length >= 3);
    for (const [size, visibility, kept] of groups.slice(0, -1)) {
      assert.ok(size <= 75);
      assert.equal(visibility, 'auto');
      assert.match(kept, /^auto \d+/u);
    }
    assert.equal(groups.at(-1)[1], 'visible');
  }));

  for (const [name, config, act] of [
    ['sign-in', { signedIn: false }, async (page) => { await page.fill('#server', 'a.example'); await page.click('#continue'); await page.waitForSelector('#password'); }],
    ['the list', { conversations: talks().map((talk) => ({ ...talk, messages: talk.messages.map((m) => ({ ...m, text: 'Ungeheuerlichkeitsbescheinigung'.repeat(20) })) })), people: talks().map(({ person }) => ({ id: person, name: `${person} ${'Wolfeschlegelsteinhausen'.repeat(5)}`, is_me: false })) }, async () => {}],
    ['a conversation', {}, (page) => openConversation(page, BOB)],
    ['the settings', { choices: { quiet: { from: 1320, until: 420 } } }, async (page) => { await toSettings(page); await page.click('#licences summary'); }],
    ['what to ask for', { signedIn: false }, toUnready('chat_missing')],
    ['a plan', { signedIn: false, setUp: plan(obstacles) }, toPlan],
    ['setting up', { signedIn: false }, toWorking],
    ['a server that is ready', { signedIn: false, setUp: plan({ steps: [] }) }, toPlan],
    ['a proof', { signedIn: false, setUp: plan({ steps: [] }), proof: proof(leaking) }, toProof],
  ]) {
    for (const width of [320, 768, 1440]) {
      test(`${name} at ${width} px with text twice as large needs no sideways scrolling`, () => look(config, { text: 2, viewport: { width, height: 900 } }, async (page) => {
        await act(page);
        const over = await page.evaluate(() => {
          const { innerWidth } = window;
          return [...document.querySelectorAll('button, input, textarea, progress, summary, li, dd, h1, h2, p, .bubble, label')].filter((one) => one.checkVisibility() && !one.closest('.spoken')).filter((one) => { const box = one.getBoundingClientRect(); return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1); }).map((one) => one.outerHTML.slice(0, 80));
        });
        assert.deepEqual(over, []);
      }));
    }
  }
});

/** Contrast of text on what is really behind it. */
const contrasts = (page, selectors) => page.evaluate((wanted) => {
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgb = (colour) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = ([r, g, b]) => { const f = (v) => { const c = v / 255; return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; }; return 0.2126 * f(r) + 0.7152 * f(g) + 0.0722 * f(b); };
  const behind = (node) => { for (let at = node; at; at = at.parentElement) { const c = rgb(getComputedStyle(at).backgroundColor); if (c[3] === 255) return c; } return rgb('white'); };
  return wanted.flatMap((selector) => [...document.querySelectorAll(selector)].map((node) => {
    const a = light(rgb(getComputedStyle(node).color)); const b = light(behind(node));
    return [selector, (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
  }));
}, selectors);

const failing = talks();
failing[0].messages.push({ text: 'See https://a.example', at: NOW - 1000, mine: true, state: 'failed', problem: { code: 'not_allowed', action: 'tell_owner', args: {} } });
failing[0].messages.push({ text: 'See https://b.example', at: NOW, mine: true, state: 'queued' });

describe('contrast is at least 4.5, computed from the real colours', () => {
  for (const colorScheme of ['light', 'dark']) {
    test(`in the ${colorScheme} theme`, () => look({ conversations: failing }, { colorScheme }, async (page) => {
      await openConversation(page, BOB);
      const wanted = ['.mine .bubble .text', '.mine .bubble .meta', '.mine .meta time', '.message:not(.mine) .text', '.message:not(.mine) .meta', '.text a', '.day span', '.row-title', '.row-preview', '.row-when', '.badge', '.draft', '#connection .words', '.trouble p', '.trouble button', '.older p', '.avatar', '.conversation-title'];
      const all = await contrasts(page, wanted);
      assert.equal(new Set(all.map(([selector]) => selector)).size, wanted.length, 'each is there to be measured');
      for (const [selector, ratio] of all) assert.ok(ratio >= 4.5, `${selector}: ${ratio.toFixed(2)}`);
    }));

    test(`of buttons, hints, fields and errors before signing in, in the ${colorScheme} theme`, () => look({ signedIn: false }, { colorScheme }, async (page) => {
      await page.evaluate(() => window.fake.refuse('discover', window.fake.problem('certificate_untrusted', 'tell_owner', { host: 'a.example' })));
      await page.fill('#server', 'a.example');
      await page.click('#continue');
      await page.waitForSelector('#server-error[data-code] span');
      const wanted = ['h1', '.lead', '.hint', 'label', '#continue', '.field-error span', '#server', '.problem-action button'];
      const all = await contrasts(page, wanted);
      assert.equal(new Set(all.map(([selector]) => selector)).size, wanted.length);
      for (const [selector, ratio] of all) assert.ok(ratio >= 4.5, `${selector}: ${ratio.toFixed(2)}`);
    }));

    test(`of the settings, in the ${colorScheme} theme`, () => look({ device: { tray: false } }, { colorScheme }, async (page) => {
      await toSettings(page);
      await page.click('#licences summary');
      const wanted = ['#settings-title', '.settings-section h3', '.setting-text', '.setting .hint', '.segment span', '.setting select', '.facts-line dd', '.licence', '#settings-sign-out'];
      const all = await contrasts(page, wanted);
      assert.equal(new Set(all.map(([selector]) => selector)).size, wanted.length);
      for (const [selector, ratio] of all) assert.ok(ratio >= 4.5, `${selector}: ${ratio.toFixed(2)}`);
    }));

    test(`of a plan and what stands in its way, in the ${colorScheme} theme`, () => look({ signedIn: false, setUp: plan(obstacles) }, { colorScheme }, async (page) => {
      await toPlan(page);
      const wanted = ['.lead', '.plan-part-title', '.plan-part-about', '.plan-part-count', '.plan-part-steps li', '.plan-refusal span', '.plan-kept li', '.facts dt', '.facts dd', '.hash', '#set-up-continue', '#set-up-leave'];
      const all = await contrasts(page, wanted);
      assert.equal(new Set(all.map(([selector]) => selector)).size, wanted.length);
      for (const [selector, ratio] of all) assert.ok(ratio >= 4.5, `${selector}: ${ratio.toFixed(2)}`);
    }));
  }
});

/** Somebody who is blocked. */
const blocked = [{ person: 'p-bob', name: 'Bob Hargreaves', since: NOW, reach: 'device' }];

const screens = {
  server: [{ signedIn: false }],
  'server error': [{ signedIn: false }, async (page) => {
    await page.evaluate(() => window.fake.refuse('discover', window.fake.problem('certificate_untrusted', 'tell_owner', { host: 'a.example' })));
    await page.fill('#server', 'a.example');
    await page.click('#continue');
    await page.waitForSelector('#server-error[data-code] span');
  }],
  person: [{ signedIn: false, info: { vaults: ['passphrase', 'session_only'] } }, async (page) => {
    await page.fill('#server', 'a.example');
    await page.click('#continue');
    await page.waitForSelector('#password');
  }],
  code: [{ signedIn: false }, async (page) => {
    await page.fill('#server', 'a.example');
    await page.click('#continue');
    await page.fill('#email', 'alice@example.com');
    await page.fill('#password', 'x');
    await page.evaluate(() => window.fake.refuse('sign_in', window.fake.problem('code_needed', 'change_input')));
    await page.click('#continue');
    await page.waitForSelector('#code');
  }],
  missing: [{ signedIn: false }, toUnready('chat_missing')],
  'set up: who': [{ signedIn: false }, toUnready('set_up_needed')],
  'set up: plan': [{ signedIn: false, setUp: plan(obstacles) }, toPlan],
  'set up: working': [{ signedIn: false }, toWorking],
  'set up: ready': [{ signedIn: false, setUp: plan({ steps: [] }) }, toPlan],
  'set up: proof': [{ signedIn: false, setUp: plan({ steps: [] }), proof: proof(leaking) }, toProof],
  unlock: [{ account: { problem: { code: 'passphrase_needed', action: 'unlock', args: {} } } }],
  'unlock by a finger': [{ account: { vault: 'passphrase' }, biometrics: { kind: 'fingerprint_or_face', on: true } }, async (page) => { await page.keyboard.press('Control+l'); await page.waitForSelector('#unlock-biometrics'); }],
  trouble: [{ account: { problem: { code: 'vault_unreadable', action: 'retry', args: {} } } }],
  erase: [{ account: { problem: { code: 'passphrase_needed', action: 'unlock', args: {} } } }, async (page) => { await page.click('#erase'); await page.waitForSelector('#erase-dialog[open]'); }],
  'a look around': [{ signedIn: false }, async (page) => { await page.click('#look-around'); await openConversation(page, BOB); }],
  list: [{}],
  'empty list': [{ conversations: [] }],
  menu: [{}, (page) => page.click('#menu')],
  conversation: [{ conversations: failing }, (page) => openConversation(page, BOB)],
  unread: [{}, (page) => openConversation(page, CAROL)],
  'empty conversation': [{}, async (page) => { await page.click('#find-people'); await page.click('[data-person="p-mira"]'); await page.waitForSelector('.conversation-empty:not([hidden])'); }],
  'history start': [{ conversations: [{ person: 'p-bob', messages: history(40) }] }, async (page) => { await openConversation(page, BOB); await page.evaluate(() => { document.querySelector('.scroller').scrollTop = 0; }); }],
  waiting: [{ connection: { state: 'waiting', retry_at: NOW + 9000 } }, (page) => openConversation(page, BOB)],
  'session ended': [{ connection: { state: 'sign_in_needed' } }, (page) => openConversation(page, BOB)],
  accounts: [{ others }, async (page) => { await page.click('#menu'); await page.click('#accounts'); await page.waitForSelector('[data-account]'); }],
  'sign-in beside others': [{ others, signedIn: false, last: 'acc-3' }, async (page) => { await page.click('#another-account'); await page.click('#account-add'); await page.waitForSelector('#other-accounts'); }],
  settings: [{ choices: { quiet: { from: 1320, until: 420 } } }, toSettings],
  'settings of an account with a passphrase': [{ account: { vault: 'passphrase' }, biometrics: { kind: 'windows_hello', on: true }, choices: { lock_after: 7 } }, toSettings],
  'a passphrase that is changed': [{ account: { vault: 'passphrase' } }, async (page) => { await toSettings(page); await page.click('#passphrase-change'); await page.click('#passphrase-submit'); }],
  'a finger that is let in': [{ account: { vault: 'passphrase' }, biometrics: { kind: 'fingerprint_or_face', on: false } }, async (page) => { await toSettings(page); await page.click('#setting-biometrics'); await page.click('#passphrase-submit'); }],
  'settings without a tray': [{ device: { tray: false, starts_at_login: null }, depth: { to: 'messages', count: 100 } }, async (page) => { await toSettings(page); await page.click('#licences summary'); await page.waitForSelector('.licence:not(:empty)'); }],
  'a link that leads nowhere': [{ leads: { to: 'server_unknown', host: 'evil.example' } }, (page) => page.waitForSelector('#link-dialog[open]')],
  terms: [{ safety: { accepted: null, owner_terms: 'https://chat.example/terms' } }, (page) => page.waitForSelector('#terms[open]')],
  'terms that were declined': [{ safety: { accepted: null } }, async (page) => { await page.click('#terms-decline'); await openConversation(page, BOB); }],
  'the menu of a conversation': [{}, async (page) => { await openConversation(page, BOB); await page.click('#conversation-menu'); }],
  block: [{}, async (page) => { await openConversation(page, BOB); await page.click('#conversation-menu'); await page.click('#block'); }],
  'somebody blocked': [{ safety: { blocked } }, async (page) => { await toSettings(page); await page.click('#settings-blocked .blocked-who'); await page.waitForSelector('#gate-unblock'); }],
  'settings with somebody blocked': [{ safety: { blocked, reports_waiting: 1, reports_refused: 2, deletion_asked: NOW } }, toSettings],
  report: [{}, async (page) => { await openConversation(page, BOB); await page.click('#conversation-menu'); await page.click('#report'); await page.selectOption('#report-about', { index: 1 }); }],
  'report by mail': [{ safety: { blocks_on_server: false, reports_on_server: false } }, async (page) => { await openConversation(page, BOB); await page.click('#conversation-menu'); await page.click('#report'); }],
  'reported': [{}, async (page) => { await openConversation(page, BOB); await page.click('#conversation-menu'); await page.click('#report'); await page.click('#report-send'); await page.waitForSelector('#report-block'); }],
  deletion: [{}, async (page) => { await toSettings(page); await page.click('#deletion'); }],
  people: [{}, async (page) => { await page.click('#find-people'); await page.waitForSelector('[data-person]'); }],
  'sign out': [{}, async (page) => { await page.click('#menu'); await page.click('#sign-out'); }],
  'sign out unsent': [{ conversations: failing }, async (page) => { await page.click('#menu'); await page.click('#sign-out'); await page.click('#sign-out-confirm'); await page.click('#unsent-copy'); await page.waitForSelector('.copied'); }],
};

describe('axe finds nothing', () => {
  for (const [name, [config, act]] of Object.entries(screens)) {
    test(name, async () => {
      for (const colorScheme of ['light', 'dark']) {
        await look(config, { colorScheme, reducedMotion: 'reduce' }, async (page) => {
          for (const width of [1440, 768, 320]) {
            await page.setViewportSize({ width, height: 800 });
            if (width === 1440) {
              await act?.(page);
              await page.evaluate(axe);
            }
            const found = await page.evaluate(async () => {
              const result = await /** @type {any} */ (window).axe.run(document, { resultTypes: ['violations'] });
              return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => `${node.target} ${node.any.map((check) => check.message).join(' ')}`).join(' | ')}`);
            });
            assert.deepEqual(found, [], `${colorScheme} ${width}`);
          }
        });
      }
    });
  }
});

const codes = /type Code = ([^;]+);/u.exec(readFileSync(new URL('../../ui/types/bridge.ts', import.meta.url), 'utf8'))?.[1]?.match(/[a-z_]+/gu) ?? [];
/** Where a code leads elsewhere than to the screen that tells trouble. */
const elsewhere = { passphrase_needed: '#passphrase', sign_in_needed: '#password', account_unknown: '#server' };

describe('every problem can be told', () => {
  for (const colorScheme of ['light', 'dark']) {
    test(`each of its codes at 320, 768 and 1440 px, ${colorScheme}: whole, to be acted on, and nothing for axe`, { timeout: 300_000 }, async () => {
      assert.ok(codes.length >= 35, `${codes.length} codes`);
      const args = { host: 'a-rather-long-host.example.org', version: '9.1', seconds: '7', status: '500', field: 'content', bytes: '1000001', limit: '1000000', count: '3', kind: 'database', found: '9', known: '1' };
      await look({ account: { problem: { code: 'storage_failed', action: 'retry', args } } }, { colorScheme, reducedMotion: 'reduce' }, async (page) => {
        await page.evaluate(axe);
        for (const code of codes) {
          await page.evaluate(([c, a]) => {
            window.fake.refuse('open', window.fake.problem(c, 'retry', a));
            document.querySelector('#continue').click();
          }, [code, args]);
          const place = elsewhere[code] ?? `.problem[data-code="${code}"]`;
          await page.waitForSelector(place);
          if (!elsewhere[code]) {
            const said = (await page.textContent(place)).replace(/[\u2066-\u2069]/gu, '');
            assert.ok(said.length > 20 && !said.includes('error-') && !/[{}]|NaN|undefined/u.test(said), `${code}: ${said}`);
          }
          for (const width of [320, 768, 1440]) {
            await page.setViewportSize({ width, height: 900 });
            const found = await page.evaluate(async () => {
              const { violations } = await /** @type {any} */ (window).axe.run(document, { resultTypes: ['violations'] });
              const over = [...document.querySelectorAll('button, input, p, h1')].filter((one) => one.checkVisibility()).filter((one) => { const box = one.getBoundingClientRect(); return box.width > 0 && (box.right > innerWidth + 1 || box.left < -1); });
              return [...violations.map((one) => one.id), ...over.map((one) => `too wide: ${one.textContent}`)];
            });
            assert.deepEqual(found, [], `${code} at ${width}`);
          }
          if (elsewhere[code]) {
            await page.reload();
            await page.waitForSelector('.problem[data-code="storage_failed"]');
            await page.evaluate(axe);
          }
        }
      });
    });
  }
});
