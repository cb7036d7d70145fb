// The page in a browser: what a person does with it, from the code to the photos. scripts/page runs it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

// Debian 12's Node has no import.meta.dirname yet.
const root = fileURLToPath(new URL('../..', import.meta.url));
const work = join(root, 'target/page');
const require = createRequire(join(work, 'package.json'));
const { chromium } = require('playwright-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const pictures = process.argv.includes('--pictures');

// A card, a drive, and piback's page on them.
async function site(fill = () => {}) {
  const dir = mkdtempSync(join(tmpdir(), 'piback-page-'));
  cpSync(join(work, 'SD32GB-03'), join(dir, 'SD32GB-03'), { recursive: true, preserveTimestamps: true });
  mkdirSync(join(dir, 'PHOTOS'));
  fill(join(dir, 'SD32GB-03/DCIM/100CANON'));
  const args = ['web', '--listen', '127.0.0.1:0', '--json', '--allow-same-filesystem'];
  const server = spawn(join(root, 'target/debug/piback'), [...args, '--source', join(dir, 'SD32GB-03'), '--dest', join(dir, 'PHOTOS')], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await new Promise((done) => server.stdout.once('data', (text) => done(JSON.parse(String(text).split('\n')[0]))));
  return { dir, server, ...said, card: join(dir, 'SD32GB-03/DCIM/100CANON'), end() { server.kill(); rmSync(dir, { recursive: true, force: true }); } };
}

// The page of a made-up appliance.
async function appliance(...args) {
  const server = spawn(join(root, 'target/debug/examples/sample-appliance'), args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = await new Promise((done) => server.stdout.once('data', (text) => done(JSON.parse(String(text).split('\n')[0]))));
  return { server, ...said, end() { server.kill(); } };
}

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const problems = [];

async function open(at, options = {}) {
  const context = await browser.newContext({ viewport: { width: 820, height: 1180 }, ...options });
  // A loaded machine is slow, and no test is about seconds.
  context.setDefaultTimeout(180_000);
  const page = await context.newPage();
  page.on('pageerror', (error) => problems.push(`script: ${error.message}`));
  page.on('console', (message) => { if (/Content Security Policy/.test(message.text())) problems.push(message.text()); });
  page.on('request', (request) => { if (!request.url().startsWith(at.url) && !request.url().startsWith('data:')) problems.push(`asked ${request.url()}`); });
  return page;
}

async function clean(page, what) {
  // Outside of the page's own policy, as a person's tool would be.
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run({ rules: { 'color-contrast': { enabled: true } } }));
  const bad = found.violations.map((v) => `${what}: ${v.id}: ${v.nodes.map((n) => n.html).join(' ')}`);
  assert.deepEqual(bad, [], what);
}

const heading = (page, name) => page.getByRole('heading', { name });
const button = (page, name) => page.getByRole('button', { name });

async function step(name, test) {
  const begin = Date.now();
  await test();
  assert.deepEqual(problems.splice(0), [], name);
  console.log(`ok   ${name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
}

const WIDTHS = [320, 507, 820, 1180];

// At every width, light and dark: nothing scrolls sideways, what is pressed is large enough, and axe finds nothing.
async function fits(page, url) {
  for (const width of WIDTHS) {
    for (const colorScheme of ['light', 'dark']) {
      await page.setViewportSize({ width, height: 900 });
      await page.emulateMedia({ colorScheme });
      await page.goto(url);
      // What is folded is unfolded.
      await page.evaluate(() => document.querySelectorAll('details').forEach((one) => { one.open = true; }));
      const what = `${url} at ${width}, ${colorScheme}`;
      const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      const wide = await page.evaluate(() => [...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth).map((e) => e.outerHTML.slice(0, 120)));
      assert.ok(over <= 0, `${what}: ${over} too wide: ${wide.slice(0, 4).join(' ')}`);
      const low = await page.evaluate(() => [...document.querySelectorAll('button, .top a, .button, select, input:not([type=hidden])')].filter((e) => e.getBoundingClientRect().height < 44).map((e) => e.outerHTML));
      assert.deepEqual(low, [], `targets of 44 points, ${what}`);
      if (width !== 1180) await clean(page, what);
    }
  }
}

// Every template of the page and where it is seen: of plain folders, of an appliance, of nobody who was let in. Parts of others
// stand nowhere by themselves.
const SEEN = {
  'page.html': {}, 'tiles.html': {},
  'home.html': { folders: ['/'], appliance: ['/'] },
  'door.html': { stranger: ['/'] },
  'grid.html': { folders: ['/photos'] },
  'photo.html': { folders: ['a photo'] },
  'devices.html': { folders: ['/devices'], appliance: ['/devices'] },
  'word.html': { stranger: ['/pair/nothing'] },
  'appliance.html': { appliance: ['/appliance', '/appliance/checks'] },
  'poweroff.html': { appliance: ['/poweroff'] },
  'trust.html': { secure: ['/trust'] },
  'uplink.html': { appliance: ['/uplink', '/uplink/networks'] },
};

const all = (who) => Object.values(SEEN).flatMap((places) => places[who] ?? []);

async function tests() {
  await step('every template is looked at', async () => {
    const there = readdirSync(join(root, 'templates/web')).filter((name) => name.endsWith('.html')).sort();
    assert.deepEqual(Object.keys(SEEN).sort(), there, 'SEEN names them all');
    for (const name of there) {
      const text = readFileSync(join(root, 'templates/web', name), 'utf8');
      const isPage = text.includes('extends "page.html"');
      assert.equal(Object.keys(SEEN[name]).length > 0, isPage, `${name} is seen if it is a page`);
    }
  });
  for (const args of [[], ['--trouble']]) {
    const made = await appliance(...args);
    const page = await open(made);
    await step(`an appliance's pages at every width, light and dark ${args}`, async () => {
      await page.goto(made.pair_url);
      for (const path of all('appliance').filter((path) => !args.length || path !== '/uplink/networks')) await fits(page, made.url + path);
    });
    await page.context().close();
    const bare = await open(made, { javaScriptEnabled: false });
    await step(`an appliance without a script ${args}`, async () => {
      await bare.goto(made.pair_url);
      await bare.getByRole('link', { name: 'Appliance' }).click();
      await bare.getByRole('link', { name: 'Show where the internet comes from' }).click();
      if (args.length) {
        await bare.getByText('is the only radio').waitFor();
        assert.equal(await bare.locator('form').count(), 0, 'nothing can be joined');
        await bare.goto(made.url);
        await bare.getByText('Own check FAILED').waitFor();
        await bare.getByText('3 files not as recorded').waitFor();
        return;
      }
      await heading(bare, 'The internet is there').waitFor();
      await bare.getByRole('link', { name: 'Look for networks' }).click();
      const join = bare.getByText('Join', { exact: true });
      await join.first().click();
      await bare.getByLabel('Passphrase').first().fill('correct horse');
      await button(bare, 'Join Hotel Rex').click();
      await heading(bare, 'Sign in to the network').waitFor();
      assert.equal(bare.url(), `${made.url}/uplink`);
      assert.equal(await bare.getByRole('link', { name: 'Open the sign-in page' }).getAttribute('href'), 'http://portal.hotel.example/login');
      await button(bare, 'Forget Hotel Rex').click();
      await heading(bare, 'The internet is there').waitFor();
    });
    await bare.context().close();
    made.end();
  }

  const secure = await appliance('--tls');
  const distrustful = await open(secure, { ignoreHTTPSErrors: true });
  await step('the page over TLS, and how to trust it', async () => {
    await distrustful.goto(secure.pair_url);
    await distrustful.getByRole('link', { name: 'Appliance' }).waitFor();
    const cookies = await distrustful.context().cookies();
    assert.deepEqual(cookies.map((cookie) => [cookie.name, cookie.secure]), [['__Host-piback_session', true]]);
    for (const path of all('secure')) await fits(distrustful, secure.url + path);
  });
  await distrustful.context().close();
  secure.end();

  const small = await site();
  const page = await open(small);
  await step('nobody is let in without the code, and the code lets in', async () => {
    await page.goto(small.url);
    await page.getByText('Idle.').waitFor();
    await clean(page, 'the door');
    await page.getByLabel(/code of eight letters/).fill('WRONGONE');
    await button(page, 'Let me in').click();
    await page.getByText('That is not the code.').waitFor();
    await page.getByLabel(/code of eight letters/).fill(small.code.toLowerCase());
    await button(page, 'Let me in').click();
    await heading(page, 'SD32GB-03').waitFor();
    await clean(page, 'a card that is not backed up');
  });
  await step('a backup is started, followed, and asked about: yes', async () => {
    await button(page, 'Back up: SD32GB-03').click();
    await heading(page, 'All of SD32GB-03 is backed up').waitFor();
    await clean(page, 'backed up');
    await button(page, 'Safe to format?: SD32GB-03').click();
    await heading(page, 'Safe to format: SD32GB-03').waitFor();
    await clean(page, 'safe to format');
  });
  await step('a photo more on the card, and the yes goes by itself; then it is a no, by name', async () => {
    writeFileSync(join(small.card, 'IMG_0999.JPG'), 'one more');
    await heading(page, 'Safe to format: SD32GB-03').waitFor({ state: 'detached' });
    const answer = await page.request.post(`${small.url}/api/v1/jobs`, { data: { verb: 'safe-to-format', label: 'SD32GB-03' }, headers: { Origin: small.url } });
    assert.equal(answer.status(), 201);
    await heading(page, "Don't format SD32GB-03").waitFor();
    await page.getByText('DCIM/100CANON/IMG_0999.JPG').waitFor();
    await clean(page, 'a no');
  });
  await step('photos: a grid, the large one, keys', async () => {
    await page.getByRole('link', { name: 'All photos' }).click();
    await page.locator('.photo').nth(3).waitFor();
    await page.waitForFunction(() => [...document.querySelectorAll('.photo img')].slice(0, 6).every((img) => img.complete && img.naturalWidth > 0));
    await clean(page, 'the grid');
    await page.locator('.photo').nth(1).click();
    await page.waitForFunction(() => document.querySelector('figure img')?.naturalWidth > 300);
    const first = await page.locator('h1').textContent();
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction((name) => document.querySelector('h1').textContent !== name, first);
    await clean(page, 'a photo');
    await page.keyboard.press('Escape');
    await page.locator('#all').waitFor();
  });
  await step('another browser is let in by the link, and shown out', async () => {
    await page.goto(`${small.url}/devices`);
    await button(page, 'Show a code').click();
    await clean(page, 'devices');
    const link = await page.locator('.path').textContent();
    const other = await open(small);
    await other.goto(link);
    await heading(other, /SD32GB-03/).first().waitFor();
    await page.goto(`${small.url}/devices`);
    await button(page, /Show out/).last().click();
    await other.reload();
    await other.getByText('Let me in').waitFor();
    await other.context().close();
  });
  await step('every page at every width, light and dark', async () => {
    const photo = await page.goto(`${small.url}/photos`).then(() => page.locator('.photo').first().getAttribute('href'));
    for (const path of all('folders')) await fits(page, small.url + (path === 'a photo' ? photo : path));
    const stranger = await open(small);
    for (const path of all('stranger')) await fits(stranger, small.url + path);
    await stranger.context().close();
  });
  await page.context().close();
  small.end();

  const large = await site((card) => { for (let n = 0; n < 300; n++) writeFileSync(join(card, `BIG_${n}.JPG`), Buffer.alloc(1_500_000, n)); });
  const one = await open(large), two = await open(large);
  await step('two browsers see one job; a reload in the middle, and its end', async () => {
    await one.goto(large.pair_url);
    const invited = await (await one.request.post(`${large.url}/api/v1/pairings`, { headers: { Origin: large.url } })).json();
    await two.goto(invited.pair_url);
    await button(one, 'Back up: SD32GB-03').click();
    await button(two, 'Stop: SD32GB-03').waitFor();
    await two.reload();
    await one.getByText(/of \d+ verified/).waitFor();
    await clean(one, 'a job that runs');
    await button(two, 'Stop: SD32GB-03').click();
    await heading(one, 'SD32GB-03: stopped').waitFor();
    await button(one, 'Back up: SD32GB-03').click();
    for (const each of [one, two]) await heading(each, 'All of SD32GB-03 is backed up').waitFor();
  });
  await step('the server gone is said, and its jobs are not its own', async () => {
    large.server.kill();
    await one.getByText('No connection.').waitFor();
  });
  for (const each of [one, two]) await each.context().close();
  large.end();

  const plain = await site();
  const bare = await open(plain, { javaScriptEnabled: false });
  await step('without a script', async () => {
    await bare.goto(plain.pair_url);
    await button(bare, 'Back up: SD32GB-03').click();
    for (let n = 0; n < 60 && !(await heading(bare, 'All of SD32GB-03 is backed up').count()); n++) {
      await bare.waitForTimeout(500);
      await bare.goto(plain.url);
    }
    await button(bare, 'Safe to format?: SD32GB-03').click();
    for (let n = 0; n < 60 && !(await heading(bare, 'Safe to format: SD32GB-03').count()); n++) {
      await bare.waitForTimeout(500);
      await bare.goto(plain.url);
    }
    await bare.getByRole('link', { name: 'All photos' }).click();
    await bare.locator('.photo').first().click();
    await bare.getByRole('link', { name: 'Older' }).click();
    await bare.getByText('on 1 of 1 drive: PHOTOS').waitFor();
  });
  await bare.context().close();
  plain.end();
}

