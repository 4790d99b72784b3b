// A fleet: a machine that was never there, one that comes, is seen, says something, goes dark, and leaves; and what its income carries.
import assert from 'node:assert/strict';
import { afterAMonth, call, changesOf, Key, MACHINES, nowMs, open, saidInstead, send } from './fleet.mjs';
import { commandOf, findings, Node, owner, somebody, understood } from './lib.mjs';

const key = () => new Key(0x5a5a5a);

export default [
  {
    name: 'a machine comes, is seen, says how it is, goes dark and leaves, and the fleet shows each of it',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed', '--bots', '0');
      try {
        const person = await somebody(browser, node);
        const { page } = person;
        await person.go('/machines');
        await page.getByText('No machine is registered on this chain yet').waitFor();
        await page.getByRole('link', { name: 'Add a machine' }).last().click();
        await page.getByText('100 USDC').waitFor();
        await person.connect();
        await person.fund();
        const who = await owner(person);
        await open(node);
        await page.getByText(/capstan provide start --upstream/).waitFor();
        await page.getByText('1 ETH', { exact: true }).waitFor();
        const machine = key();
        await machine.register(node, who, { uri: '<script>window.hurt=1</script>' });
        await person.go('/machines');
        const tile = page.locator('.fleet li').first();
        await tile.getByText('Machine 0: GPU').waitFor();
        await tile.getByText('2 ETH').waitFor();
        await tile.getByText('you,').waitFor();
        await tile.getByText('nobody has asked it yet').waitFor();
        // What it has not said is unknown, and not nothing.
        assert.equal(await tile.locator('.readings dd').getByText('unknown', { exact: true }).count(), 3);
        await machine.beat(node, who);
        await machine.report(node, who);
        await tile.getByText('87.5 %', { exact: true }).waitFor();
        await tile.getByText('65.1 °C', { exact: true }).waitFor();
        await tile.getByText('412 W', { exact: true }).waitFor();
        await tile.getByText(/as it said (now|\d+ s ago)/).waitFor();
        await node.rpc('evm_increaseTime', [30]);
        await node.rpc('evm_mine');
        await machine.beat(node, who);
        await tile.getByText('live', { exact: true }).waitFor();
        await node.rpc('evm_increaseTime', [90]);
        await tile.getByText('late', { exact: true }).waitFor();
        await tile.getByText('It missed a beat').waitFor();
        await node.rpc('evm_increaseTime', [600]);
        await tile.getByText('dark', { exact: true }).waitFor();
        await tile.getByText(/as it said 1\d min/).waitFor();
        await node.rpc('evm_increaseTime', [600]);
        await tile.getByText(/old: it said so 2\d min/).waitFor();
        await page.locator('.stat', { hasText: 'Busy' }).getByText('unknown', { exact: true }).waitFor();
        await tile.getByText(/it went dark and still is/).waitFor();
        await machine.beat(node, who);
        await tile.getByText(/dark once for/).waitFor();
        await tile.getByText(/it went dark for a while/).waitFor();
        assert.deepEqual(await findings(page), []);
        await page.getByLabel('Mine only').check();
        await tile.getByText('Machine 0: GPU').waitFor();
        await tile.getByRole('link', { name: /Machine 0/ }).click();
        await page.getByText('2 ETH, at least 1 ETH').waitFor();
        await page.getByText('It has not earned anything yet').waitFor();
        await send(node, who, MACHINES, call('machines', 'leave', [0n]));
        await page.getByText('leaving', { exact: true }).waitFor();
        await page.getByText('Its bond may be taken').waitFor();
        assert.equal(await page.evaluate(() => window.hurt ?? 0), 0, 'what it says of itself ran');
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
  {
    name: 'machine loans: a lender supplies and withdraws, a holder opens his book, and what lenders can take is told',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed', '--bots', '0');
      try {
        const person = await somebody(browser, node);
        const { page } = person;
        await person.go('/machines/loans');
        await page.getByText('has opened no market of machine loans').waitFor();
        await person.connect();
        await person.fund();
        const who = await owner(person);
        await open(node, { loans: true });
        await page.getByRole('heading', { name: 'Loans in ETH' }).waitFor();
        for (const [button, words, done] of [
          ['Supply to First loss of ETH', '0.5', 'Supply 0.5 ETH to the first loss'],
          ['Supply to Lenders of ETH', '2', 'Supply 2 ETH to the lenders'],
          ['Withdraw from Lenders of ETH', '0.75', 'Withdraw 0.75 ETH from the lenders'],
        ]) {
          await page.locator(`button[aria-label="${button}"]:not([disabled])`).click();
          await page.getByLabel('How much').fill(words);
          await page.getByRole('button', { name: 'See what it does' }).click();
          const command = await commandOf(page);
          assert.match(command, /^capstan income (supply|withdraw) [0-9.]+ eth/);
          await understood(command);
          await person.sign(done);
        }
        await page.locator('.stat', { hasText: 'Idle' }).getByText('1.75 ETH', { exact: true }).waitFor();
        await page.getByText('It never happened here').waitFor();

        const machine = key();
        await machine.register(node, who);
        await machine.beat(node, who);
        await node.rpc('evm_increaseTime', [30]);
        await node.rpc('evm_mine');
        await machine.beat(node, who);
        await person.go('/machines/0');
        await page.getByRole('button', { name: 'Open its book…' }).click();
        await person.sign('Open the book of machine 0');
        await page.getByText(/bound by too few verified days with a net income/).waitFor();
        await page.getByRole('heading', { name: 'What a lender cannot take' }).waitFor();
        const borrow = page.getByRole('button', { name: 'Borrow…' });
        assert.equal(await borrow.isDisabled(), true, 'nothing can be borrowed yet');
        await page.getByRole('button', { name: 'Say what power costs…' }).click();
        await page.getByLabel('It draws').fill('350');
        await page.getByRole('button', { name: 'See what it does' }).click();
        await person.sign('State the power of machine 0');
        await page.getByText('350 W', { exact: true }).waitFor();
        await person.leave();

        // What takes months of a chain: the views are told as they would be.
        const later = await somebody(browser, node);
        const told = afterAMonth(who, await nowMs(node));
        await saidInstead(later.page, await changesOf(node, told));
        await later.go('/machines/0');
        await later.page
          .locator('.stat', { hasText: 'can borrow today' })
          .getByText('0.5 ETH', { exact: true })
          .waitFor();
        await later.page.getByText('After 30 verified days at this use').waitFor();
        await later.page.getByText(/net of power, 19 days to go/).waitFor();
        await later.page.getByRole('list', { name: 'Steps of case 2' }).getByText('The title is at auction').waitFor();
        await later.page.getByText('0.333333 ETH').waitFor();
        assert.deepEqual(await findings(later.page), []);
        await later.go('/machines/loans');
        await later.page.getByText('2 ETH are being recovered').waitFor();
        assert.deepEqual(await findings(later.page), []);
        await later.page
          .getByRole('table', { name: 'Cases, the newest first' })
          .getByText('nobody bought its title')
          .waitFor();
        await later.page.locator('.stat', { hasText: 'Largest debtor' }).getByText('37.50 %').waitFor();
        await later.leave();
      } finally {
        await node.stop();
      }
    },
  },
];
