// A crash: what the slider foretold happens, the block sells, and says why.
import assert from 'node:assert/strict';
import { movePrice } from './crash.mjs';
import { Node, somebody, until } from './lib.mjs';

export default [
  {
    name: 'a crash liquidates, and the page reads the block’s own explanation',
    async run({ browser }) {
      const node = await Node.start();
      try {
        const person = await somebody(browser, node);
        const { page } = person;
        await person.go('/account');
        await person.connect();
        await person.fund();
        await person.tab('Lever up');
        await page.getByLabel('Put in from the wallet').fill('2');
        await page.locator('#leverage').fill('30');
        await page.getByRole('button', { name: /See what/ }).click();
        await person.sign('3x long ETH');
        await page.locator('#what-if').fill('-25');
        await page.getByText('liquidates', { exact: true }).waitFor();
        await movePrice(node, 0, 75);
        const why = page.getByRole('link', { name: 'Why' }).first();
        await why.waitFor();
        await why.click();
        await page.getByText('Why this was liquidated').waitFor();
        await page.getByText('What the rule of today’s largest protocol would have taken').waitFor();
        const figure = (name) => page.locator('.stat', { hasText: name }).locator('dd').first().innerText();
        await until('the penalty is told', async () => (await figure('Penalty')).startsWith('$'));
        assert.ok(Number(await figure('Health before')) < 1);
        assert.ok(Number(await figure('Health after')) >= 1);
        assert.ok((await page.locator('tbody tr').count()) > 0, 'no step is shown');
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
];
