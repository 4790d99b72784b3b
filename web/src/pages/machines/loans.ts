/** Machine loans in numbers and words: what binds an offer, what a market's tranches earn and cover, and a case step by step. */
import { mulDivDown } from '../../units/quantity.ts';
import { lasting } from '../../units/time.ts';
import type { Step, Tone } from '../../ui/index.ts';
import type { Case, Offer } from './queries.ts';

const WHOLE_BPS = 10_000n;
const HOURS_PER_DAY = 24n;

/** Of a day's net, what an hour has; cut. */
export function netPerHourDown(netPerDay: bigint): bigint {
  return netPerDay / HOURS_PER_DAY;
}

/** The same of an offer; null while no day of the machine is verified, since then nothing is known. */
export function knownNetPerHour(offer: Pick<Offer, 'verifiedDays' | 'netPerDay'> | null | undefined): bigint | null {
  return offer && offer.verifiedDays > 0 ? netPerHourDown(offer.netPerDay) : null;
}

const BOUNDS: readonly string[] = [
  'nothing',
  'too few verified days with a net income',
  'its income',
  'its bond, and the fees that its income paid',
  'what the market has idle',
  'the first loss of the market, which would be too thin',
  'the state of the machine',
  'borrowing is paused in this market',
  'the least amount of a loan here',
];

/** What keeps an offer from being larger. */
export function boundWords(bound: number): string {
  return BOUNDS[bound] ?? `limit ${bound}`;
}

/** Days with a net income that are missing until anything can be borrowed. */
export function missingDays(offer: Pick<Offer, 'verifiedDays' | 'neededDays'>): number {
  return Math.max(0, offer.neededDays - offer.verifiedDays);
}

/** How often: `a day`, `every 30 d`. */
export function perPeriod(ms: number): string {
  const whole: Record<number, string> = { 60_000: 'a minute', 3_600_000: 'an hour', 86_400_000: 'a day' };
  return whole[ms] ?? `every ${lasting(ms)}`;
}

const days = (count: number) => (count === 1 ? '1 day' : `${count} days`);

/** After how many days at today's use something else can be borrowed, and how many of them are missing. */
export function laterWords(offer: Pick<Offer, 'verifiedDays' | 'neededDays'>): {
  readonly name: string;
  readonly missing: string | null;
} {
  const missing = missingDays(offer);
  return {
    name:
      offer.neededDays === 1
        ? 'After a verified day at this use'
        : `After ${offer.neededDays} verified days at this use`,
    missing: missing === 0 ? null : `${days(missing)} to go`,
  };
}

export interface MarketSums {
  readonly idle: bigint;
  readonly lent: bigint;
  readonly lenders: bigint;
  readonly firstLoss: bigint;
  readonly uncovered: bigint;
  readonly largest: bigint;
}

/** A part of a whole, in hundredths of a percent, cut; nothing of nothing is nothing. */
export function partBps(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Number(mulDivDown(part, WHOLE_BPS, whole));
}

/**
 * What a year brings each tranche at today's use, in hundredths of a percent, cut: the interest of what is lent, of which the
 * first loss has its cut, over what the tranche owns.
 */
export function tranchesBps(
  market: MarketSums,
  params: { readonly rateBps: number; readonly firstLossCutBps: number },
): { lenders: number; firstLoss: number } {
  const interest = market.lent * BigInt(params.rateBps);
  const cut = mulDivDown(interest, BigInt(params.firstLossCutBps), WHOLE_BPS);
  const per = (part: bigint, owned: bigint) => (owned === 0n ? 0 : Number(part / owned));
  return { lenders: per(interest - cut, market.lenders), firstLoss: per(cut, market.firstLoss) };
}

/** How far bonds, and behind them the first loss, stand for what is lent, in hundredths of a percent. */
export function coverage(market: MarketSums): { bonds: number; firstLoss: number } {
  return {
    bonds: partBps(market.lent - market.uncovered, market.lent),
    firstLoss: partBps(market.firstLoss, market.lent),
  };
}

const CASE_REASONS: readonly string[] = [
  'nothing',
  'an instalment stayed unpaid for too long',
  'the machine went dark',
  'the machine was barred',
  'the machine leaves',
];

export function caseReason(reason: number): string {
  return CASE_REASONS[reason] ?? `reason ${reason}`;
}

