// Blocks as lanes of parallel work: who waits for whom, what was touched, and what is said where that is not known.
import assert from 'node:assert/strict';
import { findings, Node, somebody } from './lib.mjs';

const COUNT = 60;

/** One block with so many payments of ten people: each of the later ones of a person waits for his one before. */
async function busyBlock(node) {
  const people = (await node.rpc('eth_accounts')).slice(0, 10);
  await node.rpc('evm_setIntervalMining', [0]);
  const last = Number(await node.rpc('eth_blockNumber'));
  await Promise.all(
    Array.from({ length: COUNT }, (_, at) =>
      node.rpc('eth_sendTransaction', [
        { from: people[at % people.length], to: `0x${(0x1000 + at).toString(16).padStart(40, '0')}`, value: '0x1' },
      ]),
    ),
  );
  await node.rpc('evm_mine');
  await node.rpc('evm_mine');
  const newest = Number(await node.rpc('eth_blockNumber'));
  const blocks = await Promise.all(
    Array.from({ length: newest - last }, (_, at) =>
      node.rpc('eth_getBlockByNumber', [`0x${(last + 1 + at).toString(16)}`, false]),
    ),
  );
  const block = blocks.find(({ transactions }) => transactions.length >= COUNT);
  assert.ok(block, `${blocks.map(({ transactions }) => transactions.length).join(', ')} transactions`);
  return Number(block.number);
}

/** What the node says of one method, changed on the way. */
async function instead(page, method, change) {
  const ids = new Set();
  await page.routeWebSocket(/^ws:/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const asked = JSON.parse(message);
      if (asked.method === method) ids.add(asked.id);
      server.send(message);
    });
    server.onMessage((message) => {
      const told = JSON.parse(message);
      socket.send(ids.has(told.id) ? JSON.stringify({ jsonrpc: '2.0', id: told.id, ...change(told) }) : message);
    });
  });
}

export default [
  {
    name: 'records: a block as lanes, who waits for whom, and what each transaction touched, as the node says',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed', '--bots', '0');
      try {
        const block = await busyBlock(node);
        const { record, transactions } = await node.rpc('capstan_record', [`0x${block.toString(16)}`]);
        const person = await somebody(browser, node);
        const { page } = person;
        await person.go(`/explorer/block/${block}`);
        await page.getByRole('heading', { name: 'How it could run side by side' }).waitFor();
        const times = `${(record.parallelismMilli / 1_000).toFixed(2).replace(/\.?0+$/, '')}×`;
        await page.locator('.stat', { hasText: 'Parallelism' }).getByText(times, { exact: true }).waitFor();
        await page.getByText(`${record.criticalPath.length} of ${transactions.length} transactions`).waitFor();

        // One that waits: chosen in the table, told above it, and drawn.
        const waiting = transactions.find((row) => row.waitsFor.length > 0 && Number(row.index) < 40);
        await page
          .getByRole('button', { name: `The record of transaction ${Number(waiting.index)}`, exact: true })
          .click();
        await page.getByText('Waits for', { exact: false }).first().waitFor();
        await page
          .getByRole('button', { name: `#${waiting.waitsFor[0].index}`, exact: true })
          .first()
          .waitFor();
        const touches = page.getByRole('table', { name: 'What it touched' });
        assert.equal(await touches.locator('tbody tr').count(), waiting.accesses.length);
        await page.locator('.schedule .chosen').waitFor({ state: 'attached' });

        // Who touched the hottest place.
        await page.getByRole('button', { name: 'Show who' }).first().click();
        await page.locator('.schedule .marked').waitFor({ state: 'attached' });
        assert.deepEqual(await findings(page), []);

        // Its own address brings the same back; the one it waits for is a click away.
        await page.reload();
        await page.getByRole('heading', { name: `Transaction ${Number(waiting.index)}`, exact: true }).waitFor();
        await page
          .getByRole('button', { name: `#${waiting.waitsFor[0].index}`, exact: true })
          .first()
          .click();
        await page.getByRole('heading', { name: `Transaction ${waiting.waitsFor[0].index}`, exact: true }).waitFor();

        await person.go(`/explorer/block/${block + 1}`);
        await page.getByText('Nothing was asked of this block').waitFor();
        await person.go('/explorer/block/0');
        await page.getByRole('heading', { name: 'Block 0' }).waitFor();

        await person.go('/explorer/contention');
        await page.getByRole('button', { name: /Look at the newest/ }).click();
        await page.getByRole('heading', { name: 'Blocks by gas' }).waitFor();
        await page.getByRole('link', { name: String(block), exact: true }).waitFor();
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
  {
    name: 'records: where the state before is gone, and where a node knows none, it says so and shows what there is',
    async run({ browser, node }) {
      const number = Number(
        (await node.rpc('capstan_decodeTransaction', [await someTransaction(node)])).done.blockNumber,
      );
      const pruned = await somebody(browser, node);
      await instead(pruned.page, 'capstan_record', ({ result }) => ({
        result: {
          ...result,
          record: null,
          transactions: result.transactions.map(
            ({ core: _, startGas: __, isCritical: ___, waitsFor: ____, accesses: _____, ...row }) => row,
          ),
        },
      }));
      await pruned.go(`/explorer/block/${number}`);
      await pruned.page.getByText('What its transactions read is not known here any more').waitFor();
      await pruned.page.getByRole('table', { name: 'Transactions of this block' }).waitFor();
      await pruned.leave();

      const older = await somebody(browser, node);
      await instead(older.page, 'capstan_record', () => ({ error: { code: -32601, message: 'no such method' } }));
      await older.go(`/explorer/block/${number}`);
      await older.page.getByText('This node tells no records').waitFor();
      await older.page.locator('main a[href*="/tx/"]').first().waitFor();
      await older.leave();
    },
  },
];

/** Any that a block has. */
async function someTransaction(node) {
  for (let number = 1; number < 20; number += 1) {
    const { transactions } = await node.rpc('eth_getBlockByNumber', [`0x${number.toString(16)}`, false]);
    if (transactions.length > 1) return transactions[0];
  }
  throw new Error('no block has two transactions');
}
