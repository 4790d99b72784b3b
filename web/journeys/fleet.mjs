// A development chain with machines on it: what journeys and pictures start from.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  decodeFunctionData,
  decodeFunctionResult,
  encodeFunctionData,
  encodeFunctionResult,
  multicall3Abi as multicallAbi,
  toFunctionSelector,
} from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { until } from './lib.mjs';

export const MACHINES = '0xcA957a000000000000000000001d000000000000';
export const JOBS = '0xcA957a0000000000000000000020000000000000';
export const INCOME = '0xcA957a0000000000000000000021000000000000';
const MULTICALL = '0xcA11bde05977b3631167028862bE2a173976CA11';
const ADMIN = '0xCA957A0000000000000000000004000000000000';
const read = (name) => JSON.parse(readFileSync(new URL(`../../abi/${name}.json`, import.meta.url), 'utf8'));
export const abis = { machines: read('machines'), income: read('income'), jobs: read('jobs') };
const adminAbi = read('admin');

export const ETH = 10n ** 18n;
const HOUR_MS = 3_600_000n;
const DAY_MS = 24n * HOUR_MS;

export const MACHINE_PARAMS = {
  assetId: 0,
  bondMin: ETH,
  unbondMs: 7n * DAY_MS,
  intervalMs: 60_000n,
  graceMs: 60_000n,
  probationMs: 0n,
  lateMs: 60_000n,
  gapMs: 60_000n,
  answerMs: 60_000n,
  commitMs: 60_000n,
  revealMs: 60_000n,
  capacityAgeMs: HOUR_MS,
  slashBps: 1_000,
  quorum: 1,
};

export const INCOME_PARAMS = {
  rateBps: 1_200,
  lateBps: 2_400,
  instalments: 6,
  periodS: 2_592_000,
  unpaidS: 864_000,
  windowDays: 30,
  verifiedDays: 30,
  customerAgeMs: DAY_MS,
  concentrationBps: 5_000,
  fractionBps: 5_000,
  escrowBps: 8_000,
  bondBps: 10_000,
  feeBps: 10_000,
  lifeDays: 1_095,
  kwhPriceMin: ETH / 20_000n,
  wattsMin: 100,
  firstLossBps: 1_000,
  firstLossCutBps: 2_000,
  graceMs: DAY_MS,
  auctionMs: 3n * DAY_MS,
  auctionStartBps: 15_000,
  auctionFloorBps: 2_000,
  cap: 1_000_000n * ETH,
  loanMin: ETH / 10n,
};

export const JOB_PARAMS = {
  assetId: 0,
  epochMs: 600_000n,
  holdMs: DAY_MS,
  showMs: 600_000n,
  commitMs: 600_000n,
  revealMs: 600_000n,
  auditPpm: 50_000,
  detectPpm: 900_000,
  feeBps: 100,
  feeFlat: 0n,
  probationUnits: 10_000_000n,
  quorum: 1,
  auditPay: 0n,
};

/** A transaction of anybody, as a development chain allows it. */
export async function send(node, from, to, data) {
  await node.rpc('hardhat_impersonateAccount', [from]);
  const hash = await node.rpc('eth_sendTransaction', [{ from, to, data }]);
  await until('it is included', async () => (await node.rpc('eth_getTransactionReceipt', [hash])) !== null);
  const { status } = await node.rpc('eth_getTransactionReceipt', [hash]);
  assert.equal(status, '0x1', `${data.slice(0, 10)} failed`);
}

export const call = (name, functionName, args) => encodeFunctionData({ abi: abis[name], functionName, args });
export const nowMs = async (node) => BigInt((await node.rpc('capstan_markets')).timeMs);

export async function ownerOf(node, scope) {
  const data = encodeFunctionData({ abi: adminAbi, functionName: 'ownerOf', args: [scope] });
  return `0x${(await node.rpc('eth_call', [{ to: ADMIN, data }, 'latest'])).slice(-40)}`;
}

/** What parameters say counts a day later. */
export async function aDayLater(node) {
  await node.rpc('evm_increaseTime', [86_401]);
  await node.rpc('evm_mine');
}

/** Opens the room of machines; with `loans`, a market of loans and the room of jobs besides. */
export async function open(node, { loans = false } = {}) {
  const owner = await ownerOf(node, MACHINES);
  await send(node, owner, MACHINES, call('machines', 'setParams', [MACHINE_PARAMS]));
  if (loans) {
    await send(node, await ownerOf(node, INCOME), INCOME, call('income', 'openMarket', [0, INCOME_PARAMS]));
    await send(node, await ownerOf(node, JOBS), JOBS, call('jobs', 'setParams', [JOB_PARAMS]));
  }
  await aDayLater(node);
}

