// Writes the pictures of the listings, in the sizes that the stores ask for,
// from the page with the fake core: npm run store. They are not kept.
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BOB, launch, openConversation, openPage, others, serve } from './harness.js';

/** @typedef {import('playwright-core').Page} Page */

const folder = fileURLToPath(new URL('../../fastlane/', import.meta.url));
const play = `${folder}metadata/android/en-US/images/`;
const apple = `${folder}screenshots/en-US/`;

rmSync(apple, { recursive: true, force: true });

/** How each file begins, the window in points, and how many dots a point has. */
const shelves = [
  { place: `${play}phoneScreenshots/`, width: 360, height: 640, scale: 3, touch: true },
  { place: `${play}tenInchScreenshots/`, width: 800, height: 1280, scale: 2, touch: true },
  { place: `${apple}iphone-`, width: 440, height: 956, scale: 3, touch: true },
  { place: `${apple}ipad-`, width: 1032, height: 1376, scale: 2, touch: true },
  { place: `${folder}mac/en-US/`, width: 1440, height: 900, scale: 2, touch: false },
];

/** @type {{ name: string, scheme: 'light' | 'dark', config?: import('./harness.js').Config, act?: (page: Page) => Promise<void> }[]} */
const scenes = [
  { name: '1-conversation', scheme: 'light', act: (page) => openConversation(page, BOB) },
  { name: '2-list', scheme: 'light' },
  { name: '3-offline', scheme: 'dark', act: async (page) => {
    await page.evaluate(() => /** @type {any} */ (window).fake.connect({ state: 'offline' }));
    await openConversation(page, BOB);
  } },
  { name: '4-search', scheme: 'light', act: async (page) => { await page.fill('#search', 'page'); await page.waitForSelector('[data-found]'); } },
  { name: '5-accounts', scheme: 'dark', config: { others }, act: async (page) => { await page.click('#menu'); await page.click('#accounts'); await page.waitForSelector('[data-account]'); } },
];

/** Without transparency, which stores refuse. @param {string} file */
const opaque = (file) => execFileSync('convert', [file, '-alpha', 'off', '-strip', `PNG24:${file}`]);

const server = await serve();
const browser = await launch();
/** @param {string} file @param {string} image @param {number} width @param {number} height @param {string} style */
async function drawn(file, image, width, height, style) {
  const page = await browser.newPage({ viewport: { width, height } });
  await page.goto(`${server.origin}/assets/${image}`);
  await page.evaluate((css) => { document.querySelector('rect')?.removeAttribute('rx'); const root = document.documentElement; root.setAttribute('style', css); root.removeAttribute('width'); root.removeAttribute('height'); root.setAttribute('preserveAspectRatio', 'xMidYMid slice'); }, style);
  await page.screenshot({ path: file });
  opaque(file);
  await page.close();
}
try {
  for (const { place, width, height, scale, touch } of shelves) {
    const inside = place.slice(0, place.lastIndexOf('/'));
    if (place.endsWith('/')) rmSync(inside, { recursive: true, force: true });
    mkdirSync(inside, { recursive: true });
    for (const scene of scenes) {
      const options = { viewport: { width, height }, deviceScaleFactor: scale, hasTouch: touch, isMobile: touch, colorScheme: scene.scheme, reducedMotion: /** @type {const} */ ('reduce') };
      const { page, close } = await openPage(browser, server.origin, scene.config, options);
      await scene.act?.(page);
      await page.mouse.move(0, 0);
      await page.evaluate(() => document.fonts.ready);
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve))));
      const file = `${place}${scene.name}.png`;
      await page.screenshot({ path: file, animations: 'disabled' });
      opaque(file);
      await close();
    }
    console.log(place.slice(folder.length));
  }
  await drawn(`${play}icon.png`, 'mark.svg', 512, 512, 'width:512px;height:512px;background:#cfe3de');
  await drawn(`${play}featureGraphic.png`, 'meadow.svg', 1024, 500, 'width:1024px;height:500px');
} finally {
  await browser.close();
  await server.close();
}
