import { describe, expect, test } from 'vitest';
import { flowWords, readStream, USUAL, type Flow, type StreamText } from './words.ts';

const usdc = { assetId: 1, symbol: 'USDC', decimals: 6 };
const DAY = 86_400_000;
const flow: Flow = {
  isSettled: false,
  isStopped: false,
  sinceMs: 0n,
  cliffMs: 0n,
  endMs: BigInt(10 * DAY),
  rate: 1_000_000_000n,
  periodMs: BigInt(10 * DAY),
};

test('how a stream flows', () => {
  expect(flowWords(flow, usdc, DAY)).toBe('100 USDC a day, 9 d more');
  expect(flowWords({ ...flow, cliffMs: BigInt(2 * DAY) }, usdc, DAY)).toMatch(/^100 USDC a day, nothing before /);
  expect(flowWords({ ...flow, sinceMs: BigInt(2 * DAY) }, usdc, DAY)).toMatch(/^100 USDC a day, from /);
  expect(flowWords(flow, usdc, 10 * DAY)).toBe('all of it has flowed');
  expect(flowWords({ ...flow, isStopped: true }, usdc, DAY)).toMatch(/^stopped/);
  expect(flowWords({ ...flow, isSettled: true, rate: 0n, periodMs: 0n }, usdc, DAY)).toBe('paid in as it falls due');
});

describe('a stream of one’s own', () => {
  const to = '0x0707070707070707070707070707070707070707';
  const read = (text: Partial<StreamText>) => readStream({ ...USUAL, amount: '100', to, ...text }, 6, 500_000_000n);

  test('is what was written', () => {
    expect(read({ index: '3', lasts: '2', cliff: '1', unit: 'h' })).toEqual({
      to,
      index: 3,
      amount: 100_000_000n,
      lastsMs: 7_200_000,
      cliffAfterMs: 3_600_000,
      wrong: {},
      isPossible: true,
    });
  });

  test.each([
    [{ amount: '501' }, 'amount', 'the wallet has less'],
    [{ amount: '0' }, 'amount', 'zero'],
    [{ to: '0x12' }, 'to', '40 digits'],
    [{ to: '<img src=x>' }, 'to', '40 digits'],
    // A digit of the checksum is wrong.
    [{ to: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92267' }, 'to', '40 digits'],
    [{ index: '256' }, 'index', 'between 0 and 255'],
    [{ lasts: '0' }, 'lasts', 'between 1 and 36500'],
    [{ lasts: '36501' }, 'lasts', 'between'],
    [{ lasts: '1e3' }, 'lasts', 'digits'],
    [{ lasts: '5', cliff: '6' }, 'cliff', 'not after its end'],
  ] as const)('%o is refused', (text, field, words) => {
    const stream = read(text);
    expect(stream.isPossible).toBe(false);
    expect(stream.wrong[field]).toContain(words);
  });

  test('an empty form is not wrong, and not possible', () => {
    expect(read({ amount: '', to: '' })).toMatchObject({ isPossible: false, wrong: {} });
  });
});
