// A machine of the development world that really owes: what the page says of it, who pays on it, who borrows more, and what
// happens when it goes dark. Where no machine owes, there is nothing to see, and the journeys say so.
import assert from 'node:assert/strict';
import { decodeFunctionResult } from 'viem';
import { abis, call, INCOME } from './fleet.mjs';
import { commandOf, findings, Node, settled, somebody, understood, until, withMoney } from './lib.mjs';

/** How long the development world may take until one of its machines owes. */
const OWES_WITHIN_MS = 20_000;
const MACHINES_LOOKED_AT = 4n;
const NONE = 'no machine of the development world owes';
/** Longer than a period of its loans and what may stay unpaid. */
const SILENT_S = 30 * 3_600;

async function income(node, functionName, ...args) {
  const data = await node.rpc('eth_call', [{ to: INCOME, data: call('income', functionName, args) }, 'latest']);
  return decodeFunctionResult({ abi: abis.income, functionName, data });
}

/** The first machine with a debt: its book; null where there is none. */
async function indebted(node) {
  for (let id = 0n; id < MACHINES_LOOKED_AT; id += 1n) {
    const book = await income(node, 'book', id).catch(() => null);
    if (book !== null && book.owed > 0n) return book;
  }
  return null;
}

let isAnywhere = true;

/** A development world of its own in which a machine owes, or the words that it has none. */
async function whereOneOwes(run) {
  if (!isAnywhere) return NONE;
  const node = await Node.start();
  try {
    const book = await until('a machine owes', async () => (await indebted(node)) !== null, OWES_WITHIN_MS).then(
      () => indebted(node),
      () => null,
    );
    if (book === null) {
      isAnywhere = false;
      return NONE;
    }
    const { items } = await node.rpc('capstan_markets');
    const asset = items.find((market) => market.assetId === book.assetId);
    return await run(node, book, asset);
  } finally {
    await node.stop();
  }
}

const stat = (page, name) => page.locator('.stat', { hasText: name }).locator('dd').first();
const shownNumber = async (locator) => Number((await locator.innerText()).replace(/[^0-9.]/g, ''));
const whole = (asset, amount) => Number(amount) / 10 ** asset.decimals;
const isNear = (one, other) => Math.abs(one - other) <= Math.max(0.01, other / 1_000);

/** A wallet whose key the node lends: the development chain signs for anybody. */
async function connectAs(person, node, address) {
  await node.rpc('hardhat_impersonateAccount', [address]);
  await node.rpc('hardhat_setBalance', [address, '0x56bc75e2d63100000']);
  await person.page.addInitScript((who) => {
    const ask = async (method, params) => {
      const answer = await fetch(location.origin, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
      });
      const { result, error } = await answer.json();
      if (error) throw Object.assign(new Error(error.message), { code: error.code });
      return result;
    };
    let isAllowed = false;
    const provider = {
      request: async ({ method, params = [] }) => {
        if (method === 'eth_requestAccounts' || method === 'wallet_requestPermissions') isAllowed = true;
        if (method === 'eth_accounts' || method === 'eth_requestAccounts') return isAllowed ? [who] : [];
        if (method === 'wallet_requestPermissions')
          return [{ parentCapability: 'eth_accounts', caveats: [{ type: 'restrictReturnedAccounts', value: [who] }] }];
        return ask(method, params);
      },
      on: () => {},
      removeListener: () => {},
    };
    const info = {
      uuid: '1f0c7a5e-0000-4000-8000-000000000002',
      name: 'Wallet of the node',
      icon: 'data:image/svg+xml,<svg/>',
      rdns: 'node.wallet',
    };
    const announce = () =>
      dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail: Object.freeze({ info, provider }) }));
    addEventListener('eip6963:requestProvider', announce);
    announce();
  }, address);
  await person.go('/machines');
  await person.page.getByTestId('wallet').click();
  await person.page.getByRole('button', { name: 'Wallet of the node' }).click();
  await person.page.getByRole('dialog').waitFor({ state: 'detached' });
}

