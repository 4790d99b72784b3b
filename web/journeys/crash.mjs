// A falling price: the reporter of the development world signs it, round after round, and the oracle's own rules accept it.
import { until } from './lib.mjs';

const ORACLE = '0xcA957A0000000000000000000006000000000000';
const TYPES = {
  EIP712Domain: [
    { name: 'name', type: 'string' },
    { name: 'version', type: 'string' },
    { name: 'chainId', type: 'uint256' },
    { name: 'verifyingContract', type: 'address' },
  ],
  Report: [
    { name: 'round', type: 'uint64' },
    { name: 'timeMs', type: 'uint64' },
    { name: 'entries', type: 'Entry[]' },
  ],
  Entry: [
    { name: 'assetId', type: 'uint32' },
    { name: 'price', type: 'uint128' },
    { name: 'confidenceBps', type: 'uint16' },
  ],
};

/** Moves the price of an asset to so many percent of what it is; other prices stay. Rounds far ahead silence the world's own feed. */
export async function movePrice(node, assetId, percent) {
  const accounts = await node.rpc('eth_accounts');
  const reporter = accounts.at(-1);
  const chainId = Number(await node.rpc('eth_chainId'));
  const markets = (await node.rpc('capstan_markets')).items;
  const entries = markets.map(({ assetId: id, price }) => {
    const now = BigInt(price.spot.amount);
    return {
      assetId: id,
      price: (id === assetId ? (now * BigInt(percent)) / 100n : now).toString(),
      confidenceBps: 10,
    };
  });
  const target = BigInt(entries.find((entry) => entry.assetId === assetId).price);
  let round = 2 * Date.now();
  await until('the price is accepted', async () => {
    round += 1;
    const block = await node.rpc('eth_getBlockByNumber', ['latest', false]);
    const { timeMs } = await node.rpc('capstan_markets');
    const message = { round, timeMs: Math.max(Number(timeMs), Number(block.timestamp) * 1_000), entries };
    const typed = {
      domain: { name: 'Capstan Oracle', version: '1', chainId, verifyingContract: ORACLE },
      primaryType: 'Report',
      types: TYPES,
      message,
    };
    const signature = await node.rpc('eth_signTypedData_v4', [reporter, typed]);
    const report = {
      ...message,
      entries: entries.map((entry) => ({ ...entry, price: `0x${BigInt(entry.price).toString(16)}` })),
    };
    await node.rpc('capstan_submitReport', [report, signature]);
    const now = (await node.rpc('capstan_markets')).items.find((market) => market.assetId === assetId);
    return BigInt(now.price.spot.amount) === target;
  });
}