/** How often which reason opened a case: `2 cases: 1 since the machine went dark, 1 since ...`. */
export function reasonCounts(all: readonly Pick<Case, 'reason'>[]): string {
  const counts = new Map<number, number>();
  for (const { reason } of all) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, times]) => `${times} since ${caseReason(reason)}`);
  return `${all.length} ${all.length === 1 ? 'case' : 'cases'}: ${parts.join(', ')}.`;
}

const STAGES: readonly { readonly tone: Tone; readonly words: string }[] = [
  { tone: 'plain', words: 'none' },
  { tone: 'warn', words: 'its stream is redirected' },
  { tone: 'bad', words: 'its title is at auction' },
  { tone: 'bad', words: 'nobody bought its title' },
  { tone: 'good', words: 'cured' },
  { tone: 'plain', words: 'its title was sold' },
];

export function stageWords(stage: number): { readonly tone: Tone; readonly words: string } {
  return STAGES[stage] ?? { tone: 'plain', words: `stage ${stage}` };
}

const AUCTION = 2;
const UNSOLD = 3;
const CURED = 4;
const SOLD = 5;

/** A case as it went, and as it will go: the order is fixed, and each bears only when those before are spent. */
export function caseSteps(
  one: Case,
  tell: { readonly amount: (units: bigint) => string; readonly moment: (ms: bigint) => string },
): Step[] {
  const { amount, moment } = tell;
  const isOver = one.stage === CURED || one.stage === SOLD;
  const wasSold = one.stage >= AUCTION && one.stage !== CURED;
  const hasFallen = one.stage === UNSOLD || one.stage === SOLD;
  const bore = (from: bigint, words: string, title: string): Step =>
    hasFallen
      ? from > 0n
        ? { title, amount: amount(from), words, tone: 'bad' }
        : { title, words: 'Nothing had to be taken.', tone: 'plain' }
      : { title, words, isDone: false };
  const steps: Step[] = [
    {
      title: 'Opened',
      amount: amount(one.owed),
      words: `${moment(one.openedMs)}: ${caseReason(one.reason)}. So much was owed then, interest included.`,
      tone: 'warn',
    },
    {
      title: 'The whole stream pays the debt',
      amount: one.fromIncome + one.fromRepayment > 0n ? amount(one.fromIncome + one.fromRepayment) : undefined,
      words:
        one.fromRepayment > 0n
          ? `${amount(one.fromIncome)} of it from income, ${amount(one.fromRepayment)} paid by somebody.`
          : one.stage === 1
            ? `Until ${moment(one.untilMs)} it is cured if the reason is gone.`
            : 'Ahead of schedule too; nothing of it went to the holder.',
      tone: 'accent',
    },
  ];
  if (one.stage === CURED) {
    steps.push({
      title: 'Cured',
      words: `${moment(one.closedMs)}: what was wrong is right again. The title was not touched.`,
      tone: 'good',
    });
    return steps;
  }
  steps.push(
    wasSold
      ? {
          title:
            one.stage === AUCTION
              ? 'The title is at auction'
              : one.stage === SOLD
                ? 'The title was sold'
                : 'Nobody bought the title',
          amount: one.fromTitle > 0n ? amount(one.fromTitle) : undefined,
          words:
            one.stage === AUCTION
              ? `Its price falls evenly until ${moment(one.untilMs)}. Only paying all that is owed still cures.`
              : one.stage === SOLD
                ? `To ${one.buyer}, with the income from then on. ${amount(one.toHolder)} of the price went to the former holder.`
                : 'It stays for sale at the floor; what it brings goes to those who lost, lenders first.',
          tone: one.stage === SOLD ? 'good' : 'bad',
        }
      : { title: 'The title goes to auction', words: 'If the reason is not gone by then.', isDone: false },
    bore(
      one.fromBond,
      'It stays short: the machine is barred until somebody fills it up.',
      'The bond pays what is still owed',
    ),
    bore(
      one.fromFirstLoss,
      'Principal that nothing else paid; interest on it is forgone.',
      'The first loss bears what is left',
    ),
    bore(one.fromLenders, 'Only where the first loss was spent.', 'Lenders bear the rest'),
  );
  if (one.recovered > 0n) {
    steps.push({
      title: 'Came back later',
      amount: amount(one.recovered),
      words: 'From the title, or from what the machine earned while nobody had bought it.',
      tone: 'good',
    });
  }
  if (isOver) steps.push({ title: 'Closed', words: moment(one.closedMs), tone: 'plain' });
  return steps;
}
