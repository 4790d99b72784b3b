// What a person does with credit.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { choose, Node, program, somebody, until, withMoney } from './lib.mjs';

/** What the command line shows of the same. */
function cli(node, ...words) {
  return JSON.parse(
    execFileSync(program(), [...words, '--json', '--rpc', `http://127.0.0.1:${node.port}`], { encoding: 'utf8' }),
  );
}

const stat = (page, name) =>
  page
    .locator('.stat', { has: page.locator('dt', { hasText: name }) })
    .locator('dd')
    .first();

/** The row of an asset, and not of one whose symbol ends like it. */
const rowOf = (page, symbol) =>
  page
    .getByRole('row')
    .filter({ has: page.getByRole('rowheader').filter({ has: page.getByText(symbol, { exact: true }) }) });

/** Dollars to the nearest cent, as the page has them. */
const cents = (text) => Number(text).toFixed(2);

/** As the page cuts what must not look better than it is. */
function cut(text, places) {
  const [whole, part = ''] = text.split('.');
  const kept = part.slice(0, places).replace(/0+$/, '');
  return kept === '' ? whole : `${whole}.${kept}`;
}

/** What was written is what is read, though a market may round it by a unit. */
const TWO = /(?<![0-9.])2(?![0-9.])/;
const FIVE = /(?<![0-9.])5(?![0-9.])/;

async function supplyTwoEth(person) {
  const { page } = person;
  await person.go('/account');
  await person.connect();
  await person.fund();
  await person.tab('Supply');
  await page.getByLabel('Amount').fill('2');
  await page.getByRole('button', { name: 'Supply…' }).click();
  await page.getByText('Supply 2 ETH to its market').waitFor();
  await person.sign('Supply 2 ETH');
  await rowOf(page, 'ETH').filter({ hasText: TWO }).waitFor();
}

// As people read it: the nearest digit, and cut where it is near its end.
const healthWords = (text) => (Number(text) >= 1.01 ? String(Number(Number(text).toFixed(3))) : cut(text, 3));

