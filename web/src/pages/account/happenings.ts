/**
 * What happened to an account, in words: amounts in units of their assets, verbs by name. The tables are those of the terminal's
 * `history` (`crates/client/src/history.rs`); whatever no table knows stays in the details, as the contract wrote it.
 */
import type { AccountEvent } from '../../node/shapes.ts';
import { quantity, shownHealth, shownPrice, told, usd, type Counted } from '../../units/quantity.ts';

/** Arguments that are amounts of the asset that another argument names. */
const AMOUNTS: readonly (readonly [string, string])[] = [
  ['assets', 'assetId'],
  ['amount', 'assetId'],
  ['requested', 'assetId'],
  ['credited', 'assetId'],
  ['fee', 'assetId'],
  ['debt', 'assetId'],
  ['reserve', 'assetId'],
  ['lenders', 'assetId'],
  ['goods', 'assetId'],
  ['paid', 'debtAssetId'],
  ['taken', 'collateralAssetId'],
  ['toReserve', 'collateralAssetId'],
  ['paid', 'assetIn'],
  ['received', 'assetOut'],
  ['amountIn', 'assetIn'],
  ['amountOut', 'assetOut'],
];
/** Arguments of the dollar's events that are dollars, though some name another asset. */
const DOLLARS = new Set([
  ...['Minted amount', 'DollarRepaid amount', 'DollarLossRealised debt', 'DollarLossRealised surplus'],
  ...['DollarLossRealised hole', 'SwappedIn usd', 'SwappedIn fee', 'SwappedOut usd', 'SwappedOut fee'],
  ...['RedemptionRequested amount', 'Redeemed amount', 'Redeemed fee'],
]);
const DOLLAR: Counted = { assetId: -1, symbol: 'usd', decimals: 18 };
const NO_DEBT = (1n << 256n) - 1n;
/** By their numbers (`specs/account.md`). */
const VERBS: readonly string[] = [
  ...['', 'deposit', 'withdraw', 'supply', 'redeem', 'borrow', 'repay', 'transfer', 'take debt', 'close all', 'call'],
  ...['mint', 'burn', 'take loan', 'repay loan', 'assign', 'take over', 'bid', 'collect', 'admit', 'swap', 'provide'],
  ...['remove', 'open range', 'grow range', 'shrink range', 'move piece', 'stake', 'unstake'],
];

/** `DollarRepaid` as `Dollar repaid`. */
export function eventName(event: string): string {
  return event.replace(/(?!^)([A-Z])/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** What an event says beside its name: `2 ETH`; empty where no table knows its arguments. */
export function happeningWords(happening: AccountEvent, asset: (id: number) => Counted | undefined): string {
  const value = (name: string) => happening.args.find((arg) => arg.name === name)?.value;
  const said = happening.args.map(({ name, value: text }) => {
    if (name === 'verbs') return verbs(text);
    if (!/^\d+$/.test(text)) return null;
    if (/^health(Before|After)?$/.test(name)) return `${eventName(name).toLowerCase()} ${health(BigInt(text))}`;
    if (name === 'sellPrice' || name === 'buyPrice') {
      return `${eventName(name).toLowerCase()} ${shownPrice(usd(BigInt(text)))}`;
    }
    const of = unitOf(happening, name, value, asset);
    if (!of) return null;
    // The amount of an event that has but one needs no name.
    const named = name === 'assets' || name === 'amount' ? '' : `${eventName(name).toLowerCase()} `;
    return `${named}${told(of, BigInt(text))}`;
  });
  return said.filter((words) => words !== null).join(', ');
}

function unitOf(
  { contract, event }: AccountEvent,
  name: string,
  value: (name: string) => string | undefined,
  asset: (id: number) => Counted | undefined,
): Counted | undefined {
  if (contract === 'dollar' && DOLLARS.has(`${event} ${name}`)) return DOLLAR;
  for (const [amount, id] of AMOUNTS) {
    const number = amount === name ? value(id) : undefined;
    if (number !== undefined) return asset(Number(number));
  }
  return undefined;
}

/** `[1, 3]` as `deposit, supply`. */
function verbs(list: string): string {
  const numbers = list.replace(/[[\]\s]/g, '').split(',');
  return numbers.map((number) => VERBS[Number(number)] ?? number).join(', ');
}

function health(amount: bigint): string {
  return amount === NO_DEBT ? 'without debt' : shownHealth(quantity(amount, 18, 'health'));
}
