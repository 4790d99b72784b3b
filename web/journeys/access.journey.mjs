// Every page, light and dark, wide and narrow: no serious finding of axe, nothing wider than the screen, all of it by keyboard.
import assert from 'node:assert/strict';
import { findings, PAGES, settled, withMoney } from './lib.mjs';

const PATHS = [...PAGES, '/liquidation/x'];
/** Dialogs with many fields, and where they open. */
const DIALOGS = [
  ['/earn', /^Open a range/],
  ['/earn?tab=farms', 'Enter with a loan'],
  ['/earn?tab=terms', 'Lend at fixed terms'],
  ['/earn?tab=streams', 'Let something flow'],
];

const looks = [
  ['light, wide', { colorScheme: 'light' }],
  ['dark, narrow', { colorScheme: 'dark', viewport: { width: 390, height: 844 } }],
];

export default [
  ...looks.map(([look, options]) => ({
    name: `every page is accessible (${look})`,
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account', { ...options, reducedMotion: 'reduce' });
      const { page } = person;
      const found = [];
      for (const path of PATHS) {
        await person.go(path);
        await settled(page, path);
        found.push(...(await findings(page)).map((words) => `${path}: ${words}`));
        const wider = await page.evaluate(
          () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
        );
        if (wider > 0) found.push(`${path}: ${wider} pixels wider than the screen`);
      }
      for (const [path, opens] of DIALOGS) {
        await person.go(path);
        await page.getByRole('button', { name: opens }).first().click();
        await page.getByRole('dialog').getByRole('textbox').first().waitFor();
        found.push(...(await findings(page)).map((words) => `${path}, ${opens}: ${words}`));
      }
      await person.go('/account');
      await page.getByLabel('Amount').fill('1');
      await page.getByRole('button', { name: 'Supply…' }).click();
      await page.locator('[data-testid="sign"]:not([disabled])').waitFor();
      found.push(...(await findings(page)).map((words) => `dialog: ${words}`));
      assert.deepEqual(found, []);
      await person.leave();
    },
  })),
  {
    name: 'by keyboard alone: from the top of the page to a signed supply',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account');
      const { page } = person;
      const reach = async (locator) => {
        for (let steps = 0; steps < 80; steps += 1) {
          if (await locator.evaluate((element) => element === document.activeElement)) return;
          await page.keyboard.press('Tab');
        }
        throw new Error(`not reached by Tab: ${locator}`);
      };
      await page.getByLabel('Amount').waitFor();
      await reach(page.getByRole('tab', { name: 'Supply' }));
      await reach(page.getByLabel('Amount'));
      await page.keyboard.type('0.5');
      await page.keyboard.press('Enter');
      const sign = page.locator('[data-testid="sign"]:not([disabled])');
      await sign.waitFor();
      await reach(sign);
      await page.keyboard.press('Enter');
      await page.getByText('Done: Supply 0.5 ETH').waitFor();
      await person.leave();
    },
  },
];