/** A machine's own key, and what it signs. */
export class Key {
  constructor(seed) {
    this.account = privateKeyToAccount(`0x${seed.toString(16).padStart(64, '0')}`);
  }

  async sign(node, primaryType, words, message) {
    const chainId = Number(await node.rpc('eth_chainId'));
    const domain = { name: 'Capstan Machines', version: '1', chainId, verifyingContract: MACHINES };
    const types = { [primaryType]: words.map((word) => ({ type: word.split(' ')[0], name: word.split(' ')[1] })) };
    const signature = await this.account.signTypedData({ domain, primaryType, types, message });
    return {
      r: `0x${signature.slice(2, 66)}`,
      s: `0x${signature.slice(66, 130)}`,
      v: parseInt(signature.slice(130), 16),
    };
  }

  async register(node, holder, { bond = 2n * ETH, kind = 1, uri = '' } = {}) {
    const deadlineMs = (await nowMs(node)) + HOUR_MS;
    const consent = await this.sign(node, 'Registration', ['address holder', 'uint64 deadlineMs'], {
      holder,
      deadlineMs,
    });
    const spec = { kind, region: 7, hash: `0x${'00'.repeat(32)}`, uri };
    await send(
      node,
      holder,
      MACHINES,
      call('machines', 'register', [this.account.address, spec, bond, deadlineMs, consent]),
    );
  }

  async beat(node, by, machineId = 0n) {
    const timeMs = await nowMs(node);
    const signature = await this.sign(node, 'Beat', ['uint64 machineId', 'uint64 timeMs'], { machineId, timeMs });
    await send(node, by, MACHINES, call('machines', 'beats', [[{ machineId, timeMs, signature }]]));
  }

  async report(node, by, machineId = 0n, { watts = 412, utilisationBps = 8_750, sequence = 1n } = {}) {
    const toMs = await nowMs(node);
    const batch = {
      sequence,
      fromMs: toMs - 1_000n,
      toMs,
      root: `0x${'11'.repeat(32)}`,
      count: 3,
      watts,
      decikelvin: 3_382,
      utilisationBps,
    };
    const words = ['uint64 machineId', 'uint64 sequence', 'uint64 fromMs', 'uint64 toMs', 'bytes32 root'];
    words.push('uint32 count', 'uint32 watts', 'uint16 decikelvin', 'uint16 utilisationBps');
    const signature = await this.sign(node, 'Readings', words, { machineId, ...batch });
    await send(node, by, MACHINES, call('machines', 'report', [machineId, batch, signature]));
  }
}

/**
 * What views of contracts say, changed on the way to the page: a real node answers, and of the views that are named here another
 * result is told. For states that take months of a chain, as a loan that was not paid.
 */
export async function saidInstead(page, changes) {
  const changed = (to, data, output) => {
    for (const { address, name, functionName, result } of changes) {
      if (address.toLowerCase() !== to.toLowerCase()) continue;
      const abi = abis[name];
      const selector = toFunctionSelector(abi.find((item) => item.type === 'function' && item.name === functionName));
      if (data.startsWith(selector))
        return { success: true, returnData: encodeFunctionResult({ abi, functionName, result }) };
    }
    return output;
  };
  const asked = new Map();
  await page.routeWebSocket(/^ws:/, (socket) => {
    const server = socket.connectToServer();
    socket.onMessage((message) => {
      const { id, method, params } = JSON.parse(message);
      if (method === 'eth_call') asked.set(id, params[0]);
      server.send(message);
    });
    server.onMessage((message) => {
      const told = JSON.parse(message);
      const call = asked.get(told.id);
      if (call === undefined || told.id === undefined) return socket.send(message);
      asked.delete(told.id);
      if (call.to.toLowerCase() === MULTICALL.toLowerCase() && told.result !== undefined) {
        const { args } = decodeFunctionData({ abi: multicallAbi, data: call.data });
        const outputs = decodeFunctionResult({ abi: multicallAbi, functionName: 'aggregate3', data: told.result });
        const result = outputs.map((output, at) => changed(args[0][at].target, args[0][at].callData, output));
        const data = encodeFunctionResult({ abi: multicallAbi, functionName: 'aggregate3', result });
        return socket.send(JSON.stringify({ jsonrpc: '2.0', id: told.id, result: data }));
      }
      const other = changed(call.to, call.data, null);
      if (other === null) return socket.send(message);
      return socket.send(JSON.stringify({ jsonrpc: '2.0', id: told.id, result: other.returnData }));
    });
  });
}

const WHO = (digit) => `0x${digit.repeat(40)}`;

