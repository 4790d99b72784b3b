// A gateway on the node's port, in front of a scripted model server: keys, budgets, receipts; and the network's side of it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open } from './fleet.mjs';
import { findings, Node, somebody, withMoney } from './lib.mjs';

/** A model server that always says the same. */
function scripted() {
  const server = createServer((asked, answer) => {
    let body = '';
    asked.on('data', (part) => (body += part));
    asked.on('end', () => {
      answer.setHeader('content-type', 'application/json');
      if (asked.url.endsWith('/models')) {
        answer.end(JSON.stringify({ object: 'list', data: [{ id: 'scripted-1b', object: 'model' }] }));
        return;
      }
      const { model } = JSON.parse(body);
      const message = { role: 'assistant', content: 'Forty-two.' };
      const choices = [{ index: 0, message, finish_reason: 'stop' }];
      const usage = { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 };
      answer.end(JSON.stringify({ id: 'x', object: 'chat.completion', created: 1, model, choices, usage }));
    });
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

async function ask(node, key) {
  const answer = await fetch(`http://127.0.0.1:${node.port}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'scripted-1b', max_tokens: 50, messages: [{ role: 'user', content: 'hi' }] }),
  });
  await answer.text();
  return answer;
}

export default [
  {
    name: 'ai: the owner makes a key, a client uses it, the receipt is there, and taken back it does nothing',
    async run({ browser }) {
      const server = await scripted();
      const folder = mkdtempSync(join(tmpdir(), 'capstan-gateway-'));
      const upstream = `http://127.0.0.1:${server.address().port}/v1`;
      const node = await Node.start('--feed', 'fixed', '--bots', '0', '--upstream', upstream, '--gateway-data', folder);
      try {
        const { token } = JSON.parse(readFileSync(join(folder, 'gateway.json'), 'utf8'));
        const person = await somebody(browser, node);
        const { page } = person;
        await person.go('/ai');
        await page.getByText('Are you its owner?').waitFor();
        const field = page.getByLabel('The owner’s token, or that address');
        await field.fill('sk-capstan-1234');
        await page.getByText('it begins with capstan-owner-').waitFor();
        await field.fill(`capstan-owner-${'0'.repeat(64)}`);
        await page.getByRole('button', { name: 'Open it' }).click();
        await page.getByText('The gateway refused this token').waitFor();
        // The address that it printed is taken whole.
        await field.fill(`http://127.0.0.1/usage#token=${token}`);
        await page.getByRole('button', { name: 'Open it' }).click();
        await page.getByText('There is no key yet').waitFor();
        await page.getByText('scripted-1b', { exact: true }).waitFor();

        await page.getByRole('button', { name: 'New key…' }).click();
        await page.getByLabel('What it is for').fill('notebook');
        await page.getByLabel('It may spend in all').fill('0.01');
        await page.getByRole('button', { name: 'Make the key' }).click();
        await page.getByText('This is the only time that you see it').waitFor();
        const lines = await page.getByLabel('Environment of a client').innerText();
        const key = /OPENAI_API_KEY=(sk-capstan-[0-9a-f]+)/.exec(lines)?.[1];
        assert.ok(key, lines);
        assert.match(lines, /OPENAI_BASE_URL=http:\/\/127\.0\.0\.1:[0-9]+\/v1/);

        const answers = [await ask(node, key), await ask(node, key)];
        assert.deepEqual(
          answers.map(({ status }) => status),
          [200, 200],
        );
        const receipt = answers[1].headers.get('x-capstan-receipt');
        const receipts = page.getByRole('table', { name: 'Receipts, the newest first' });
        await receipts.locator(`[title="${receipt}"]`).waitFor();
        await receipts.getByText('12, 5').first().waitFor();
        await receipts
          .getByRole('button', { name: /^Verify receipt/ })
          .first()
          .click();
        assert.equal(await page.evaluate(() => navigator.clipboard.readText()), `capstan receipt verify ${receipt}`);
        await page.locator('.stat', { hasText: 'Requests' }).getByText('2', { exact: true }).waitFor();
        assert.deepEqual(await findings(page), []);

        // The gateway's own page of use, on a phone: nothing of it is wider than the screen, and each cell says its name.
        const use = await browser.newPage({ viewport: { width: 390, height: 844 } });
        await use.goto(`http://127.0.0.1:${node.port}/usage#token=${token}`);
        await use.locator('#keys').getByText('notebook', { exact: true }).waitFor();
        for (const element of ['html', 'section'])
          for (const wider of await use
            .locator(element)
            .evaluateAll((all) => all.map((one) => one.scrollWidth - one.clientWidth)))
            assert.equal(wider, 0, `${element} of the page of use is ${wider} pixels too wide`);
        assert.equal(await use.locator('#keys td[data-name="spent"]').count(), 1);
        await use.close();

        // A second of the same name is refused in the gateway's words.
        await page.getByRole('button', { name: 'New key…' }).click();
        await page.getByLabel('What it is for').fill('notebook');
        await page.getByRole('button', { name: 'Make the key' }).click();
        await page.getByText(/a key called `notebook` works already/).waitFor();
        await page.getByRole('button', { name: 'Not now' }).click();

        await page.getByRole('button', { name: 'Take back notebook' }).click();
        await page.getByRole('button', { name: 'Take it back' }).click();
        await page.getByText('revoked', { exact: true }).waitFor();
        assert.equal((await ask(node, key)).status, 401);

        await page.getByRole('button', { name: 'Give me the machine back' }).click();
        await page.getByText('Paused', { exact: true }).waitFor();
        await page.getByRole('button', { name: 'Serve others again' }).click();
        await page.getByText('Paused', { exact: true }).waitFor({ state: 'detached' });
        await person.leave();
      } finally {
        await node.stop();
        server.close();
        rmSync(folder, { recursive: true, force: true });
      }
    },
  },
  {
    name: 'ai: without a gateway the page says how to get one; on the network units come in, a key is set and revoked',
    async run({ browser }) {
      const node = await Node.start('--feed', 'fixed', '--bots', '0');
      try {
        await open(node, { loans: true });
        const person = await withMoney(browser, node, '/ai');
        const { page } = person;
        await page.getByText('This node has no gateway').waitFor();
        await page.getByText('capstan dev --model smollm2').waitFor();
        await person.tab('The network');
        await page.getByRole('button', { name: 'Bring in…' }).click();
        await page.getByLabel('How much').fill('0.5');
        await page.getByRole('button', { name: 'See what it does' }).click();
        await person.sign('Bring 0.5 ETH in');
        await page.locator('.stat', { hasText: 'Free' }).getByText('0.5 ETH', { exact: true }).waitFor();
        await page.getByRole('button', { name: 'Set a key…' }).click();
        await page.getByLabel(/Address of the key/).fill('0x00000000000000000000000000000000000000aa');
        await page.getByRole('button', { name: 'See what it does' }).click();
        await person.sign('Set a spending key');
        const keys = page.getByRole('table', { name: 'Your spending keys' });
        await keys.getByText('of 1 ETH').waitFor();
        await keys.getByRole('button', { name: /^Revoke/ }).click();
        await person.sign('Revoke a spending key');
        await keys.getByText('revoked', { exact: true }).waitFor();
        await page.getByRole('button', { name: 'Take out…' }).click();
        await page.getByLabel('How much').fill('max');
        await page.getByRole('button', { name: 'See what it does' }).click();
        await person.sign('Take 0.5 ETH out');
        await page.locator('.stat', { hasText: 'Free' }).getByText('0 ETH', { exact: true }).waitFor();
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
];
