import { describe, expect, test } from 'vitest';
import { encodeAbiParameters, parseAbiParameters, type AbiParameter } from 'viem';
import { example, readArgument, showValue } from './forms.ts';

const ADDRESS = '0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC';

function of(text: string): AbiParameter {
  const [parameter] = parseAbiParameters<string>(text);
  if (!parameter) throw new Error(text);
  return parameter;
}

describe('arguments', () => {
  test.each([
    ['uint256', '1_000', 1_000n],
    ['uint256', ' 0x10 ', 16n],
    ['uint256', 'max', (1n << 256n) - 1n],
    ['uint32', '7', 7],
    ['uint8', '255', 255],
    ['int256', '-5', -5n],
    ['int24', '-8388608', -8_388_608],
    ['bool', 'false', false],
    ['string', ' as it is ', ' as it is '],
    ['bytes', '0x00ff', '0x00ff'],
    ['bytes2', '0x00ff', '0x00ff'],
    ['address', ADDRESS, ADDRESS],
    [
      'uint256[]',
      '[115792089237316195423570985008687907853269984665640564039457584007913129639935, "2"]',
      [(1n << 256n) - 1n, 2n],
    ],
    ['bool[2]', '[true, false]', [true, false]],
    ['(address owner, uint8 index) account', `{"owner": "${ADDRESS}", "index": 3}`, { owner: ADDRESS, index: 3 }],
    ['(address owner, uint8 index) account', `["${ADDRESS}", 3]`, { owner: ADDRESS, index: 3 }],
    ['(uint16 verb, bytes args)[] actions', '[{"verb": 9, "args": "0x"}]', [{ verb: 9, args: '0x' }]],
  ])('%s takes %s', (type, text, value) => {
    const read = readArgument(of(type), text);
    expect(read).toEqual({ ok: true, value });
    // What is read can be sent.
    if (read.ok) expect(encodeAbiParameters([of(type)], [read.value])).toMatch(/^0x/);
  });

  test.each([
    ['uint256', ''],
    ['uint256', '-1'],
    ['uint256', '1.5'],
    ['uint256', '1e18'],
    ['uint256', '9'.repeat(100)],
    ['uint8', '256'],
    ['int8', '128'],
    ['bool', 'yes'],
    ['bytes', '0x0'],
    ['bytes4', '0x00'],
    ['address', '0x01'],
    ['address', ADDRESS.replace('C', 'c')],
    ['uint256[]', '1'],
    ['uint256[]', '[1,'],
    ['uint256[2]', '[1]'],
    ['uint256[]', '[1.5]'],
    ['(uint8 a, uint8 b) pair', '{"a": 1}'],
    ['(uint8 a, uint8 b) pair', '{"a": 1, "b": 256}'],
    ['string', 'x'.repeat(300_000)],
  ])('%s refuses %s in words', (type, text) => {
    const read = readArgument(of(type), text);
    expect(read.ok).toBe(false);
    if (!read.ok) expect(read.words.length).toBeGreaterThan(5);
  });

  test('an example can be read', () => {
    for (const type of ['uint256[]', '(uint16 verb, bytes args)[] actions', '(string a, bool b) one']) {
      expect(readArgument(of(type), example(of(type))).ok, type).toBe(true);
    }
  });
});

test('answers have all digits', () => {
  expect(showValue(2n ** 200n)).toBe((2n ** 200n).toString());
  expect(showValue({ owner: ADDRESS, amounts: [1n, 2n] })).toContain('"1"');
  expect(showValue(true)).toBe('true');
});
