// What a person does with swaps, leverage, liquidity, blocks and everybody's risk.
import assert from 'node:assert/strict';
import { commandOf, somebody, understood, until, withMoney } from './lib.mjs';

export default [
  {
    name: 'a swap tells its way, its impact and its least before it is signed',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/trade');
      const { page } = person;
      const who = person.address;
      await page.getByLabel('How much').fill('1');
      await page.getByText('And at least').waitFor();
      await page.getByTestId('impact').waitFor();
      const before = BigInt(await node.rpc('eth_getBalance', [who, 'latest']));
      await page.locator('[data-testid="swap"]:not([disabled])').click();
      await page.getByText('Done: swap 1 ETH for').waitFor();
      const paid = before - BigInt(await node.rpc('eth_getBalance', [who, 'latest']));
      assert.ok(paid >= 10n ** 18n && paid < 11n * 10n ** 17n, `one coin and a fee, not ${paid}`);
      // Nobody can write an amount that is not there, or no amount.
      for (const [text, words] of [
        ['1e3', 'write digits'],
        ['99999999', 'the wallet has less'],
        ['101%', 'at most 100 %'],
      ]) {
        await page.getByLabel('How much').fill(text);
        await page.getByText(words).waitFor();
        assert.equal(await page.locator('[data-testid="swap"]:not([disabled])').count(), 0, text);
      }
      await person.leave();
    },
  },
  {
    name: 'leverage shows its liquidation before it is signed, and an order stands against it',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/trade?tab=margin');
      const { page } = person;
      const who = person.address;
      await page.getByLabel('Own capital').fill('2');
      const slider = page.getByRole('slider', { name: 'Leverage' });
      await slider.focus();
      await page.keyboard.press('End');
      await page.getByText('Liquidation is').first().waitFor();
      await slider.fill('200');
      await page.getByText('2×', { exact: true }).first().waitFor();
      await page.locator('[data-testid="open-position"]:not([disabled])').click();
      await page
        .getByText(/^Borrow .* /)
        .first()
        .waitFor();
      await person.sign('Open 2× long ETH');
      const account = await node.rpc('capstan_account', [{ owner: who, index: 0 }]);
      const debt = Number(account.report.debt.text);
      const collateral = Number(account.report.collateral.text);
      assert.ok(collateral / (collateral - debt) > 1.9 && collateral / (collateral - debt) < 2.1, 'leverage is two');
      await person.tab('Orders');
      await page.getByLabel('dollars').fill('999999');
      await page.getByText('already').waitFor();
      await page.getByLabel('dollars').fill('1000');
      await page.locator('[data-testid="place-order"]:not([disabled])').click();
      const words = /When ETH is at \$[\d.]+ or less: the step behind \$1.000.00/;
      await page.getByRole('dialog').getByText(words).waitFor();
      await person.sign('Place an order');
      await page.getByText(/Sell all ETH for .* when ETH is at/).waitFor();
      const orders = await node.rpc('capstan_triggers', [{ owner: who, index: 0 }]);
      assert.equal(orders.items.length, 1);
      await page.getByRole('button', { name: /Cancel order/ }).click();
      await page.getByText('There are none.').waitFor();
      await person.leave();
    },
  },
  {
    name: 'liquidity stands beside what holding would have been, and comes back',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/earn');
      const { page } = person;
      await page.getByRole('button', { name: 'Provide, pool 0, ETH · USDC' }).click();
      await page.getByLabel(/How much/).fill('0.01');
      await page.locator('[data-testid="provide"]:not([disabled])').click();
      await page.getByText(/for shares that stay on the account/).waitFor();
      await person.sign('provide to pool');
      await page.getByText('If you had held').waitFor();
      await page.getByRole('button', { name: 'Take out' }).click();
      await page.getByRole('button', { name: 'See what it does' }).click();
      const command = await commandOf(page);
      assert.match(command, /^capstan lp withdraw 0 [0-9.]+ .*&& capstan lp remove 0 [0-9.]+ --to-units 0 /);
      await understood(command);
      await person.sign('take liquidity out of pool');
      await page.getByText('If you had held').waitFor({ state: 'detached' });
      for (const tab of ['Farms', 'Leveraged tokens and vaults']) {
        await person.tab(tab);
        await page
          .getByText(/Farm 0|has no farms|has none|One unit is worth/)
          .first()
          .waitFor();
      }
      await person.leave();
    },
  },
  {
    name: 'blocks, transactions and contracts are told in words',
    async run({ browser, node }) {
      const person = await somebody(browser, node);
      const { page } = person;
      await person.go('/explorer');
      await page.getByRole('table', { name: 'Blocks' }).getByRole('link').first().waitFor();
      const search = page.getByRole('searchbox');
      await search.fill('no such thing');
      await page.keyboard.press('Enter');
      await page.getByText('Write a block number').waitFor();
      await search.fill('1');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Block 1' }).waitFor();
      const block = await node.rpc('capstan_record', ['0x1']);
      const title = block.transactions[0].title;
      await page.getByRole('link', { name: title, exact: true }).first().click();
      await page.getByRole('heading', { name: 'Transaction' }).waitFor();
      await page.getByText(title).first().waitFor();
      await page.getByText('In one line').waitFor();
      await person.go('/explorer/contract/oracle');
      const form = page.locator('details', { has: page.locator('summary').getByText('priceOf', { exact: true }) });
      await form.locator('summary').click();
      await form.getByRole('button', { name: 'Ask' }).click();
      await form.getByText('write a whole number').waitFor();
      await form.getByRole('textbox').fill('0');
      await form.getByRole('button', { name: 'Ask' }).click();
      await form.locator('.answer').waitFor();
      for (const path of [
        '/explorer/block/zz',
        '/explorer/tx/0x1',
        '/explorer/address/0x1',
        '/explorer/contract/none',
      ]) {
        await person.go(path);
        await page.getByRole('heading', { name: /No such/ }).waitFor();
      }
      await person.leave();
    },
  },
  {
    name: 'risk sums everybody up and names nobody',
    async run({ browser, node }) {
      const person = await somebody(browser, node);
      const { page } = person;
      await person.go('/risk');
      await page.getByRole('heading', { name: 'How prices are known' }).waitFor();
      const risk = await node.rpc('capstan_risk');
      for (const asset of risk.assets.filter((one) => one.oracle !== null)) {
        await page
          .getByRole('table', { name: /Price of each asset/ })
          .getByRole('rowheader', { name: asset.symbol, exact: true })
          .waitFor();
      }
      await until('the sum of debts', async () => {
        const now = await node.rpc('capstan_risk');
        const shown = (await page.locator('.stat', { hasText: 'Owed' }).locator('dd').first().innerText()).replace(
          /[^0-9.]/g,
          '',
        );
        return Math.abs(Number(shown) - Number(now.debt.text)) <= Number(now.debt.text) / 1_000;
      });
      await person.leave();
    },
  },
];
