// A crash: what the slider foretold happens, the block sells, and says why.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { Node, program, somebody, until } from './lib.mjs';

const ask = promisify(execFile);

export default [
  {
    name: 'a crash liquidates, and the page reads the block’s own explanation',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed');
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
        const rpc = `http://127.0.0.1:${node.port}`;
        await ask(program(), ['dev', 'crash', '--asset', 'eth', '--to', '-25%', '--in', '5s', '--rpc', rpc]);
        // The first one stands last.
        const why = page.getByRole('link', { name: 'Why' });
        await why.last().waitFor();
        await why.last().click();
        await page.getByText('Why this was liquidated').waitFor();
        await page.getByText('What the rule of today’s largest protocol would have taken').waitFor();
        const figure = (name) => page.locator('.stat', { hasText: name }).locator('dd').first().innerText();
        await until('the penalty is told', async () => (await figure('Penalty')).startsWith('$'));
        const [before, after] = [await figure('Health before'), await figure('Health after')];
        assert.ok(Number(before) < 1, `health before is ${before}`);
        assert.ok(Number(after) >= 1, `health after is ${after}`);
        assert.ok((await page.locator('tbody tr').count()) > 0, 'no step is shown');
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
];
