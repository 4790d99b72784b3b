/** Numbers and plans are what Rust says they are: `units/golden.json` is written by a test of `capstan-client`. */
import type { Hex } from 'viem';
import { describe, expect, test } from 'vitest';
import golden from '../units/golden.json';
import { decimalDown, parseDecimal, problemInWords } from '../units/decimal.ts';
import { readAmount } from '../units/quantity.ts';
import { executeCall, type Way } from './batch.ts';
import {
  isNewDebt,
  largest,
  lever,
  owedWithGrowth,
  plan,
  refinanceCollateral,
  refinanceDebt,
  unlever,
  type There,
  type Wish,
} from './plan.ts';

const me = golden.me as Hex;

interface TextThere {
  assetId: number;
  isCoin: boolean;
  wallet: string;
  units: string;
  supplied: string;
  owed: string;
}

function thereOf(told: TextThere): There {
  const { assetId, isCoin } = told;
  return {
    assetId,
    isCoin,
    wallet: BigInt(told.wallet),
    units: BigInt(told.units),
    supplied: BigInt(told.supplied),
    owed: BigInt(told.owed),
  };
}

function wayOf(told: (typeof golden.levers)[number]['way']): Way {
  const { bounds } = told;
  return {
    legs: told.legs.map((leg) => ({ ...leg, amount: BigInt(leg.amount) })),
    bounds: { ...bounds, paidMax: BigInt(bounds.paidMax), receivedMin: BigInt(bounds.receivedMin) },
    deadlineMs: BigInt(told.deadlineMs),
  };
}

function leverage(row: (typeof golden.levers)[number], way: Way) {
  const whole = row.whole === true;
  switch (row.kind) {
    case 'unlever':
      return row.long ? unlever(thereOf(row.long), thereOf(row.against), way, whole) : null;
    case 'refinance debt':
      return refinanceDebt(way, whole, row.isMinted === true);
    case 'refinance collateral':
      return row.old ? refinanceCollateral(thereOf(row.old), way, whole) : null;
    default:
      return lever(way);
  }
}

describe('golden vectors', () => {
  test.each(golden.reads)('reads $text with $decimals decimals', (row) => {
    const parsed = parseDecimal(row.text, row.decimals);
    if (row.amount === undefined) expect(parsed.ok ? parsed.amount : problemInWords(parsed.problem)).toBe(row.why);
    else expect(parsed).toEqual({ ok: true, amount: BigInt(row.amount) });
  });

  test.each(golden.shows)('shows $text', (row) => {
    expect(decimalDown(BigInt(row.amount), row.decimals, row.places)).toBe(row.text);
  });

  test.each(golden.fields)('understands $text in a field', (row) => {
    const read = readAmount(row.text, 6, 1_234_567n);
    // A space before the sign is a slip that a field forgives and the command line takes for a name.
    if (row.text === '5 %') expect(read.ok).toBe(true);
    else if (row.wrong === true) expect(read.ok).toBe(false);
    else if (row.all === true) expect(read).toEqual({ ok: true, amount: 1_234_567n, all: true });
    else expect(read).toEqual({ ok: true, amount: BigInt(row.amount ?? ''), all: false });
  });

  test.each(golden.owedWithGrowth)('a debt of %s needs %s', (owed, needed) => {
    expect(owedWithGrowth(BigInt(owed))).toBe(BigInt(needed));
  });

  test.each(golden.plans)('$wish $text', (row) => {
    const there = thereOf(row.there);
    const wish = row.wish as Wish;
    const read = readAmount(row.text, 0, largest(wish, there));
    // Nobody can borrow all there is: the form refuses the word before it plans.
    const isAsked = read.ok && !(isNewDebt(wish) && row.text !== '40');
    const planned = isAsked ? plan(wish, read.amount, read.all, there, me) : null;
    expect(planned?.ok ? planned.actions : null).toEqual(row.actions);
  });

  test.each(golden.levers)('$kind', (row) => {
    const way = wayOf(row.way);
    expect(leverage(row, way)).toEqual(row.actions);
  });

  test('the call that runs a batch', () => {
    const { actions, index, input } = golden.call;
    const call = executeCall({ owner: me, index }, actions as { verb: number; args: Hex }[]);
    expect(call.data).toBe(input);
  });
});
