/** The account now and then, row by row, and the prices at which it is liquidated: as `capstan account preview` prints them. */
import type { Holding, Report, Standing } from '../node/shapes.ts';
import {
  isZero,
  mulDivDown,
  shownAmount,
  shownBps,
  shownHealth,
  shownPrice,
  shownUsd,
  shownUsdFine,
  usd,
  type Usd,
} from '../units/quantity.ts';

/** A price of liquidation and its side: what is held falls below it, what is owed rises above it. */
export interface Liquidated {
  readonly side: 'below' | 'above';
  readonly at: Usd;
}

/** The price of one asset at which health is one, everything else as it is. Null where an asset is held and owed: its price moves both. */
export function liquidated({ report }: Standing, row: Holding): Liquidated | null {
  const isHeld = !isZero(row.units) || !isZero(row.supplied);
  const isOwed = !isZero(row.owed);
  if (!isOwed) return row.liquidationPrice === null ? null : { side: 'below', at: row.liquidationPrice };
  const health = report?.healthMaintenance ?? null;
  if (isHeld || report === null || health === null || row.owedValue === null) return null;
  // What the collateral carries, less what is owed of other assets, is what this debt may grow to.
  const carried = mulDivDown(report.debt.amount, health.amount, 10n ** BigInt(health.decimals));
  const others = report.debt.amount > row.owedValue.amount ? report.debt.amount - row.owedValue.amount : 0n;
  if (carried < others) return null;
  return { side: 'above', at: usd(mulDivDown(carried - others, 10n ** BigInt(row.owed.decimals), row.owed.amount)) };
}

/** `above $4 500.00`. */
export function shownLiquidated({ side, at }: Liquidated): string {
  return `${side} ${shownPrice(at)}`;
}

export interface EffectRow {
  readonly name: string;
  readonly now: string;
  readonly then: string;
}

const REPORT_ROWS: readonly (readonly [string, (report: Report) => string])[] = [
  ['Collateral', (report) => shownUsd(report.collateral)],
  ['Borrow limit', (report) => shownUsd(report.borrowable)],
  ['Debt', (report) => shownUsd(report.debt)],
  ['Health', (report) => shownHealth(report.healthMaintenance)],
  ['Room to fall', (report) => (report.healthMaintenance === null ? 'all' : shownBps(report.roomToFallBps))],
  ['Costs a day', (report) => shownUsdFine(report.costPerDay)],
];

const on = (side: Liquidated['side']) => (row: Holding, of: Standing) => {
  const found = liquidated(of, row);
  return found?.side === side ? shownPrice(found.at) : null;
};

const HOLDING_ROWS: readonly (readonly [string, (row: Holding, of: Standing) => string | null])[] = [
  ['units', (row) => (isZero(row.units) ? null : shownAmount(row.units))],
  ['supplied', (row) => (isZero(row.supplied) ? null : shownAmount(row.supplied))],
  ['owed', (row) => (isZero(row.owed) ? null : shownAmount(row.owed))],
  ['liquidated below', on('below')],
  ['liquidated above', on('above')],
];

/** What every account has a row for, and of each asset what changes. */
export function effectRows(before: Standing, after: Standing): EffectRow[] {
  const rows = REPORT_ROWS.map(([name, of]) => {
    const one = (standing: Standing) => (standing.report ? of(standing.report) : '?');
    return { name, now: one(before), then: one(after) };
  });
  const ids = [...new Set([...before.holdings, ...after.holdings].map((row) => row.assetId))].sort((a, b) => a - b);
  for (const id of ids) {
    const find = (standing: Standing) => standing.holdings.find((row) => row.assetId === id);
    for (const [name, of] of HOLDING_ROWS) {
      const text = (standing: Standing) => {
        const row = find(standing);
        return (row ? of(row, standing) : null) ?? '–';
      };
      const row = {
        name: `${(find(before) ?? find(after))?.symbol ?? ''} ${name}`,
        now: text(before),
        then: text(after),
      };
      if (row.now !== row.then) rows.push(row);
    }
  }
  return rows;
}
