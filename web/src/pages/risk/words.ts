/** How the risk page says what it shows. */
import { drawnShare } from '../../units/drawn.ts';
import { quantity, shownBps, type Usd } from '../../units/quantity.ts';
import { lasting, wholeSeconds } from '../../units/time.ts';
import type { Tone } from '../../ui/index.ts';
import type { Band, OracleState, Risk } from './shapes.ts';

/** `5 % to 10 %`, `75 % and more`. */
export function bandWords(band: Band): string {
  return band.toBps === null
    ? `${shownBps(band.fromBps)} and more`
    : `${shownBps(band.fromBps)} to ${shownBps(band.toBps)}`;
}

/** What is close is loud. */
export function bandTone(band: Band): Tone {
  if (band.fromBps < 500) return 'bad';
  return band.fromBps < 1_000 ? 'warn' : 'plain';
}

export interface DrawnBand {
  readonly words: string;
  readonly tone: Tone;
  readonly share: number;
  readonly band: Band;
}

/** Bands as bars: the longest fills its line. Those below health one come first, where there are any. */
export function drawnBands(risk: Risk): DrawnBand[] {
  const bands = risk.unhealthy.accountCount > 0 ? [risk.unhealthy, ...risk.distance] : risk.distance;
  const longest = bands.reduce((most, band) => (band.debt.amount > most ? band.debt.amount : most), 0n);
  return bands.map((band) => ({
    words: band === risk.unhealthy ? 'below health 1' : bandWords(band),
    tone: band === risk.unhealthy ? 'bad' : bandTone(band),
    share: drawnShare(band.debt.amount, longest),
    band,
  }));
}

/** Debt per collateral, in hundredths of a percent; nothing of nothing. */
export function loadBps(debt: Usd, collateral: Usd): number | null {
  if (collateral.amount === 0n) return null;
  return Number((debt.amount * 10_000n) / collateral.amount);
}

/** Debt that a fall of all collateral by so much would reach. */
export function debtWithin(risk: Risk, bps: number): Usd {
  const near = risk.distance.filter((band) => band.toBps !== null && band.toBps <= bps);
  const amount = near.reduce((sum, band) => sum + band.debt.amount, risk.unhealthy.debt.amount);
  return quantity(amount, risk.debt.decimals, 'usd');
}

/** How the oracle knows a price, in a few words. */
export function oracleWords(oracle: OracleState): { tone: Tone; words: string } {
  if (!oracle.usable) return { tone: 'bad', words: wholeSeconds(oracle.why ?? 'it may not be used now') };
  const age = oracle.ageMs ?? 0;
  const speaking = oracle.sources.filter(
    (source) => source.isCounted && source.ageMs !== null && source.ageMs <= oracle.staleMs,
  );
  if (speaking.length <= oracle.quorum) {
    const left = speaking.length === oracle.quorum ? 'none to spare' : 'too few';
    return {
      tone: 'warn',
      words: `${lasting(age)} old · ${sources(speaking.length)} of ${oracle.quorum} needed: ${left}`,
    };
  }
  return { tone: 'good', words: `${lasting(age)} old · ${sources(speaking.length)}` };
}

function sources(count: number): string {
  return count === 1 ? '1 source' : `${count} sources`;
}
