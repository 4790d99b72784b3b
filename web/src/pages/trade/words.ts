/** How a way through the pools is told. */
import type { Path, Way } from './shapes.ts';

/** Millionths as a percentage. */
export function pipsWords(pips: number): string {
  const hundredths = Math.ceil(pips / 100);
  if (pips > 0 && hundredths === 0) return 'under 0.01 %';
  const part = hundredths % 100;
  return part === 0
    ? `${Math.floor(hundredths / 100)} %`
    : `${Math.floor(hundredths / 100)}.${part.toString().padStart(2, '0')} %`;
}

export interface RouteLine {
  readonly part: string;
  readonly words: string;
}

/** One line for each path: `60 %  ETH → USDC (pool 1) → WBTC (pool 4)`. */
export function routeLines(way: Pick<Way, 'paths'>, symbol: (assetId: number) => string): RouteLine[] {
  return way.paths.map((path) => ({ part: `${path.partBps / 100} %`, words: pathWords(path, symbol) }));
}

function pathWords(path: Path, symbol: (assetId: number) => string): string {
  const first = path.hops[0];
  if (first === undefined) return '';
  const hops = path.hops.map((hop) => `${symbol(hop.assetOut)} by pool ${hop.poolId} (${pipsWords(hop.feePips)})`);
  return [symbol(first.assetIn), ...hops].join(' → ');
}

export type Loudness = 'plain' | 'warn' | 'bad';

/** How loudly a price impact is said. */
export function impactLoudness(bps: number): Loudness {
  if (bps >= 500) return 'bad';
  return bps >= 100 ? 'warn' : 'plain';
}
