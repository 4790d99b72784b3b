// What journeys need: a started node with the page on its port, a browser, and people in it.
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const run = promisify(execFile);

const USUAL = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome', '/snap/bin/chromium'];

/** How long a condition may take on a busy machine. */
export const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 30_000);

export function program() {
  const bin = process.env.CAPSTAN_BIN;
  if (!bin || !existsSync(bin)) throw new Error('CAPSTAN_BIN names no program: build it with `cargo build -p capstan`');
  return bin;
}

export async function openBrowser() {
  const chrome = process.env.CHROME ?? USUAL.find((path) => existsSync(path));
  if (!chrome)
    throw new Error('no Chromium was found: name it by CHROME, or install it with `apt-get install chromium`');
  return chromium.launch({ executablePath: chrome, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', reject).listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

export async function until(what, condition, patienceMs = PATIENCE_MS) {
  const end = Date.now() + patienceMs;
  let last;
  while (Date.now() < end) {
    try {
      if (await condition()) return;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited ${patienceMs / 1000} s in vain: ${what}${last ? ` (${last.message})` : ''}`);
}

/** A development chain with a data folder, so that it can be killed and come back. */
export class Node {
  static async start(...flags) {
    const node = new Node();
    node.port = await freePort();
    node.folder = mkdtempSync(join(tmpdir(), 'capstan-journeys-'));
    node.flags = flags;
    await node.run();
    const isServed = process.env.CAPSTAN_PAGE !== 'dist' && (await node.servesPage());
    node.site = isServed ? null : await serve(node.port);
    node.url = node.site?.url ?? `http://127.0.0.1:${node.port}/`;
    return node;
  }

  async run() {
    const flags = ['dev', '--port', String(this.port), '--data', join(this.folder, 'data'), ...this.flags];
    this.process = spawn(program(), flags, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.said = '';
    const hear = (text) => {
      this.said = (this.said + text).slice(-4_000);
    };
    this.process.stdout.on('data', hear);
    this.process.stderr.on('data', hear);
    await until('the node answers', async () => {
      if (this.process.exitCode !== null) throw new Error(`the node ended: ${this.said}`);
      return Number(await this.rpc('eth_blockNumber')) > 0 && (await this.rpc('capstan_markets')).items.length > 0;
    });
  }

  async rpc(method, params = []) {
    const answer = await fetch(`http://127.0.0.1:${this.port}/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
    });
    const { result, error } = await answer.json();
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Whether this program carries the page. */
  async servesPage() {
    const answer = await fetch(`http://127.0.0.1:${this.port}/`, { headers: { accept: 'text/html' } });
    return (await answer.text()).includes('id="page"');
  }

  signal(name) {
    this.process.kill(name);
  }

  async kill() {
    const { process } = this;
    if (process.exitCode === null && process.signalCode === null) {
      const ended = new Promise((resolve) => process.once('exit', resolve));
      process.kill('SIGKILL');
      await ended;
    }
  }

  async stop() {
    this.site?.close();
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Whose burner this browser has. */
export async function owner(person) {
  await person.page.getByTestId('wallet').click();
  const address = await person.page.getByRole('dialog').locator('button.mono').first().getAttribute('title');
  await person.page.getByRole('button', { name: 'Close' }).click();
  await person.page.getByRole('dialog').waitFor({ state: 'detached' });
  return address;
}

/** Who is still there: what they see is kept when a journey fails. */
export const present = new Set();

/** Somebody in front of the page: own storage, and every error of the page is a failure. */
export async function somebody(browser, node, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: new URL(node.url).origin });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  const wrongs = [];
  const foreign = [];
  page.on('pageerror', (error) => wrongs.push(error.message));
  page.on('request', (request) => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && protocol !== 'blob:' && origin !== new URL(node.url).origin)
      foreign.push(request.url());
  });
  const person = {
    page,
    context,
    go: async (path) => {
      await page.goto(`${node.url}#${path}`);
      await page.locator('.pulse').waitFor();
    },
    /** With a burner account, and play money on it. */
    connect: async () => {
      await page.getByTestId('wallet').click();
      await page.getByRole('dialog').getByRole('button', { name: 'Use a burner account' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
    fund: async () => {
      await page.getByTestId('wallet').click();
      await page.getByTestId('fund').click();
      await page.getByText('Arrived').waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
    tab: (name) => page.getByRole('tab', { name, exact: true }).click(),
    sign: async (done) => {
      await page.locator('[data-testid="sign"]:not([disabled])').click();
      await page.getByText(`Done: ${done}`).waitFor();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    },
    /** The same where an approval comes first. */
    signAll: async (done) => {
      for (;;) {
        const sign = page.locator('[data-testid="sign"]:not([disabled])');
        await sign.waitFor();
        const isApproval = (await sign.innerText()).includes('approval');
        if (!isApproval) return person.sign(done);
        await sign.click();
        await page.getByRole('button', { name: 'Sign', exact: true }).waitFor();
      }
    },
    leave: async () => {
      present.delete(person);
      await context.close();
      if (wrongs.length > 0) throw new Error(`the page failed: ${wrongs.join('; ')}`);
      if (foreign.length > 0) throw new Error(`the page asked others: ${foreign.join(', ')}`);
    },
  };
  present.add(person);
  return person;
}

/** What stands on an account of an asset. */
export async function holding(node, who, symbol, index = 0) {
  const { holdings } = await node.rpc('capstan_account', [{ owner: who, index }]);
  return holdings.find((row) => row.symbol === symbol);
}

/** Chooses by how the text begins, or by a pattern. */
export async function choose(page, label, words) {
  const select = page.getByLabel(label, { exact: true });
  const texts = await select.locator('option').allInnerTexts();
  const text = texts.find((one) => (words instanceof RegExp ? words.test(one) : one.startsWith(words)));
  assert.ok(text, `${label} has no ${words}: ${texts.join(', ')}`);
  await select.selectOption({ label: text });
}

/** Supplies of the first asset, ether, by the form of the account page. */
export async function supply(person, amount) {
  const { page } = person;
  await person.tab('Supply');
  await page.getByLabel('Amount').fill(amount);
  await page.getByRole('button', { name: 'Supply…' }).click();
  await person.sign('Supply');
}

/** The command that a dialog gives. */
export const commandOf = async (page) =>
  page.getByRole('dialog').getByRole('button', { name: 'Copy as command' }).getAttribute('title');

/** A command that the page gives is one that the program understands: it ends with 2 where it does not. */
export async function understood(command) {
  for (const one of command.split(' && ')) {
    const words = [...one.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c);
    if (words[0] !== 'capstan') continue;
    const env = { ...process.env, CAPSTAN_WALLET: '', CAPSTAN_PASSWORD: 'x', CAPSTAN_KEYSTORE: '/nonexistent' };
    const failed = await run(program(), words.slice(1), { env, timeout: 20_000 }).then(
      () => null,
      (error) => error,
    );
    assert.notEqual(failed?.code, 2, `${one}: ${failed?.stderr}`);
  }
}

/** Somebody with a burner account and play money on it, in front of a page. */
export async function withMoney(browser, node, path = '/account', options = {}) {
  const person = await somebody(browser, node, options);
  await person.go(path);
  await person.connect();
  await person.fund();
  person.address = await owner(person);
  return person;
}

/** Every page, and every tab that has an address. */
export const PAGES = [
  '/',
  '/markets',
  '/markets/1',
  '/account',
  '/trade',
  '/trade?tab=margin',
  '/trade?tab=orders',
  '/earn',
  '/earn?tab=farms',
  '/earn?tab=products',
  '/earn?tab=terms',
  '/earn?tab=streams',
  '/machines',
  '/machines/loans',
  '/machines/register',
  '/ai',
  '/ai?tab=network',
  '/explorer',
  '/explorer/contention?to=40',
  '/explorer/block/9',
  '/explorer/contract/account',
  '/risk',
];

/** A page has come whole: nothing on it waits for an answer. */
export const settled = (page, path) =>
  until(
    `${path} is there`,
    async () => (await page.locator('main .skeleton').count()) === 0 && (await page.locator('main h1').count()) > 0,
  );

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** What axe finds serious on a page as it is. */
export async function findings(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(
      ({ id, nodes }) =>
        `${id}: ${nodes
          .map(({ target }) => target.join(' '))
          .slice(0, 3)
          .join(', ')}`,
    );
}
