// What others would put in front of a person, and what slips from his fingers: names that are scripts, numbers that are none,
// a node that goes away on every page.
import assert from 'node:assert/strict';
import { Node, PAGES, settled, somebody, until, withMoney } from './lib.mjs';

const SCRIPT = '<img src=x onerror=window.hurt=1>';
const LONG = 'VERYLONGSYMBOL'.repeat(12);
const LOOKS = [
  ['wide', { viewport: { width: 1280, height: 900 } }],
  ['phone', { viewport: { width: 360, height: 740 } }],
];

/** Nothing ran that came as a name, nothing broke, and nothing reaches beyond the screen. */
async function stands(page, where) {
  assert.equal(await page.getByText('This part of the page failed').count(), 0, `${where} failed`);
  assert.equal(await page.evaluate(() => window.hurt ?? 0), 0, `${where} ran a name`);
  assert.equal(await page.locator('main img').count(), 0, `${where} drew a name`);
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wider <= 0, `${where} is ${wider} pixels wider than the screen`);
}

/** Not one of these is an amount of anything. */
const NO_AMOUNTS = [
  '1' + '0'.repeat(40),
  '0.0000000000000000001',
  '1e18',
  '-5',
  'NaN',
  '٣',
  '<script>',
  '1,5',
  '0x10',
  '.',
  '%',
];

/** Dialogs with fields, and where they open. */
const DIALOGS = [
  ['/earn', /^Provide, pool 0/],
  ['/earn', /^Open a range/],
  ['/earn?tab=farms', 'Enter with a loan'],
  ['/earn?tab=farms', 'Pay in'],
  ['/earn?tab=products', 'Make a product'],
  ['/earn?tab=products', 'Add coins'],
  ['/earn?tab=terms', 'Lend at fixed terms'],
  ['/earn?tab=streams', 'Let something flow'],
  ['/account', 'Change'],
];

export default [
  ...LOOKS.map(([look, options]) => ({
    name: `symbols that are scripts, or without an end, hurt no page (${look})`,
    async run({ browser, node }) {
      const person = await somebody(browser, node, options);
      const { page } = person;
      // A real node, and what it says of assets as a hostile token would have it.
      await page.routeWebSocket(/^ws:/, (socket) => {
        const server = socket.connectToServer();
        server.onMessage((message) =>
          socket.send(
            String(message).replaceAll('"USDC"', JSON.stringify(SCRIPT)).replaceAll('"WBTC"', JSON.stringify(LONG)),
          ),
        );
      });
      await person.go('/account');
      await person.connect();
      await person.fund();
      for (const path of PAGES) {
        await person.go(path);
        await settled(page, path);
        await stands(page, path);
      }

      await person.leave();
    },
  })),
  {
    name: 'no field of any dialog takes what is no amount',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account');
      const { page } = person;
      for (const [path, opens] of DIALOGS) {
        await person.go(path);
        await settled(page, path);
        await page.getByRole('button', { name: opens }).first().click();
        const dialog = page.getByRole('dialog');
        const fields = dialog.getByRole('textbox');
        await until(`fields of ${path}, ${opens}`, async () => (await fields.count()) > 0);
        const count = await fields.count();
        for (let at = 0; at < count; at += 1) {
          const before = await fields.nth(at).inputValue();
          for (const text of NO_AMOUNTS) {
            await fields.nth(at).fill(text);
            assert.equal(
              await dialog.locator('.button.primary:not([disabled])').count(),
              0,
              `${path}, ${opens}: field ${at + 1} takes ${JSON.stringify(text)}`,
            );
          }
          await fields.nth(at).fill(before);
        }
        await stands(page, `${path}, ${opens}`);
        await page.keyboard.press('Escape');
        await dialog.waitFor({ state: 'detached' });
      }
      await person.leave();
    },
  },
  {
    name: 'a node that goes away is said on every page, also on one that was never open, and each goes on by itself',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed', '--bots', '0');
      try {
        const person = await somebody(browser, node);
        const { page } = person;
        await person.go('/');
        await page.locator('.pulse.live').waitFor();
        node.signal('SIGSTOP');
        // Nor does anything else come from it: not even a page that nobody has opened yet.
        await page.route('**/assets/**', (route) => route.abort());
        await page.getByText('The node is gone').waitFor();
        for (const path of PAGES) {
          await page.evaluate((to) => (location.hash = to), path);
          await page.waitForTimeout(100);
          await page.getByText('The node is gone').waitFor();
          assert.equal(await page.getByText('This part of the page failed').count(), 0, path);
          assert.ok((await page.locator('main').innerText()).trim().length > 0, `${path} is white`);
        }
        await page.unroute('**/assets/**');
        node.signal('SIGCONT');
        await page.locator('.pulse.live').waitFor();
        for (const path of PAGES) {
          await person.go(path);
          await settled(page, path);
          await stands(page, path);
        }
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
];
