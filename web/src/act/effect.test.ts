import { expect, test } from 'vitest';
import type { Holding, Report, Standing } from '../node/shapes.ts';
import { parseDecimal } from '../units/decimal.ts';
import { assetUnit, quantity, usd, type Unit } from '../units/quantity.ts';
import { effectRows, liquidated, shownLiquidated } from './effect.ts';

function wad<U extends Unit>(text: string, unit: U) {
  const read = parseDecimal(text, 18);
  if (!read.ok) throw new Error(text);
  return quantity(read.amount, 18, unit);
}

function holding(units: string, owed: string, owedValue: string, below: string | null = null): Holding {
  const eth = (text: string) => wad(text, assetUnit(0));
  return {
    assetId: 0,
    symbol: 'ETH',
    token: '0x',
    decimals: 18,
    units: eth(units),
    supplied: eth('0'),
    owed: eth(owed),
    supplyRatePerYear: null,
    borrowRatePerYear: null,
    earnsPerDay: eth('0'),
    costsPerDay: eth('0'),
    heldValue: wad('0', 'usd'),
    owedValue: wad(owedValue, 'usd'),
    initialBps: null,
    maintenanceBps: null,
    liquidationPrice: below === null ? null : wad(below, 'usd'),
  };
}

function standing(debt: string, health: string | null, holdings: Holding[] = []): Standing {
  const report: Report = {
    collateral: wad('20000', 'usd'),
    borrowable: wad('18000', 'usd'),
    debt: wad(debt, 'usd'),
    healthInitial: null,
    healthMaintenance: health === null ? null : wad(health, 'health'),
    roomToFallBps: 3_333,
    costPerDay: usd(0n),
  };
  return { report, error: null, holdings, pieces: [] };
}

const above = (of: Standing, row: Holding) => {
  const found = liquidated(of, row);
  return found && shownLiquidated(found);
};

/** The numbers of `cli_21_a_debt_has_a_price_above_which_it_is_liquidated` of `capstan-client`. */
test('CLI-21: a short is liquidated when what it owes rises', () => {
  const short = holding('0', '4', '12000');
  expect(above(standing('12000', '1.5'), short)).toBe('above $4\u202f500.00');
  // 6,000 dollars of something else are owed as well: 27,000 less 6,000, for 4 ether.
  expect(above(standing('18000', '1.5'), short)).toBe('above $5\u202f250.00');
  expect(above(standing('12000', null), short)).toBe(null);
  // 1,000 dollars of something else, and so little health that they alone are more than it carries.
  expect(above(standing('13000', '0.05'), short)).toBe(null);
});

test('CLI-21: what is held is liquidated when it falls, and what is held and owed at no price of its own', () => {
  expect(above(standing('12000', '1.5'), holding('1', '0', '0', '1807.23'))).toBe('below $1\u202f807.23');
  expect(above(standing('12000', '1.5'), holding('1', '4', '12000', '0.36'))).toBe(null);
});

test('a preview says the side of each price, and only what changes of an asset', () => {
  const before = standing('0', null, [holding('0', '0', '0')]);
  const after = standing('12000', '1.5', [holding('0', '4', '12000')]);
  const rows = effectRows(before, after).map(({ name, now, then }) => `${name}: ${now}, ${then}`);
  expect(rows).toContain('ETH liquidated above: –, $4\u202f500.00');
  expect(rows).toContain('ETH owed: –, 4');
  expect(rows).toContain('Health: no debt, 1.5');
  expect(rows.filter((row) => row.startsWith('ETH'))).toHaveLength(2);
});
