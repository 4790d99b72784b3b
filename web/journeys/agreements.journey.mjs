// Fixed terms, streams, and what only some do with liquidity and products: between two people, and over time.
import assert from 'node:assert/strict';
import { choose, commandOf, holding, Node, supply, understood, until, withMoney } from './lib.mjs';

const HOUR_S = 3_600;

const number = (text) => Number(text.replace(/[^0-9.]/g, ''));

export default [
  {
    name: 'an exact amount to receive: what it costs at most is said, and just that arrives',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/trade');
      const { page } = person;
      await choose(page, 'Pay', 'ETH');
      await choose(page, 'Receive', 'USDC');
      await page.getByLabel('Exactly').selectOption({ label: 'I want to receive' });
      await page.getByLabel('How much').fill('max');
      await page.getByText('there is no most').waitFor();
      await page.getByLabel('How much').fill('99999999');
      await page.getByText(/There is no way now|The wallet has less ETH/).waitFor();
      assert.equal(await page.locator('[data-testid="swap"]:not([disabled])').count(), 0);
      await page.getByLabel('How much').fill('123.456');
      await page.getByText('For exactly').waitFor();
      const command = await page.getByRole('button', { name: 'Copy as command' }).first().getAttribute('title');
      assert.match(command, /swap 123.456 eth usdc --exact-out/);
      await understood(command);
      const { items } = await node.rpc('capstan_markets');
      const { token } = items.find((market) => market.symbol === 'USDC');
      const has = async () =>
        BigInt(
          await node.rpc('eth_call', [
            { to: token, data: `0x70a08231${person.address.slice(2).padStart(64, '0')}` },
            'latest',
          ]),
        );
      const before = await has();
      await page.locator('[data-testid="swap"]:not([disabled])').click();
      await page.getByText('Done: swap ETH for 123.456 USDC').waitFor();
      assert.equal((await has()) - before, 123_456_000n);
      await person.leave();
    },
  },
  {
    name: 'liquidity goes to the wallet as it is and comes back, shares and a position',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/earn');
      const { page } = person;
      const pieces = async () =>
        (await node.rpc('capstan_account', [{ owner: person.address, index: 0 }])).pieces.map((piece) => piece.kind);
      await page.getByRole('button', { name: 'Provide, pool 0, ETH · USDC' }).click();
      await page.getByLabel(/How much/).fill('0.01');
      await page.locator('[data-testid="provide"]:not([disabled])').click();
      await person.sign('provide to pool');
      await page.getByRole('button', { name: 'To the wallet' }).click();
      await page.getByLabel('How much of it').fill('150%');
      await page.getByText('at most 100 %').waitFor();
      await page.getByLabel('How much of it').fill('max');
      await page.getByRole('button', { name: 'See what it does' }).click();
      await page.getByText('Send all shares of pool 0 to your wallet, as it is').waitFor();
      await understood(await commandOf(page));
      await person.sign('take shares of pool 0 to the wallet');
      await until('the account has none', async () => (await pieces()).length === 0);
      await page.getByRole('button', { name: 'To the account: Shares of pool 0' }).click();
      await page.getByRole('button', { name: 'See what it does' }).click();
      await understood(await commandOf(page));
      await person.sign('bring shares of pool 0 to the account');
      await until('they are back', async () => (await pieces()).includes('shares'));
      await page
        .getByRole('button', { name: /^Open a range/ })
        .first()
        .click();
      await page.getByLabel('How much').fill('0.5');
      await page.locator('[data-testid="provide"]:not([disabled])').click();
      await person.sign('open a range in pool');
      // Its fees are none yet, and the command that takes them is one that works.
      const position = page.locator('li', { hasText: /^Position/ });
      await position.getByRole('button', { name: 'Take fees' }).click();
      const fees = await commandOf(page);
      assert.match(
        fees,
        /^capstan lp withdraw \d+ --position .*&& capstan lp remove \d+ 0 --position --to-units 0 .*&& capstan lp deposit/,
      );
      await understood(fees);
      await page.getByRole('button', { name: 'Not now' }).click();
      await position.getByRole('button', { name: 'To the wallet' }).click();
      await understood(await commandOf(page));
      await person.sign('take position');
      await page.getByRole('button', { name: /^To the account: Position/ }).click();
      await understood(await commandOf(page));
      await person.sign('bring position');
      await until('the position is back', async () => (await pieces()).includes('range'));
      await person.leave();
    },
  },
  {
    name: 'a farm of a pool is entered with a loan in one batch, and left again',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account');
      const { page } = person;
      await supply(person, '5');
      await person.go('/earn?tab=farms');
      const { items } = await node.rpc('capstan_farms');
      const farm = items.find((one) => one.kind === 'shares' || one.poolId !== null);
      assert.ok(farm, 'the development world has a farm of a pool');
      const card = page.locator('section.card', { hasText: `Farm ${farm.farmId}: stake` });
      await card.getByRole('button', { name: 'Enter with a loan' }).click();
      await page.getByLabel('Borrowed USDC').fill('max');
      await page.getByText('say how much').waitFor();
      await page.getByLabel('Own ETH').fill('0.2');
      await page.getByText('the pool takes').waitFor();
      await page.getByLabel('Borrowed USDC').fill('600');
      await understood(await commandOf(page));
      await page.getByRole('button', { name: 'See what it does' }).click();
      await page.getByText('Borrow 600 USDC', { exact: true }).waitFor();
      await person.sign(`enter farm ${farm.farmId}`);
      const own = async () =>
        (await node.rpc('capstan_farms', [{ owner: person.address, index: 0 }])).items[farm.farmId].own;
      await until('it is staked', async () => BigInt((await own()).amount.amount) > 0n);
      assert.ok(Number((await holding(node, person.address, 'USDC')).owed.text) >= 600);
      await card.getByRole('button', { name: 'Leave, and repay' }).click();
      await person.sign('leave farm');
      await until('nothing is staked', async () => BigInt((await own()).amount.amount) === 0n);
      await person.leave();
    },
  },
  {
    name: 'a product of one’s own: units in kind, and closing it',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/earn?tab=products');
      const { page } = person;
      await page.getByRole('button', { name: 'Make a product' }).click();
      await page.getByLabel('Of', { exact: true }).selectOption({ label: 'ETH' });
      await page.getByLabel(/^Base/).selectOption({ label: 'USDC' });
      await page.getByRole('textbox', { name: 'Leverage' }).fill('2');
      await page.getByLabel('Begins with').fill('1000');
      await page.getByLabel(/I may close it later/).check();
      await page.getByRole('button', { name: 'See the product…' }).click();
      await page.getByText('You may close it later').waitFor();
      await person.signAll('Make a product');
      const all = async () => (await node.rpc('capstan_products')).items;
      await until('it stands', async () => (await all()).length > 0);
      const { id, symbol, token } = (await all()).at(-1);
      const card = page.locator('section.card', { hasText: `${symbol}:` }).last();
      const units = async () =>
        BigInt(
          await node.rpc('eth_call', [
            { to: token, data: `0x70a08231${person.address.slice(2).padStart(64, '0')}` },
            'latest',
          ]),
        );
      const before = await units();
      await card.getByRole('button', { name: 'Redeem in kind' }).click();
      await page.getByLabel('Give back').last().fill('10');
      await page.getByText(/You pay [0-9.]+ USDC and receive/).waitFor();
      await page.getByRole('button', { name: 'See what it does' }).click();
      const inKind = await commandOf(page);
      assert.match(inKind, /^capstan product redeem \d+ 10 --in-kind /);
      await understood(inKind);
      await person.signAll(`Redeem ${symbol} in kind`);
      assert.equal(before - (await units()), 10n ** 19n);
      await card.getByRole('button', { name: 'Close it' }).click();
      await page.getByText('This cannot be undone.').waitFor();
      await understood(await commandOf(page));
      await person.sign(`Close ${symbol}`);
      await card.getByText(/It is being closed|It is closed/).waitFor();
      await card.getByRole('button', { name: 'Close it' }).waitFor({ state: 'detached' });
      assert.ok(id > 0);
      await person.leave();
    },
  },
  {
    name: 'a loan at fixed terms between two people: offered, taken, paid on, handed over and ended',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed', '--bots', '0');
      try {
        const lender = await withMoney(browser, node, '/earn?tab=terms');
        await lender.page.getByText('Nobody offers a loan').waitFor();
        await lender.page.getByRole('button', { name: 'Lend at fixed terms' }).click();
        await choose(lender.page, 'What', 'USDC');
        await lender.page.getByLabel('How much').fill('2000');
        await lender.page.getByLabel('Costs a year', { exact: true }).fill('101');
        await lender.page.getByText('at most 100 %').waitFor();
        await lender.page.getByLabel('Costs a year', { exact: true }).fill('8');
        await lender.page.getByLabel('One loan at least').fill('100');
        await lender.page.getByText('Interest in all').waitFor();
        await lender.page.getByRole('button', { name: 'See the offer…' }).click();
        await lender.page.getByText('8 % a year; 12 payments, one every 30 d').waitFor();
        await lender.signAll('Offer 2\u202f000 USDC');
        await lender.page.getByRole('button', { name: 'Take back offer 1' }).waitFor();

        const borrower = await withMoney(browser, node, '/account');
        await supply(borrower, '3');
        await borrower.go('/earn?tab=terms');
        const { page } = borrower;
        await page.getByRole('button', { name: 'Borrow by offer 1' }).click();
        await page.getByLabel('Amount').fill('99');
        await page.getByRole('alert').getByText('at least 100 USDC').waitFor();
        await page.getByLabel('Amount').fill('1200');
        await page.getByText('First payment').waitFor();
        await page.getByRole('button', { name: 'See what it does' }).click();
        await page.getByText('Take a loan by offer 1').waitFor();
        await borrower.sign('borrow 1\u202f200 USDC by offer 1');
        const mine = page.getByRole('table', { name: 'Your loans' });
        await mine.getByText('on schedule').waitFor();
        // A month later the first payment is due.
        await node.rpc('evm_increaseTime', [31 * 24 * HOUR_S]);
        await mine.getByText('due now').waitFor();
        await mine.getByRole('button', { name: 'Pay', exact: true }).click();
        await page.getByLabel('Amount').fill('200');
        await page.getByRole('button', { name: 'See what it does' }).click();
        await borrower.signAll('pay on loan 1');
        await mine.getByText('on schedule').waitFor();
        // The claim is another's from now on.
        await lender.page
          .getByRole('table', { name: 'Your claims' })
          .getByRole('button', { name: 'Hand over' })
          .click();
        await lender.page.getByRole('textbox', { name: 'To' }).fill('0x12');
        await lender.page.getByText('an address has 0x and 40 digits').waitFor();
        await lender.page.getByRole('textbox', { name: 'To' }).fill('0x70997970C51812dc3A010C7d01b50e0d17dc79C8');
        await lender.page.getByRole('textbox', { name: 'Account' }).fill('256');
        await lender.page.getByText('between 0 and 255').waitFor();
        await lender.page.getByRole('textbox', { name: 'Account' }).fill('4');
        await lender.page.getByRole('button', { name: 'See what it does' }).click();
        await lender.page.getByText(/goes to account 4 of 0x7099/).waitFor();
        const handed = await commandOf(lender.page);
        assert.match(handed, /--to-index 4/);
        await understood(handed);
        await lender.sign('Hand over the claim on loan 1');
        await lender.page.getByRole('table', { name: 'Your claims' }).waitFor({ state: 'detached' });
        // All of it, before its time.
        await mine.getByRole('button', { name: 'Pay', exact: true }).click();
        await page.getByRole('button', { name: 'all of it' }).click();
        await page.getByRole('button', { name: 'See what it does' }).click();
        await page.getByText('Pay all that ends loan 1').waitFor();
        await borrower.signAll('pay on loan 1');
        await mine.waitFor({ state: 'detached' });
        await lender.page.getByRole('button', { name: 'Take back offer 1' }).click();
        await lender.sign('Take back offer 1');
        await lender.page.getByText('Nobody offers a loan').waitFor();
        await borrower.leave();
        await lender.leave();
      } finally {
        await node.stop();
      }
    },
  },
  {
    name: 'a stream: opened, collected, set to pay a debt, and stopped by who pays it',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed', '--bots', '0');
      try {
        const owes = await withMoney(browser, node, '/account');
        await supply(owes, '3');
        const payer = await withMoney(browser, node, '/earn?tab=streams');
        await payer.page.getByText('Nothing flows to you or from you.').waitFor();
        await payer.page.getByRole('button', { name: 'Let something flow' }).click();
        await payer.page.getByRole('textbox', { name: 'To' }).fill('<b>me</b>');
        await payer.page.getByText('an address has 0x and 40 digits').waitFor();
        await payer.page.getByRole('textbox', { name: 'To' }).fill(owes.address);
        await choose(payer.page, 'What', 'USDC');
        await payer.page.getByLabel('How much').fill('1000');
        await payer.page.getByLabel('Flows for').fill('10');
        await payer.page.getByRole('button', { name: 'See the stream…' }).click();
        await payer.page.getByText(/Pay 1.000 USDC in now/).waitFor();
        await payer.signAll('Open a stream');
        await owes.go('/earn?tab=streams');
        const { page } = owes;
        await page.getByText(/100(\.[0-9]+)? USDC a day/).waitFor();
        await node.rpc('evm_increaseTime', [24 * HOUR_S]);
        await page.getByRole('button', { name: 'Collect stream 0', exact: true }).click();
        await page.getByText('Collect what stream 0 owes this account').waitFor();
        await owes.sign('collect stream 0');
        await until(
          'it arrived',
          async () => Number((await holding(node, owes.address, 'USDC'))?.units.text ?? 0) >= 100,
        );
        await node.rpc('evm_increaseTime', [HOUR_S]);
        await page.getByRole('button', { name: 'Collect stream 0 to the wallet' }).click();
        await owes.sign('Collect stream 0 to the wallet');
        // A debt that the stream pays before anybody sees it.
        await owes.go('/account');
        await owes.tab('Borrow');
        await choose(page, 'Asset', 'USDC');
        await page.getByLabel('Amount').fill('500');
        await page.getByRole('button', { name: 'Borrow…' }).click();
        await owes.sign('Borrow 500 USDC');
        await owes.go('/earn?tab=streams');
        await page.getByRole('button', { name: 'Let stream 0 pay my debt' }).click();
        await page.getByText('Let stream 0 pay this account’s debt in its asset').waitFor();
        await owes.sign('assign stream 0');
        await page.getByText('pays a debt').waitFor();
        await node.rpc('evm_increaseTime', [24 * HOUR_S]);
        await page.getByRole('button', { name: 'Collect stream 0', exact: true }).click();
        await owes.sign('collect stream 0');
        await until('the debt fell', async () => number((await holding(node, owes.address, 'USDC')).owed.text) < 402);
        // Who pays it stops it, and has back what has not flowed.
        await payer.page.getByRole('button', { name: 'Pay into stream 0' }).click();
        await payer.page.getByLabel('How much').fill('100');
        await payer.page.getByRole('button', { name: 'See what it does' }).click();
        await payer.signAll('Pay into stream 0');
        // One that stands on another of their accounts.
        await payer.page.getByRole('button', { name: 'Let something flow' }).click();
        await payer.page.getByRole('textbox', { name: 'To' }).fill(owes.address);
        await payer.page.getByRole('textbox', { name: 'Account' }).fill('2');
        await choose(payer.page, 'What', 'USDC');
        await payer.page.getByLabel('How much').fill('10');
        await payer.page.getByRole('button', { name: 'See the stream…' }).click();
        await payer.page.getByText(`account 2 of ${owes.address}`).waitFor();
        const opened = await commandOf(payer.page);
        assert.match(opened, /--to-index 2/);
        await understood(opened);
        await payer.signAll('Open a stream');
        await page.getByRole('row', { name: /^1 / }).getByText('account 2', { exact: true }).waitFor();
        await payer.page.getByRole('button', { name: 'Stop stream 0' }).click();
        await payer.sign('Stop stream 0');
        await payer.page.getByRole('button', { name: 'Stop stream 0' }).waitFor({ state: 'detached' });
        await payer.leave();
        await owes.leave();
      } finally {
        await node.stop();
      }
    },
  },
];
