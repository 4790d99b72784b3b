// A crash: what the slider foretold happens, the block sells, and says why.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { toEventSelector } from 'viem';
import { choose, Node, owner, program, somebody, supply, until, withMoney } from './lib.mjs';

const ask = promisify(execFile);

const TRIGGERS = '0xca957A0000000000000000000017000000000000';
const FIRED = toEventSelector(
  'TriggerFired(uint64,address,uint8,uint256,uint256,uint256,uint256,uint256,uint256,uint256)',
);
const topic = (address) => `0x${address.slice(2).toLowerCase().padStart(64, '0')}`;

/** At the pace at which `capstan dev crash` goes by itself: a minute. */
const PATIENCE_MS = 90_000;

/** Ten ether, a debt of half of their worth, and a stop. */
async function protect(person, stop) {
  const { page } = person;
  await person.go('/account');
  await person.connect();
  await person.fund();
  await supply(person, '10');
  await person.tab('Borrow');
  await choose(page, 'Asset', 'USDC');
  await page.getByLabel('Amount').fill('15000');
  await page.getByRole('button', { name: 'Borrow…' }).click();
  await page
    .getByRole('row', { name: /^Health/ })
    .getByText('1.66')
    .waitFor();
  await page
    .getByRole('row', { name: /liquidated below/ })
    .getByText('$1\u202f807.23')
    .waitFor();
  await person.sign('Borrow 15\u202f000 USDC');
  await person.go('/trade?tab=orders');
  await page.getByLabel('dollars').fill(stop);
  await page.locator('[data-testid="place-order"]:not([disabled])').click();
  await person.sign('Place an order');
}

export default [
  {
    name: 'a crash at its own pace: a stop fires in the block of its price, the block sells others, and says why',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed');
      try {
        const careful = await somebody(browser, node);
        await protect(careful, '2400');
        const who = { owner: await owner(careful), index: 0 };
        const person = await withMoney(browser, node, '/account');
        const { page } = person;
        await person.tab('Lever up');
        await page.getByLabel('Put in from the wallet').fill('2');
        await page.locator('#leverage').fill('30');
        await page.getByRole('button', { name: /See what/ }).click();
        await person.sign('3x long ETH');
        await page.locator('#what-if').fill('-25');
        await page.getByText('liquidates', { exact: true }).waitFor();
        const rpc = `http://127.0.0.1:${node.port}`;
        const began = Date.now();
        await ask(program(), ['dev', 'crash', '--asset', 'eth', '--to', '-25%', '--rpc', rpc]);
        console.log(`  the crash took ${Math.round((Date.now() - began) / 1_000)} s`);
        // The first one stands last.
        const why = page.getByRole('link', { name: 'Why' });
        await until('it was liquidated', async () => (await why.count()) > 0, PATIENCE_MS);
        await why.last().click();
        await page.getByText('Why this was liquidated').waitFor();
        await page.getByText('What Aave’s rule would have taken').waitFor();
        const figure = (name) => page.locator('.stat', { hasText: name }).locator('dd').first().innerText();
        await until('the penalty is told', async () => (await figure('Penalty')).startsWith('$'));
        const [before, after] = [await figure('Health before'), await figure('Health after')];
        assert.ok(Number(before) < 1, `health before is ${before}`);
        assert.ok(Number(after) >= 1, `health after is ${after}`);
        assert.ok((await page.locator('tbody tr').count()) > 0, 'no step is shown');
        // Whoever had a stop was never liquidated, and owes nothing.
        await careful.go('/account');
        await careful.page.getByText('Nothing is owed, so nothing can be liquidated').waitFor();
        assert.equal(await careful.page.getByRole('link', { name: 'Why' }).count(), 0);
        const [fired] = await node.rpc('eth_getLogs', [
          { fromBlock: '0x0', address: TRIGGERS, topics: [FIRED, null, topic(who.owner)] },
        ]);
        assert.ok(fired, 'no order fired');
        const { items: prices } = await node.rpc('capstan_priceHistory', [0, { limit: 100 }]);
        const level = 2_400n * 10n ** 18n;
        const below = prices.filter((price) => BigInt(price.spot) <= level).map((price) => Number(price.blockNumber));
        // An order fires at the step of 1.1 % below its price at the latest: so many rounds of one percent of the way.
        const late = Number(fired.blockNumber) - Math.min(...below);
        assert.ok(
          prices.some((price) => Number(price.blockNumber) === Number(fired.blockNumber)),
          'it fired in a block that brought a price',
        );
        assert.ok(late >= 0 && late <= 12, `it fired ${late} blocks after its price`);
        await careful.leave();
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
];