/** A machine that earned for a month, owes, and of which the market has lost once: what its views would say. */
export function afterAMonth(holder, startMs) {
  const today = Math.floor(Number(startMs) / 86_400_000);
  const days = Array.from({ length: 12 }, (_, at) => ({
    day: today - 12 + at,
    gross: ETH / 50n + (BigInt(at % 5) * ETH) / 400n,
    counted: ETH / 55n,
    fees: ETH / 5_000n,
    power: ETH / 400n,
    net: at === 4 ? 0n : ETH / 64n,
  }));
  const zero = { recovered: 0n, toHolder: 0n, fromRepayment: 0n };
  const one = {
    caseId: 1n,
    machineId: 1n,
    assetId: 0,
    reason: 2,
    stage: 3,
    openedMs: BigInt(startMs) - 500_000_000n,
    untilMs: BigInt(startMs) - 200_000_000n,
    closedMs: BigInt(startMs) - 200_000_000n,
    holder: WHO('7'),
    buyer: WHO('0'),
    owed: 5n * ETH,
    principal: (49n * ETH) / 10n,
    paid: (31n * ETH) / 10n,
    left: 0n,
    fromIncome: ETH / 10n,
    fromTitle: 0n,
    fromBond: 3n * ETH,
    fromFirstLoss: (18n * ETH) / 10n,
    fromLenders: 0n,
    ...zero,
  };
  const open = {
    ...one,
    caseId: 2n,
    machineId: 0n,
    reason: 1,
    stage: 2,
    openedMs: BigInt(startMs) - 90_000_000n,
    untilMs: BigInt(startMs) + 90_000_000n,
    closedMs: 0n,
    holder,
    fromBond: 0n,
    fromFirstLoss: 0n,
    left: 2n * ETH,
  };
  const book = {
    machineId: 0n,
    assetId: 0,
    streamId: 1n,
    holder,
    earned: (6n * ETH) / 10n,
    toDebt: ETH / 5n,
    reserved: ETH / 50n,
    toHolder: (38n * ETH) / 100n,
    principal: 2n * ETH,
    due: ETH / 3n,
    owed: (21n * ETH) / 10n,
    nextMs: BigInt(startMs) + 90_000_000n,
    escrow: ETH / 4n,
    kwhPrice: ETH / 20_000n,
    watts: 350,
    lifeEndMs: BigInt(startMs) * 2n,
    defaults: 0,
    caseId: 2n,
  };
  const offer = {
    today: ETH / 2n,
    later: (11n * ETH) / 10n,
    verifiedDays: 11,
    neededDays: 30,
    netPerDay: ETH / 64n,
    byIncome: (8n * ETH) / 10n,
    byEscrow: ETH / 5n,
    byBondAndFees: (25n * ETH) / 10n,
    byMarket: ETH / 2n,
    bound: 4,
  };
  const market = {
    assetId: 0,
    lenderShare: null,
    firstLossShare: null,
    idle: 12n * ETH,
    lent: 8n * ETH,
    lenders: 17n * ETH,
    firstLoss: 3n * ETH,
    unreleased: 0n,
    uncovered: ETH,
    atRisk: 2n * ETH,
    largest: 3n * ETH,
    largestMachine: 0n,
    debtors: 4,
    defaults: 2,
    lostFirstLoss: (18n * ETH) / 10n,
    lostLenders: 0n,
    recovered: 0n,
    interestPaid: ETH / 8n,
    paused: 0,
  };
  const customers = [
    [
      { customer: WHO('a'), amount: ETH / 10n, shareBps: 5_500n },
      { customer: WHO('b'), amount: ETH / 12n, shareBps: 4_500n },
    ],
    ETH / 5n,
    ETH / 100n,
  ];
  const security = {
    netPerDay: ETH / 64n,
    reserved: ETH / 50n,
    title: true,
    bond: 2n * ETH,
    firstLoss: 3n * ETH,
    lenders: 17n * ETH,
  };
  return { days, cases: [one, open], open, one, book, offer, market, customers, security };
}

/** The same as changes of views; shares are those that the real market has. */
export async function changesOf(node, told) {
  const data = call('income', 'market', [0]);
  const real = decodeFunctionResult({
    abi: abis.income,
    functionName: 'market',
    data: await node.rpc('eth_call', [{ to: INCOME, data }, 'latest']),
  });
  const { lenderShare, firstLossShare } = real;
  const say = (functionName, result) => ({ address: INCOME, name: 'income', functionName, result });
  return [
    say('book', told.book),
    say('offer', told.offer),
    say('security', told.security),
    say('daysOf', told.days),
    say('customersOf', told.customers),
    say('market', { ...told.market, lenderShare, firstLossShare }),
    say('caseCount', 2n),
    say('cases', told.cases),
    say('caseOf', told.open),
    say('titlePrice', (15n * ETH) / 10n),
  ];
}
