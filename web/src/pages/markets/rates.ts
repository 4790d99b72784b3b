/** The kinked rate curve for drawing, as `capstan_units::rate` has it; the present rates are the contract's, not these. */
import type { MarketParams } from '../../node/shapes.ts';

export interface CurvePoints {
  readonly used: number[];
  readonly borrow: number[];
  readonly supply: number[];
}

const STEPS = 100;

export function curve(params: MarketParams): CurvePoints {
  const used: number[] = [];
  const borrow: number[] = [];
  const supply: number[] = [];
  const optimal = params.optimalBps / 10_000;
  const keeps = 1 - params.reserveFactorBps / 10_000;
  for (let step = 0; step <= STEPS; step += 1) {
    const part = step / STEPS;
    const below = optimal === 0 ? 1 : Math.min(part / optimal, 1);
    const above = optimal >= 1 ? 0 : Math.max((part - optimal) / (1 - optimal), 0);
    const rate = (params.baseBps + params.slope1Bps * below + params.slope2Bps * above) / 100;
    used.push(part * 100);
    borrow.push(rate);
    supply.push(rate * part * keeps);
  }
  return { used, borrow, supply };
}
