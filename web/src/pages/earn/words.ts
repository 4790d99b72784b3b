/** How rates and fees are told. */
import { parseDecimal, problemInWords } from '../../units/decimal.ts';
import { lasting } from '../../units/time.ts';
import { shown, shownPercent } from '../../units/quantity.ts';
import type { Farm, Product, Reward } from './shapes.ts';

/** Millionths as a percentage. */
export function feeWords(pips: number): string {
  const whole = Math.floor(pips / 10_000);
  const part = (pips % 10_000).toString().padStart(4, '0').replace(/0+$/, '');
  return `${whole}${part === '' ? '' : `.${part}`} %`;
}

/** What a farm pays now, or why nobody can say. */
export function rateWords(farm: Farm): string {
  if (farm.rewards.every((reward) => reward.left.amount === 0n)) return 'nothing flows now';
  if (farm.ratePerYear !== null) return `${shownPercent(farm.ratePerYear)} a year`;
  return farm.staked.amount === 0n ? 'nobody stakes yet' : 'a price is missing';
}

/** `12.5 ETH a year, 40 d more`. */
export function rewardWords(reward: Reward): string {
  if (reward.left.amount === 0n) return `no more ${reward.symbol}`;
  return `${shown(reward.perYear, 2)} ${reward.symbol} a year, ${lasting(reward.leftMs)} more`;
}

/** `3× long ETH against USDC`. */
export function productWords(product: Product): string {
  const target = shown(product.target, 2);
  switch (product.kind) {
    case 'long':
      return `${target}× long ${product.collateral.symbol} against ${product.debt.symbol}`;
    case 'short':
      return `${target}× short ${product.debt.symbol} against ${product.collateral.symbol}`;
    default:
      return `${product.collateral.symbol} lent and ${product.debt.symbol} borrowed, at health ${target}`;
  }
}

export function lacksWords(coins: readonly { readonly symbol: string }[]): string {
  return `There is too little ${coins.map((coin) => coin.symbol).join(' and ')}`;
}

/** A whole number between two others, or what is wrong with it. */
export function wholeNumber(text: string, least: number, most: number): number | string {
  const read = parseDecimal(text.trim(), 0);
  if (!read.ok) return problemInWords(read.problem);
  if (read.amount < BigInt(least) || read.amount > BigInt(most)) return `between ${least} and ${most}`;
  return Number(read.amount);
}
