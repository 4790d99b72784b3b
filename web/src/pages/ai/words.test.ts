import { expect, test } from 'vitest';
import { usd } from '../../units/quantity.ts';
import { tokenIn } from './door.ts';
import { dollars, overview, refusalWords, type GatewayKey, type GatewayReceipt } from './shapes.ts';
import { costOf, environment, keyState, outcomeWords, phaseWords, readKey, refundWords, usedOver } from './words.ts';

const E = 10n ** 18n;

test('dollars of a gateway are text with a unit, exact', () => {
  expect(dollars('0.0000192usd', 'x')).toEqual(usd(19_200_000_000_000n));
  expect(dollars('5usd', 'x')).toEqual(usd(5n * E));
  for (const wrong of ['5', '5eur', '-1usd', '1e3usd', 5, null]) expect(() => dollars(wrong, 'x')).toThrow();
});

test('an answer of another shape is refused, and an error of the gateway is told in its words', () => {
  expect(() => overview({ keys: [] }, 'overview')).toThrow();
  expect(refusalWords({ error: { message: 'no', code: 'x' } })).toBe('no');
  expect(refusalWords('no')).toBeNull();
});

test('the token is found in what the gateway printed', () => {
  const token = `capstan-owner-${'ab'.repeat(32)}`;
  expect(tokenIn(token)).toBe(token);
  expect(tokenIn(`http://127.0.0.1:8545/usage#token=${token}`)).toBe(token);
  expect(tokenIn('sk-capstan-1234')).toBeNull();
});

const key: GatewayKey = {
  id: 'aa',
  name: 'notebook',
  limits: { total: usd(5n * E), day: usd(E), parallel: null, expires_ms: null, own: false },
  created_ms: 0,
  revoked_ms: null,
  spent: usd(2n * E),
  spent_today: usd(0n),
  reserved: usd(0n),
  requests: 0,
  input_tokens: 0,
  output_tokens: 0,
};

test('a key works until it is revoked, over, or spent', () => {
  const state = (change: object) => keyState({ ...key, ...change }, 100).words;
  expect(state({})).toBe('works');
  expect(state({ revoked_ms: 5 })).toBe('revoked');
  expect(state({ limits: { ...key.limits, expires_ms: 100 } })).toBe('ended');
  expect(state({ reserved: usd(3n * E) })).toBe('spent');
  expect(state({ spent_today: usd(E) })).toBe('spent today');
});

const text = { name: ' notebook ', total: '5', day: '$0.5', parallel: '', days: '30', own: false };

test('a key that is wanted is read as it was written', () => {
  expect(readKey(text, 1_000).wanted).toEqual({
    name: 'notebook',
    limits: { total: '5usd', day: '0.5usd', parallel: null, expires_ms: 1_000 + 30 * 86_400_000, own: false },
  });
  expect(readKey({ ...text, total: '', days: '' }, 0).wanted?.limits.total).toBeNull();
  expect(
    Object.keys(readKey({ ...text, name: '', total: '0', day: 'x', parallel: '1.5', days: '0' }, 0).wrong),
  ).toEqual(['name', 'total', 'day', 'parallel', 'days']);
});

test('use over time adds up to the unit', () => {
  const receipt = (startedMs: number, cost: bigint) =>
    ({
      receipt: { startedMs, tookMs: 500, cost: usd(cost), inputUnits: 3, outputUnits: 4 },
      notes: {},
    }) as GatewayReceipt;
  expect(usedOver([receipt(2_000, 7n), receipt(1_000, 5n)])).toEqual({
    atS: [1.5, 2.5],
    spent: [5n, 12n],
    tokens: [7, 14],
  });
  expect(usedOver([]).atS).toEqual([]);
});

test('what was sold to the network counts units of an asset', () => {
  const sold = (cost: bigint, cost_decimals: number | null) =>
    costOf({ receipt: { cost: usd(cost) }, notes: { cost_decimals } } as GatewayReceipt).amount;
  expect(sold(160_000n, 6)).toBe(160_000_000_000_000_000n);
  expect(sold(160_000n, null)).toBe(160_000n);
});

test('numbers of receipts and claims have words', () => {
  expect(
    [0, 1, 2, 3, 4].map((outcome) => outcomeWords(outcome).words).filter((one) => one.startsWith('outcome')),
  ).toEqual([]);
  expect(outcomeWords(9).words).toBe('outcome 9');
  expect(
    [1, 2, 3, 4, 5, 6, 7].map((phase) => phaseWords(phase).words).filter((one) => one.startsWith('phase')),
  ).toEqual([]);
  expect(phaseWords(9).words).toBe('phase 9');
  expect(Array.from({ length: 12 }, (_, at) => refundWords(at + 1)).filter((one) => one.startsWith('reason'))).toEqual(
    [],
  );
  expect(refundWords(99)).toBe('reason 99');
});

test('two lines are all that a client needs', () => {
  expect(environment('http://127.0.0.1:8545', 'sk-capstan-1')).toBe(
    'export OPENAI_BASE_URL=http://127.0.0.1:8545/v1\nexport OPENAI_API_KEY=sk-capstan-1',
  );
});
