// Pages in both directions, and a view that does not jump.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { BOB, history, until } from './harness.js';
import { asked, atEnd, count, fake, frames, long, older, place, scrollTo, start, texts, withBob } from './pages.js';

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
      for (let at = 0; at < 9; at += 1) {
        await older(page);
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
    for (let at = 0; at < 3; at += 1) await older(page);
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