async function pictured() {
  const into = join(root, 'docs/page');
  mkdirSync(into, { recursive: true });
  const at = await site((card) => { for (let n = 0; n < 250; n++) writeFileSync(join(card, `BIG_${n}.JPG`), Buffer.alloc(1_500_000, n)); });
  const page = await open(at, { viewport: { width: 820, height: 900 } });
  const shot = (name, options = {}) => page.screenshot({ path: join(into, `${name}.png`), ...options });
  await page.goto(at.pair_url);
  // The host's name is this machine's.
  const named = () => page.evaluate(() => { if (document.querySelector('#tiles')) document.querySelector('h1').textContent = 'travel-box'; });
  await button(page, /Back up/).click();
  await page.getByText(/of \d+ verified/).waitFor();
  await page.getByText(/left/).first().waitFor().catch(() => {});
  await named();
  await shot('running', { fullPage: false });
  await heading(page, /is backed up/).waitFor();
  for (let n = 0; n < 250; n++) rmSync(join(at.card, `BIG_${n}.JPG`));
  at.end();
  const again = await site();
  await page.context().clearCookies();
  await page.goto(again.pair_url);
  await button(page, /Back up/).click();
  await button(page, /Safe to format/).click();
  await heading(page, /Safe to format: /).waitFor();
  await page.waitForTimeout(500);
  await named();
  await shot('safe');
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.setViewportSize({ width: 507, height: 900 });
  await page.goto(again.url);
  await named();
  await page.waitForTimeout(500);
  await shot('dark');
  again.end();
}

try {
  await (pictures ? pictured() : tests());
} finally {
  await browser.close();
}
