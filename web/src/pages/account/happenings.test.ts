import { expect, test } from 'vitest';
import type { AccountEvent } from '../../node/shapes.ts';
import { eventName, happeningWords } from './happenings.ts';

const ASSETS = [
  { assetId: 0, symbol: 'ETH', decimals: 18 },
  { assetId: 1, symbol: 'USDC', decimals: 6 },
];

function words(contract: string, event: string, args: Record<string, string>): string {
  const happening: AccountEvent = {
    blockNumber: 1,
    timestamp: 1,
    transactionHash: '0x',
    logIndex: 0,
    contract,
    event,
    args: Object.entries(args).map(([name, value]) => ({ name, type: 'uint256', value })),
    about: '',
  };
  return happeningWords(happening, (id) => ASSETS.find((asset) => asset.assetId === id));
}

test('amounts are told in units of the asset that their event names', () => {
  expect(words('lending', 'Supplied', { assetId: '0', assets: '2000000000000000000', shares: '1999' })).toBe('2 ETH');
  expect(
    words('account', 'Swapped', { assetIn: '1', paid: '1500000000', assetOut: '0', received: '500000000000000000' }),
  ).toBe('paid 1\u202f500 USDC, received 0.5 ETH');
  expect(words('dollar', 'Minted', { amount: '500000000000000000000' })).toBe('500 usd');
});

test('verbs have names, health is cut near its end, and what is unknown is left to the details', () => {
  expect(words('account', 'Executed', { verbs: '[1, 3]', health: '1659999999889333333' })).toBe(
    'deposit, supply, health 1.66',
  );
  expect(words('account', 'Executed', { verbs: '[9]', health: ((1n << 256n) - 1n).toString() })).toBe(
    'close all, health without debt',
  );
  expect(words('farms', 'Staked', { assetId: '7', amount: '5', farmId: '2' })).toBe('');
  expect(eventName('DollarRepaid')).toBe('Dollar repaid');
});
