import { expect, test } from 'vitest';
import { symbol } from './decode.ts';

test.each([
  ['USDC', 'USDC'],
  ['steth-wrapped', 'steth-wrapp…'],
  // Twelve letters are twelve, whatever they take in memory.
  ['🦆'.repeat(12), '🦆'.repeat(12)],
  ['🦆'.repeat(13), `${'🦆'.repeat(11)}…`],
  ['  a  b\n', 'a b'],
  // What turns the direction, or is not seen, is not there.
  ['\u202eCDSU', 'CDSU'],
  ['US\u200bDC', 'US DC'],
  ['', '?'],
  ['\u0000', '?'],
  ['<img src=x onerror=alert(1)>', '<img src=x …'],
])('a token that calls itself %j is called %s', (said, shown) => {
  expect(symbol(said, 'symbol')).toBe(shown);
});

test('what is no text is refused', () => {
  expect(() => symbol(7, 'symbol')).toThrow('no text at symbol');
});
