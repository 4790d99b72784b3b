// What goes wrong around a person: prices that stop, a node that is started anew, other tabs, and whatever is pasted.
import assert from 'node:assert/strict';
import { choose, Node, supply, until, withMoney } from './lib.mjs';

async function borrow(page, person, amount) {
  await person.tab('Borrow');
  await choose(page, 'Asset', 'USDC');
  await page.getByLabel('Amount').fill(amount);
  await page.getByRole('button', { name: 'Borrow…' }).click();
}

const nonceOf = async (node, who) => Number(await node.rpc('eth_getTransactionCount', [who, 'latest']));

export default [
  {
    name: 'a feed that stops is said, borrowing is refused with the reason, and goes on when prices are back',
    async run({ browser }) {
      const node = await Node.start('--feed', 'off', '--bots', '0');
      try {
        const person = await withMoney(browser, node, '/account');
        const { page } = person;
        await supply(person, '2');
        // A minute without a price, in one step.
        await node.rpc('evm_increaseTime', [70]);
        await page.getByText(/No usable price/).waitFor();
        await borrow(page, person, '100');
        await page.getByText('This would fail').waitFor();
        await page.getByRole('dialog').getByText(/price/).first().waitFor();
        assert.equal(await page.getByTestId('sign').isDisabled(), true);
        await page.getByRole('button', { name: 'Not now' }).click();
        // What needs no price works as always.
        await supply(person, '1');
        await node.kill();
        node.flags = ['--feed', 'fixed', '--bots', '0'];
        await node.run();
        await page.getByText(/No usable price/).waitFor({ state: 'detached' });
        await borrow(page, person, '100');
        await person.sign('Borrow 100 USDC');
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
  {
    name: 'a node that is started anew in the middle of a transaction loses nothing, and neither does a reload',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed', '--bots', '0');
      try {
        const person = await withMoney(browser, node, '/account');
        const { page } = person;
        const who = person.address;
        const before = await nonceOf(node, who);
        // No block is made any more, so what is signed waits.
        await node.rpc('evm_setAutomine', [false]);
        await person.tab('Supply');
        await page.getByLabel('Amount').fill('1');
        await page.getByRole('button', { name: 'Supply…' }).click();
        await page.locator('[data-testid="sign"]:not([disabled])').click();
        await until('it waits', async () => Number((await node.rpc('txpool_status')).pending) > 0);
        await page.getByRole('button', { name: 'Waiting for its block…' }).waitFor();
        // The page keeps the signed bytes once it has asked for them.
        await until('its bytes are kept', () =>
          page.evaluate(() => (sessionStorage.getItem('capstan.pending') ?? '').includes('"raw"')),
        );
        await page.reload();
        await page.locator('.pulse.live').waitFor();
        await node.kill();
        await page.getByText('The node is gone').waitFor();
        await node.run();
        await page.getByText(/^Done: Supply 1 ETH/).waitFor();
        assert.equal(await nonceOf(node, who), before + 1, 'it happened once');
        await page.getByRole('row').filter({ hasText: 'ETH' }).first().waitFor();
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
  {
    name: 'closing by a swap leaves what the preview said',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account');
      const { page } = person;
      const who = person.address;
      await person.tab('Lever up');
      await page.getByLabel('Put in from the wallet').fill('1');
      await page.locator('#leverage').fill('20');
      await page.getByRole('button', { name: /See what/ }).click();
      await person.sign('2x long ETH');
      await person.tab('Close');
      await page.getByRole('button', { name: /See what closing/ }).click();
      const then = async (name) => page.getByRole('row', { name }).locator('td').last().innerText();
      await page.getByRole('row', { name: /^ETH supplied/ }).waitFor();
      const promised = Number((await then(/^ETH supplied/)).replace(/[^0-9.]/g, ''));
      const unitsRow = page.getByRole('row', { name: /^ETH units/ });
      const units = (await unitsRow.count()) > 0 ? Number((await then(/^ETH units/)).replace(/[^0-9.]/g, '')) : 0;
      assert.equal(await then(/^USDC owed/), '–', 'nothing is owed then');
      await person.sign('Close every debt');
      const { holdings } = await node.rpc('capstan_account', [{ owner: who, index: 0 }]);
      const row = holdings.find((one) => one.symbol === 'ETH');
      const received = Number(row.supplied.text) + Number(row.units.text);
      // Interest of the blocks between, and no more.
      assert.ok(Math.abs(received - promised - units) < 1e-4, `${received} and not ${promised} + ${units}`);
      assert.ok(received > 0.99 && received < 1, `two-fold and back leaves ${received} of one`);
      await person.leave();
    },
  },
  {
    name: 'five-fold says how near its liquidation is, before it is signed',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/trade?tab=margin');
      const { page } = person;
      await page.getByLabel('Own capital').fill('2');
      const slider = page.getByRole('slider', { name: 'Leverage' });
      await until('the most is known', async () => Number(await slider.getAttribute('max')) >= 500);
      await slider.fill('500');
      await page.getByText('That is away by').waitFor();
      const away = page.locator('.facts div', { hasText: 'That is away by' }).locator('dd');
      await until('it is between 2 and 5 % away', async () => {
        const percent = Number((await away.innerText()).replace(/[^0-9.]/g, ''));
        return percent > 2 && percent < 5;
      });
      await page
        .getByText(/Liquidation is/)
        .first()
        .waitFor();
      await person.leave();
    },
  },
  {
    name: 'two tabs of one burner, the back button, and whatever is pasted',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account');
      const { page } = person;
      // Both sign at once: each gets through, or says that the other was faster.
      const other = await person.context.newPage();
      await other.goto(`${node.url}#/account`);
      for (const tab of [page, other]) {
        await tab.getByLabel('Amount').fill('1');
        await tab.getByRole('button', { name: 'Supply…' }).click();
        await tab.locator('[data-testid="sign"]:not([disabled])').waitFor();
      }
      await Promise.all([page, other].map((tab) => tab.getByTestId('sign').click()));
      for (const tab of [page, other]) {
        await tab
          .getByText(/^Done: Supply 1 ETH|Another tab was faster/)
          .first()
          .waitFor();
      }
      await other.close();
      await page.reload();
      await page.locator('.pulse.live').waitFor();
      // Back, in the middle of a dialog, leaves it without a trace.
      await person.go('/markets');
      await person.go('/account');
      await page.getByLabel('Amount').fill('1');
      await page.getByRole('button', { name: 'Supply…' }).click();
      await page.getByRole('dialog').waitFor();
      await page.goBack();
      await page.getByRole('heading', { name: 'Markets', exact: true }).waitFor();
      assert.equal(await page.getByRole('dialog').count(), 0);
      const garbage = [
        '1e30',
        '-1',
        '١٢',
        '🦆',
        ' ',
        '1'.repeat(31),
        '0x1',
        '1.',
        '.5',
        '1,000',
        '<b>1</b>',
        'NaN',
        'Infinity',
        '%',
        '--max',
        'max;1',
        '\u202e5',
      ];
      const forms = [
        ['/account', 'Amount'],
        ['/trade', 'How much'],
        ['/trade?tab=margin', 'Own capital'],
        ['/trade?tab=orders', 'dollars'],
      ];
      for (const [path, label] of forms) {
        await person.go(path);
        const field = page.getByLabel(label).first();
        await field.waitFor();
        for (const text of garbage) {
          await field.fill(text);
          await page.waitForTimeout(20);
          assert.equal(
            await page.locator('main .button.primary:not([disabled])').count(),
            0,
            `${path} takes ${JSON.stringify(text)}`,
          );
        }
        assert.equal(await page.getByText('This part of the page failed').count(), 0, path);
      }
      await person.leave();
    },
  },
];
