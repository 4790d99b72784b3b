// A fleet: a machine that was never there, one that comes, is seen, says something, goes dark, and leaves.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { encodeFunctionData } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { Node, owner, somebody, until } from './lib.mjs';

const MACHINES = '0xcA957a000000000000000000001d000000000000';
const ADMIN = '0xCA957A0000000000000000000004000000000000';
const abi = JSON.parse(readFileSync(new URL('../../abi/machines.json', import.meta.url), 'utf8'));
const adminAbi = JSON.parse(readFileSync(new URL('../../abi/admin.json', import.meta.url), 'utf8'));
const ETH = 10n ** 18n;
const HOUR_MS = 3_600_000n;
const key = privateKeyToAccount(`0x${'5a'.repeat(32)}`);

const PARAMS = {
  assetId: 0,
  bondMin: ETH,
  unbondMs: HOUR_MS,
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

/** A transaction of anybody, as a development chain allows it. */
async function send(node, from, to, data) {
  await node.rpc('hardhat_impersonateAccount', [from]);
  const hash = await node.rpc('eth_sendTransaction', [{ from, to, data }]);
  await until('it is included', async () => (await node.rpc('eth_getTransactionReceipt', [hash])) !== null);
  const { status } = await node.rpc('eth_getTransactionReceipt', [hash]);
  assert.equal(status, '0x1', `${data.slice(0, 10)} failed`);
}

async function signed(node, primaryType, types, message) {
  const chainId = Number(await node.rpc('eth_chainId'));
  const domain = { name: 'Capstan Machines', version: '1', chainId, verifyingContract: MACHINES };
  const signature = await key.signTypedData({ domain, primaryType, types: { [primaryType]: types }, message });
  return {
    r: `0x${signature.slice(2, 66)}`,
    s: `0x${signature.slice(66, 130)}`,
    v: parseInt(signature.slice(130), 16),
  };
}

const nowMs = async (node) => BigInt((await node.rpc('capstan_markets')).timeMs);
const call = (functionName, args) => encodeFunctionData({ abi, functionName, args });

async function open(node) {
  const data = encodeFunctionData({ abi: adminAbi, functionName: 'ownerOf', args: [MACHINES] });
  const answer = await node.rpc('eth_call', [{ to: ADMIN, data }, 'latest']);
  await send(node, `0x${answer.slice(-40)}`, MACHINES, call('setParams', [PARAMS]));
  // Parameters count after a day.
  await node.rpc('evm_increaseTime', [86_401]);
  await node.rpc('evm_mine');
}

async function register(node, holder) {
  const deadlineMs = (await nowMs(node)) + HOUR_MS;
  const consent = await signed(
    node,
    'Registration',
    [
      { name: 'holder', type: 'address' },
      { name: 'deadlineMs', type: 'uint64' },
    ],
    { holder, deadlineMs },
  );
  const spec = { kind: 1, region: 7, hash: `0x${'00'.repeat(32)}`, uri: '<script>window.hurt=1</script>' };
  await send(node, holder, MACHINES, call('register', [key.address, spec, 2n * ETH, deadlineMs, consent]));
}

async function report(node, by) {
  const toMs = await nowMs(node);
  const batch = {
    sequence: 1n,
    fromMs: toMs - 1_000n,
    toMs,
    root: `0x${'11'.repeat(32)}`,
    count: 3,
    watts: 412,
    decikelvin: 3_382,
    utilisationBps: 8_750,
  };
  const words = ['uint64 machineId', 'uint64 sequence', 'uint64 fromMs', 'uint64 toMs', 'bytes32 root', 'uint32 count'];
  words.push('uint32 watts', 'uint16 decikelvin', 'uint16 utilisationBps');
  const types = words.map((word) => ({ type: word.split(' ')[0], name: word.split(' ')[1] }));
  const signature = await signed(node, 'Readings', types, { machineId: 0n, ...batch });
  await send(node, by, MACHINES, call('report', [0n, batch, signature]));
}

async function beat(node, by) {
  const timeMs = await nowMs(node);
  const types = [
    { name: 'machineId', type: 'uint64' },
    { name: 'timeMs', type: 'uint64' },
  ];
  const signature = await signed(node, 'Beat', types, { machineId: 0n, timeMs });
  await send(node, by, MACHINES, call('beats', [[{ machineId: 0n, timeMs, signature }]]));
}

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
        await person.connect();
        await person.fund();
        const who = await owner(person);
        await open(node);
        await register(node, who);
        const tile = page.locator('.fleet li').first();
        await tile.getByText('Machine 0: GPU').waitFor();
        await tile.getByText('2 ETH, at least 1 ETH').waitFor();
        await tile.getByText('you,').waitFor();
        await tile.getByText('nobody has asked it yet').waitFor();
        await beat(node, who);
        await report(node, who);
        await tile.getByText(/412 W · 65.05 °C · 87.50 % busy/).waitFor();
        await node.rpc('evm_increaseTime', [30]);
        await node.rpc('evm_mine');
        await beat(node, who);
        await tile.getByText('live', { exact: true }).waitFor();
        await node.rpc('evm_increaseTime', [90]);
        await tile.getByText('late', { exact: true }).waitFor();
        await tile.getByText('It missed a beat').waitFor();
        await node.rpc('evm_increaseTime', [600]);
        await tile.getByText('dark', { exact: true }).waitFor();
        await beat(node, who);
        await tile.getByText(/dark once for/).waitFor();
        await page.getByRole('table', { name: 'Machines that were away for longest' }).waitFor();
        await send(node, who, MACHINES, call('leave', [0n]));
        await tile.getByText('leaving', { exact: true }).waitFor();
        await tile.getByText('Its bond may be taken').waitFor();
        assert.equal(await page.evaluate(() => window.hurt ?? 0), 0, 'what it says of itself ran');
        await person.leave();
      } finally {
        await node.stop();
      }
    },
  },
];