export default [
  {
    name: 'markets are alive within a minute, and blocks arrive',
    async run({ browser, node }) {
      const person = await somebody(browser, node);
      await person.go('/');
      const { page } = person;
      await rowOf(page, 'ETH').first().waitFor();
      const height = async () => Number((await page.getByTestId('pulse').innerText()).replace(/\D/g, ''));
      await until('a block', async () => (await height()) > 0);
      const before = await height();
      await until('more blocks', async () => (await height()) > before + 2);
      await person.go('/markets/0');
      await page
        .getByRole('img', { name: /Rates of ETH/ })
        .locator('canvas')
        .waitFor();
      await person.leave();
    },
  },
  {
    name: 'supply and borrow: the page says what the command line says',
    async run({ browser, node }) {
      const person = await somebody(browser, node);
      const { page } = person;
      await supplyTwoEth(person);
      await person.tab('Borrow');
      await choose(page, 'Asset', 'USDC');
      await page.getByLabel('Amount').fill('1_000');
      await page.getByRole('button', { name: 'Borrow…' }).click();
      await page.getByText('Borrow 1\u202f000 USDC').first().waitFor();
      await page.getByRole('row', { name: /^USDC owed/ }).waitFor();
      await person.sign('Borrow 1');
      await until('the debt is shown', async () => !(await stat(page, 'Debt').innerText()).startsWith('$0.00'));
      const owner =
        new URL(page.url()).hash && (await page.evaluate(() => document.querySelector('.page-head .mono')?.title));
      // Prices move between two questions, so both are asked until they fall into one block.
      await until('page and command line agree', async () => {
        const shown = {
          debt: (await stat(page, 'Debt').innerText()).replace(/[^0-9.]/g, ''),
          health: await page.locator('.gauge output').innerText(),
          collateral: (await stat(page, 'Collateral').innerText()).replace(/[^0-9.]/g, ''),
        };
        const { report } = cli(node, 'account', 'show', owner);
        const told = {
          debt: cents(report.debt.text),
          health: healthWords(report.healthMaintenance.text),
          collateral: cents(report.collateral.text),
        };
        return JSON.stringify(shown) === JSON.stringify(told);
      });
      // Paying it back and taking everything out leaves nothing.
      await person.tab('Repay');
      await page.getByLabel('Amount').fill('max');
      await page.getByRole('button', { name: 'Repay…' }).click();
      await person.sign('Repay all USDC');
      await person.tab('Withdraw');
      await page.getByLabel('Amount').fill('max');
      await page.getByRole('button', { name: 'Withdraw…' }).click();
      await person.sign('Withdraw all ETH');
      await person.leave();
    },
  },
  {
    name: 'leverage as far as it goes, the slider, and closing everything',
    async run({ browser, node }) {
      const person = await withMoney(browser, node, '/account');
      const { page } = person;
      await person.tab('Lever up');
      await page.getByLabel('Put in from the wallet').fill('1');
      const slider = page.locator('#leverage');
      await until('the most is known', async () => Number(await slider.getAttribute('max')) > 20);
      const most = Math.min(50, Number(await slider.getAttribute('max')));
      await slider.fill(String(most));
      await page.getByRole('button', { name: /See what/ }).click();
      await page.getByText(/Liquidation is near/).waitFor();
      await person.sign(`${most / 10}x long ETH`);
      await page.locator('#what-if').fill('-40');
      await page.getByText('liquidates', { exact: true }).waitFor();
      await page.getByText('At this price the block sells').waitFor();
      await page.locator('#what-if').fill('30');
      await page.getByText('leaves it alone').waitFor();
      await person.tab('Close');
      await page.getByRole('button', { name: /See what closing/ }).click();
      const promised = page
        .getByRole('row', { name: /^ETH supplied/ })
        .locator('td')
        .last();
      await promised.waitFor();
      await person.sign('Close every debt');
      await page.getByText('Nothing is owed, so nothing can be liquidated').waitFor();
      await person.leave();
    },
  },
  {
    name: 'pasted garbage, tiny and huge amounts are refused in words',
    async run({ browser, node }) {
      const person = await somebody(browser, node);
      const { page } = person;
      await person.go('/account');
      await person.connect();
      await person.tab('Supply');
      const cases = [
        ['abc', /write digits/],
        ['1,5', /write digits/],
        ['-1', /write digits/],
        ['0x10', /write digits/],
        ['1e18', /write digits/],
        ['<script>alert(1)</script>', /write digits/],
        ['0.0000000000000000001', /19 digits behind the point/],
        ['9'.repeat(90), /larger than any number/],
        ['9'.repeat(5_000), /larger than any number/],
        ['101%', /at most 100 %/],
        ['0', /zero/],
        ['5', /the wallet has/],
      ];
      for (const [text, words] of cases) {
        await page.getByLabel('Amount').fill(text);
        await page.locator('.wrong-words', { hasText: words }).waitFor();
        assert.equal(await page.getByRole('button', { name: 'Supply…' }).isDisabled(), true, text.slice(0, 40));
      }
      for (const path of [
        '/account/0x12',
        '/account/nonsense/7',
        '/markets/999',
        '/markets/x',
        '/liquidation/abc',
        '/liquidation/5',
        '/no/such/page',
      ]) {
        await person.go(path);
        await until(`${path} says something`, async () => (await page.locator('main').innerText()).trim().length > 10);
      }
      await person.leave();
    },
  },
  {
    name: 'a rejected signature and a wrong network are said, and nothing is lost',
    async run({ browser, node }) {
      const person = await somebody(browser, node);
      const { page } = person;
      // A wallet that announces itself (EIP-6963), on another chain, whose owner says no.
      const [account] = await node.rpc('eth_accounts');
      await page.addInitScript((address) => {
        let chainId = '0x1';
        let isAllowed = false;
        const listeners = [];
        const provider = {
          request: async ({ method, params }) => {
            if (method === 'eth_chainId') return chainId;
            if (method === 'eth_requestAccounts') isAllowed = true;
            if (method === 'eth_accounts' || method === 'eth_requestAccounts') return isAllowed ? [address] : [];
            if (method === 'wallet_switchEthereumChain') {
              chainId = params[0].chainId;
              for (const listener of listeners) listener(chainId);
              return null;
            }
            if (method === 'wallet_requestPermissions') isAllowed = true;
            if (method === 'wallet_requestPermissions')
              return [
                { parentCapability: 'eth_accounts', caveats: [{ type: 'restrictReturnedAccounts', value: [address] }] },
              ];
            if (method === 'eth_sendTransaction')
              throw Object.assign(new Error('User rejected the request.'), { code: 4001 });
            throw Object.assign(new Error(`no ${method}`), { code: 4200 });
          },
          on: (name, listener) => name === 'chainChanged' && listeners.push(listener),
          removeListener: () => {},
        };
        const detail = Object.freeze({
          info: {
            uuid: '1f0c7a5e-0000-4000-8000-000000000001',
            name: 'Test Wallet',
            icon: 'data:image/svg+xml,<svg/>',
            rdns: 'test.wallet',
          },
          provider,
        });
        const announce = () => dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }));
        addEventListener('eip6963:requestProvider', announce);
        announce();
      }, account);
      await person.go('/account');
      await page.getByTestId('wallet').click();
      await page.getByRole('button', { name: 'Test Wallet' }).click();
      await page.getByText('Your wallet is on another network').waitFor();
      await page.getByRole('button', { name: 'Switch the wallet' }).click();
      await page.getByText('Your wallet is on another network').waitFor({ state: 'detached' });
      await page.getByLabel('Amount').fill('1.5');
      await page.getByRole('button', { name: 'Supply…' }).click();
      await page.locator('[data-testid="sign"]:not([disabled])').click();
      await page.getByText('You declined').waitFor();
      await page.getByRole('button', { name: 'Not now' }).click();
      assert.equal(await page.getByLabel('Amount').inputValue(), '1.5');
      await person.leave();
    },
  },
  {
    name: 'without funds: the reason before anything is signed',
    async run({ browser, node }) {
      const person = await somebody(browser, node);
      const { page } = person;
      await person.go('/account');
      await person.connect();
      await person.tab('Borrow');
      await page.getByLabel('Amount').fill('1');
      await page.getByRole('button', { name: 'Borrow…' }).click();
      await page.getByText('This would fail').waitFor();
      assert.equal(await page.getByTestId('sign').isDisabled(), true);
      await person.leave();
    },
  },
  {
    name: 'two tabs: what one does the other shows',
    async run({ browser, node }) {
      const person = await somebody(browser, node);
      await supplyTwoEth(person);
      const other = await person.context.newPage();
      await other.goto(`${node.url}#/account`);
      await rowOf(other, 'ETH').filter({ hasText: TWO }).waitFor();
      await person.tab('Supply');
      await person.page.getByLabel('Amount').fill('3');
      await person.page.getByRole('button', { name: 'Supply…' }).click();
      await person.sign('Supply 3 ETH');
      await rowOf(other, 'ETH').filter({ hasText: FIVE }).waitFor();
      await person.leave();
    },
  },
  {
    name: 'a node that is stopped, and one that is killed, is said within 2 s; the page goes on by itself',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed', '--bots', '0');
      try {
        const person = await somebody(browser, node);
        const { page } = person;
        await person.go('/account');
        await person.connect();
        await page.locator('.pulse.live').waitFor();
        // A stopped process answers nothing and closes nothing.
        node.signal('SIGSTOP');
        const began = Date.now();
        await page.getByText('The node is gone').waitFor();
        const saidAfterMs = Date.now() - began;
        node.signal('SIGCONT');
        await page.locator('.pulse.live').waitFor();
        await page.getByText('The node is gone').waitFor({ state: 'detached' });
        await node.kill();
        await page.getByText('The node is gone').waitFor();
        await node.run();
        await page.locator('.pulse.live').waitFor();
        await until('blocks arrive again', async () => /Block [0-9]/.test(await page.getByTestId('pulse').innerText()));
        await person.fund();
        console.log(`  a silent node was said to be gone after ${saidAfterMs} ms`);
        // That it is 2 s is a unit test of the link, by a clock that nobody else keeps busy.
        assert.ok(saidAfterMs < 15_000, `it took ${saidAfterMs} ms`);
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
];