export default [
  {
    name: 'a machine that owes: its loan stands on the page as on the chain, and anybody pays on it',
    run: ({ browser }) =>
      whereOneOwes(async (node, { machineId }, asset) => {
        const person = await withMoney(browser, node, `/machines/${machineId}`);
        const { page } = person;
        const owed = async () => (await income(node, 'book', machineId)).owed;
        await page.getByRole('heading', { name: /^What it owes/ }).waitFor();
        await until('page and chain agree', async () =>
          isNear(await shownNumber(stat(page, 'Owed in all')), whole(asset, await owed())),
        );
        await page
          .getByText(/^Loan \d+: .* a year/)
          .first()
          .click();
        await page.getByRole('table', { name: /^Instalments of loan/ }).waitFor();
        assert.deepEqual(await findings(page), []);
        // Nobody but its holder borrows.
        assert.equal(await page.getByRole('button', { name: 'Borrow…' }).count(), 0);
        const before = await owed();
        await page.getByRole('button', { name: 'Repay…' }).click();
        await page.getByLabel('How much').fill('0.5');
        await page.getByRole('button', { name: 'See what it does' }).click();
        const command = await commandOf(page);
        assert.match(command, new RegExp(`^capstan income repay ${machineId} 0\\.5 `));
        await understood(command);
        await person.signAll(`Repay 0.5 ${asset.symbol} of machine ${machineId}`);
        await until('less is owed', async () => (await owed()) < before);
        await person.go('/machines/loans');
        await settled(page, '/machines/loans');
        const { lent, largest, largestMachine } = await income(node, 'market', asset.assetId);
        assert.ok(isNear(await shownNumber(stat(page, 'Lent')), whole(asset, lent)), 'what is lent');
        await page
          .locator('.stat', { hasText: 'Largest debtor' })
          .getByRole('link', { name: `machine ${largestMachine}` })
          .waitFor();
        const share = await shownNumber(stat(page, 'Largest debtor'));
        assert.ok(Math.abs(share - (Number(largest) / Number(lent)) * 100) < 1, `${share} % of what is lent`);
        await person.leave();
      }),
  },
  {
    name: 'the holder of a machine that earns borrows against it, and is told before what it costs',
    run: ({ browser }) =>
      whereOneOwes(async (node, { machineId, holder }, asset) => {
        const { today } = await income(node, 'offer', machineId);
        const [{ loanMin }] = await income(node, 'paramsOf', asset.assetId);
        if (today < loanMin || today === 0n) return `machine ${machineId}, which owes, can borrow nothing more now`;
        const person = await somebody(browser, node);
        const { page } = person;
        await connectAs(person, node, holder);
        await person.go(`/machines/${machineId}`);
        await page.getByText('You can borrow today').waitFor();
        await page.locator('button:not([disabled])', { hasText: 'Borrow…' }).click();
        const amount = today / 2n > loanMin ? today / 2n : loanMin;
        await page.getByLabel('How much').fill(String(whole(asset, amount)));
        await page.getByText('Interest, if all are paid on time').waitFor();
        const before = (await income(node, 'book', machineId)).principal;
        await page.getByRole('button', { name: 'See the loan…' }).click();
        const command = await commandOf(page);
        assert.match(command, new RegExp(`^capstan income borrow ${machineId} [0-9.]+ `));
        await understood(command);
        await person.sign('Borrow ');
        await until('more is owed', async () => (await income(node, 'book', machineId)).principal > before);
        await person.leave();
      }),
  },
  {
    name: 'a machine that owes stays silent and unpaid: its case, step by step, and what it cost whom',
    run: ({ browser }) =>
      whereOneOwes(async (node, { machineId }) => {
        const person = await somebody(browser, node);
        const { page } = person;
        await person.go('/machines/loans');
        await settled(page, '/machines/loans');
        const known = await income(node, 'caseCount');
        await node.rpc('evm_increaseTime', [SILENT_S]);
        await node.rpc('evm_mine');
        await until('the block opens a case', async () => (await income(node, 'caseCount')) > known);
        const caseId = known + 1n;
        const of = await income(node, 'caseOf', caseId);
        assert.equal(of.machineId, machineId);
        const cases = page.getByRole('table', { name: 'Cases, the newest first' });
        await cases.getByRole('link', { name: String(caseId), exact: true }).click();
        await page.getByRole('heading', { name: `Case ${caseId}` }).waitFor();
        const steps = page.getByRole('list', { name: `Steps of case ${caseId}` });
        await steps.getByText('Opened', { exact: true }).waitFor();
        await steps.getByText('The whole stream pays the debt').waitFor();
        await steps.getByText(of.reason === 2 ? /the machine went dark/ : /an instalment stayed unpaid/).waitFor();
        assert.deepEqual(await findings(page), []);
        await person.go(`/machines/${machineId}`);
        await page
          .getByRole('heading', { name: 'Something is wrong with it' })
          .or(page.getByText(/it went dark/).first())
          .first()
          .waitFor();
        await person.leave();
      }),
  },
];
