/** An offer of fixed terms, from what somebody wrote: the ranges are those of the contract (`specs/term.md`). */
import { parseDecimal, problemInWords } from '../../../units/decimal.ts';
import { readAmount, someWrong } from '../../../units/quantity.ts';

const HOUR_S = 3_600;
const DAY_S = 86_400;
const YEAR_S = 365 * DAY_S;
/** Hundredths of a percent have two digits. */
const PERCENT_DECIMALS = 2;
const RATE_BPS_MAX = 10_000;
const EARLY_BPS_MAX = 1_000;
const INSTALMENTS_MAX = 120;

export interface OfferText {
  readonly amount: string;
  readonly least: string;
  readonly rate: string;
  readonly instalments: string;
  readonly every: string;
  readonly everyUnit: 'h' | 'day';
  readonly amortisation: number;
  readonly grace: string;
  readonly late: string;
  readonly early: string;
  readonly fails: string;
  readonly lasts: string;
}

export const USUAL: OfferText = {
  amount: '',
  least: '',
  rate: '6',
  instalments: '12',
  every: '30',
  everyUnit: 'day',
  amortisation: 1,
  grace: '3',
  late: '12',
  early: '0',
  fails: '30',
  lasts: '30',
};

export interface OfferTerms {
  readonly assetId: number;
  readonly rateBps: number;
  readonly instalments: number;
  readonly periodS: number;
  readonly amortisation: number;
  readonly graceS: number;
  readonly lateBps: number;
  readonly earlyFeeBps: number;
  readonly defaultS: number;
  readonly least: bigint;
  readonly expiresMs: bigint;
}

type Field = Exclude<keyof OfferText, 'everyUnit' | 'amortisation'>;
export type Wrong = Partial<Record<Field, string>>;

export interface OfferRead {
  readonly terms: OfferTerms;
  readonly amount: bigint;
  /** What is wrong with each field; nothing where it can be offered. */
  readonly wrong: Wrong;
  readonly isPossible: boolean;
}

export function readOffer(
  text: OfferText,
  asset: { readonly assetId: number; readonly decimals: number },
  has: bigint,
  nowMs: number,
): OfferRead {
  const wrong: Wrong = {};
  const bps = (field: Field, most: number) => {
    const read = parseDecimal(text[field].trim(), PERCENT_DECIMALS);
    if (read.ok && read.amount <= BigInt(most)) return Number(read.amount);
    wrong[field] = read.ok ? `at most ${most / 100} %` : problemInWords(read.problem);
    return 0;
  };
  const whole = (field: Field, least: number, most: number) => {
    const read = parseDecimal(text[field].trim(), 0);
    if (read.ok && read.amount >= BigInt(least) && read.amount <= BigInt(most)) return Number(read.amount);
    wrong[field] = read.ok ? `between ${least} and ${most}` : problemInWords(read.problem);
    return least;
  };
  const amount = readAmount(text.amount, asset.decimals, has);
  const amountWrong = someWrong(text.amount, amount, { of: has, where: 'the wallet has' });
  if (amountWrong !== null) wrong.amount = amountWrong;
  const offered = amount.ok ? amount.amount : 0n;
  const least = text.least.trim() === '' ? null : readAmount(text.least, asset.decimals, offered);
  const leastWrong = least === null ? null : someWrong(text.least, least, { of: offered, where: 'the offer has' });
  if (leastWrong !== null) wrong.least = leastWrong;
  const unitS = text.everyUnit === 'h' ? HOUR_S : DAY_S;
  const periodS = whole('every', 1, YEAR_S / unitS) * unitS;
  const graceS = whole('grace', 0, YEAR_S / DAY_S) * DAY_S;
  if (wrong.grace === undefined && graceS >= periodS) wrong.grace = 'shorter than from one payment to the next';
  const defaultS = whole('fails', 0, YEAR_S / DAY_S) * DAY_S;
  if (wrong.fails === undefined && defaultS < graceS) wrong.fails = 'not before the grace is over';
  const terms = {
    assetId: asset.assetId,
    rateBps: bps('rate', RATE_BPS_MAX),
    instalments: whole('instalments', 1, INSTALMENTS_MAX),
    periodS,
    amortisation: text.amortisation,
    graceS,
    lateBps: bps('late', RATE_BPS_MAX),
    earlyFeeBps: bps('early', EARLY_BPS_MAX),
    defaultS,
    least: least?.ok && leastWrong === null ? least.amount : 1n,
    expiresMs: BigInt(nowMs + whole('lasts', 1, YEAR_S / DAY_S) * DAY_S * 1_000),
  };
  return { terms, amount: offered, wrong, isPossible: offered > 0n && Object.keys(wrong).length === 0 };
}
