// Whatever a person can do at a terminal can be done here: debts in dollars, refinancing, own accounts, orders, ranges, farms, products.
import assert from 'node:assert/strict';
import { choose, commandOf, holding, supply, understood, until, withMoney } from './lib.mjs';

export default [
  {
    name: 'dollars are minted and paid back; a debt and a collateral become others; units move to another account',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account');
      const { page } = person;
      const who = person.address;
      await supply(person, '3');
      await person.tab('Mint usd');
      await page.getByLabel('Amount').fill('500');
      await page.getByRole('button', { name: 'Mint…' }).click();
      await page.getByText('Mint 500 usd', { exact: true }).first().waitFor();
      await understood(await commandOf(page));
      await person.sign('Mint 500 usd');
      await until('500 are owed', async () => Number((await holding(node, who, 'usd')).owed.text) >= 500);
      // The debt in dollars becomes one in USDC.
      await person.tab('Refinance');
      await choose(page, 'Into', 'USDC');
      await page.getByRole('button', { name: /See what/ }).click();
      await page.getByText(/^Borrow .* USDC$/).waitFor();
      await understood(await commandOf(page));
      await person.sign('Owe USDC instead of usd');
      await until('dollars are paid', async () => Number((await holding(node, who, 'usd'))?.owed.text ?? 0) === 0);
      assert.ok(Number((await holding(node, who, 'USDC')).owed.text) >= 499);
      // A part of the ether becomes bitcoin, which is lent as the ether was.
      await person.tab('Refinance');
      await page.getByLabel('What moves').selectOption({ label: 'A collateral' });
      await choose(page, 'Held now', 'ETH');
      await choose(page, 'Into', 'WBTC');
      await page.getByLabel('How much of it').fill('1');
      await page.getByRole('button', { name: /See what/ }).click();
      await page.getByText(/^Swap at most 1 ETH for at least/).waitFor();
      await understood(await commandOf(page));
      await person.sign('Hold WBTC instead of ETH');
      assert.ok(Number((await holding(node, who, 'WBTC')).supplied.text) > 0);
      await person.tab('Transfer');
      await page.getByLabel('What', { exact: true }).selectOption({ label: 'WBTC' });
      await page.getByLabel('Amount').fill('max');
      await page.getByRole('button', { name: 'Move…' }).click();
      await page.getByText('Move all WBTC to your account 1').waitFor();
      await person.sign('Move all WBTC to account 1');
      assert.ok(Number((await holding(node, who, 'WBTC', 1)).units.text) > 0);
      await page.getByLabel('Which account').selectOption({ label: 'Account 1' });
      await page.getByRole('rowheader', { name: 'WBTC' }).waitFor();
      await person.leave();
    },
  },
  {
    name: 'orders of every kind are told before they are signed, and stand',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account');
      const { page } = person;
      const who = person.address;
      await supply(person, '2');
      await person.tab('Borrow');
      await choose(page, 'Asset', 'USDC');
      await page.getByLabel('Amount').fill('2_000');
      await page.getByRole('button', { name: 'Borrow…' }).click();
      await person.sign('Borrow');
      await person.go('/trade?tab=orders');
      const kinds = [
        [
          'a price rises to (take-profit)',
          { dollars: '9000' },
          /When ETH is at \$9.\d{3}\.\d\d or more: the step behind \$9.000.00/,
        ],
        ['a price falls from its best by', { percent: '10' }, /10 steps of 1.1 % below the best/],
        ['a price rises from its lowest by', { percent: '25' }, /21 steps of 1.1 % above the lowest/],
        [
          'time passes (in parts)',
          { every: '2', 'how many times': '3', 'sell each time': '0.01' },
          /Every 2 h, 3 times/,
        ],
        [
          'my health falls to',
          { health: '1.1', 'restore it to': '1.3', 'at most so many times': '2' },
          /1.1 or less: sells what restores 1.3/,
        ],
      ];
      for (const [kind, fields, words] of kinds) {
        await page.getByLabel('When', { exact: true }).selectOption({ label: kind });
        for (const [label, text] of Object.entries(fields)) await page.getByLabel(new RegExp(`^${label}`)).fill(text);
        await page.locator('[data-testid="place-order"]:not([disabled])').click();
        await page.getByRole('dialog').getByText(words).waitFor();
        await understood(await commandOf(page));
        await person.sign('Place an order');
      }
      await until('all stand', async () => {
        const { items } = await node.rpc('capstan_triggers', [{ owner: who, index: 0 }]);
        return items.filter((order) => order.kind !== 'slices').length === 4;
      });
      await page.getByText(/when health is 1.1 or less/).waitFor();
      await person.leave();
    },
  },
  {
    name: 'a range of prices: opened by its ends, grown, and taken apart',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/earn');
      const { page } = person;
      const who = person.address;
      await page.getByRole('button', { name: /^Open a range/ }).click();
      await page.getByLabel('From').fill('2');
      await page.getByLabel('To', { exact: true }).fill('1');
      await page.getByText('it must be above the lower price').waitFor();
      await page.getByRole('button', { name: '±5 %' }).click();
      // The upper end by keyboard, as on a slider.
      const before = Number(await page.getByLabel('To', { exact: true }).inputValue());
      await page.getByRole('slider', { name: 'Upper price' }).focus();
      await page.keyboard.press('PageUp');
      await until(
        'the end moved',
        async () => Number(await page.getByLabel('To', { exact: true }).inputValue()) > before,
      );
      await page.getByLabel('How much').fill('0.5');
      await page.getByTestId('range-takes').waitFor();
      await understood(await commandOf(page));
      await page.locator('[data-testid="provide"]:not([disabled])').click();
      await page.getByText(/Open a position in pool 4, from tick/).waitFor();
      await person.sign('open a range in pool 4');
      await page.getByText('earns', { exact: true }).waitFor();
      const liquidity = async () => {
        const { pieces } = await node.rpc('capstan_account', [{ owner: who, index: 0 }]);
        return BigInt(pieces.find((piece) => piece.kind === 'range')?.amount ?? 0);
      };
      const first = await liquidity();
      assert.ok(first > 0n);
      await page.getByRole('button', { name: 'Add more' }).click();
      await page.getByLabel('How much').fill('0.5');
      await page.locator('[data-testid="provide"]:not([disabled])').click();
      await person.sign('grow position');
      await until('it grew', async () => (await liquidity()) > (first * 19n) / 10n);
      await page.getByRole('button', { name: 'Take out' }).click();
      await page.getByLabel('How much of it').fill('50%');
      await page.getByRole('button', { name: 'See what it does' }).click();
      await person.sign('take liquidity out of position');
      await until('half is left', async () => (await liquidity()) < (first * 11n) / 10n);
      await page.getByRole('button', { name: 'Take out' }).click();
      await page.getByRole('button', { name: 'See what it does' }).click();
      await person.sign('take liquidity out of position');
      await until('nothing is left', async () => (await liquidity()) === 0n);
      await person.leave();
    },
  },
  {
    name: 'a farm: opened, paid into, staked in, locked for more, compounded and left',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/earn?tab=farms');
      const { page } = person;
      const who = person.address;
      const number = (await node.rpc('capstan_farms')).items.length;
      await page.getByRole('button', { name: 'Open a farm' }).click();
      await page.getByLabel('Staked is').selectOption({ label: 'CAP' });
      await page.getByLabel('What flows to stakers').selectOption({ label: 'CAP' });
      await page.getByLabel('May be locked for more').selectOption({ label: 'USDC' });
      await page.getByRole('button', { name: 'See the farm…' }).click();
      await page.getByText('Whoever stakes CAP gets CAP').waitFor();
      await person.sign('Open a farm of CAP');
      const card = page.locator('section.card', { hasText: `Farm ${number}: stake CAP` });
      await card.getByRole('button', { name: 'Pay in' }).click();
      await page.getByLabel('How much').fill('50');
      await page.getByLabel('Over').fill('0');
      await page.getByText('between 1 and 365').waitFor();
      await page.getByLabel('Over').fill('1');
      await page.getByRole('button', { name: 'See what it does' }).click();
      await person.signAll(`Pay into farm ${number}`);
      await card.getByLabel('Stake').fill('20');
      await card.getByRole('button', { name: 'Stake', exact: true }).click();
      await person.signAll('stake cap in farm');
      await card.getByRole('button', { name: 'Lock USDC' }).click();
      await page.getByLabel('How much').fill('10');
      await page.getByRole('button', { name: 'See the lock…' }).click();
      await person.signAll('Lock USDC in farm');
      const mine = async () => (await node.rpc('capstan_farms', [{ owner: who, index: 0 }])).items[number].own;
      await until(
        'the lock counts',
        async () => BigInt((await mine()).weight.amount) > BigInt((await mine()).amount.amount),
      );
      const staked = BigInt((await mine()).amount.amount);
      await card.getByRole('button', { name: 'Compound' }).click();
      await understood(await commandOf(page));
      await person.sign('compound farm');
      await until('the stake grew', async () => BigInt((await mine()).amount.amount) > staked);
      await card.getByRole('button', { name: 'Claim' }).click();
      await person.sign('claim from farm');
      await card.getByRole('button', { name: 'Take out' }).click();
      await page.getByLabel('How much').fill('50%');
      await page.getByRole('button', { name: 'See what it does' }).click();
      await person.sign('unstake from farm');
      await card.getByRole('button', { name: 'Leave, and repay' }).click();
      await understood(await commandOf(page));
      await person.sign('leave farm');
      await until('nothing is staked', async () => BigInt((await mine()).amount.amount) === 0n);
      await person.leave();
    },
  },
  {
    name: 'a product: bought, given back, and one of one’s own',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/earn?tab=products');
      const { page } = person;
      const card = page.locator('section.card', { hasText: 'long WBTC against' }).first();
      await card.getByLabel('Pay').fill('100');
      await card.getByText('You receive about').waitFor();
      await card.getByRole('button', { name: 'Buy…' }).click();
      await page
        .getByRole('dialog')
        .getByText(/Receive at least/)
        .waitFor();
      await understood(await commandOf(page));
      await person.signAll('Buy');
      await card.getByRole('tab', { name: 'Redeem' }).click();
      await card.getByLabel('Give back').fill('max');
      await card.getByText('You receive about').waitFor();
      await card.getByRole('button', { name: 'Redeem…' }).click();
      await person.signAll('Redeem');
      const count = (await node.rpc('capstan_products')).items.length;
      await page.getByRole('button', { name: 'Make a product' }).click();
      await page.getByLabel('Of', { exact: true }).selectOption({ label: 'ETH' });
      await page.getByLabel(/^Base/).selectOption({ label: 'USDC' });
      await page.getByRole('textbox', { name: 'Leverage' }).fill('2');
      await page.getByLabel('Begins with').fill('1000');
      await page.getByRole('button', { name: 'See the product…' }).click();
      await understood(await commandOf(page));
      await person.signAll('Make a product');
      await until('it stands', async () => (await node.rpc('capstan_products')).items.length === count + 1);
      await person.leave();
    },
  },
  {
    name: 'play money is the same for everybody, once, and it is said when it is used up',
    async run({ browser, node }) {
      const balance = async (who) => BigInt(await node.rpc('eth_getBalance', [who, 'latest']));
      for (const visitor of ['first', 'second']) {
        const person = await withMoney(browser, node, '/');
        const { page } = person;
        const who = person.address;
        assert.equal(await balance(who), 100n * 10n ** 18n, visitor);
        await page.getByTestId('wallet').click();
        await page.getByTestId('fund').click();
        await page.getByText('it has its share of everything already').waitFor();
        await person.leave();
      }
    },
  },
  {
    name: 'every command that a page gives is one that the program understands',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account');
      const { page } = person;
      await supply(person, '1');
      const commands = new Set();
      const paths = [
        '/',
        '/markets',
        '/markets/0',
        '/account',
        '/trade',
        '/trade?tab=margin',
        '/trade?tab=orders',
        '/earn',
        '/earn?tab=farms',
        '/earn?tab=products',
        '/explorer',
        '/risk',
      ];
      for (const path of paths) {
        await person.go(path);
        await until(
          `${path} is there`,
          async () => (await page.locator('.skeleton').count()) === 0 && (await page.locator('h1').count()) > 0,
        );
        for (const title of await page
          .locator('[title*="capstan "]')
          .evaluateAll((all) => all.map((one) => one.title))) {
          const found = /capstan .*/.exec(title);
          if (found) commands.add(found[0]);
        }
      }
      assert.ok(commands.size > 20, `only ${commands.size} commands`);
      for (const command of commands) await understood(command);
      await person.leave();
    },
  },
];
