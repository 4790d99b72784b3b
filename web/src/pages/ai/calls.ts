/** What a customer of machines signs: each call told in words, with the command that does the same. */
import { encodeFunctionData } from 'viem';
import { approvalOf, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { jobsAbi } from '../../generated/jobs.ts';
import { command } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { exactOf, told, type Counted } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';

const to = addresses.jobs;
const DAY_MS = 86_400_000n;

function signed(data: Hex, words: string): Pick<CallProposal, 'call' | 'command'> {
  return { call: { to, data, valueWei: 0n }, command: command(`jobs ${words}`) };
}

/** `token`: of an asset that comes from outside, and has to be allowed first. */
export function depositCall(who: Hex, asset: Counted, amount: bigint, token: Hex | null): CallProposal {
  const exact = exactOf(asset, amount);
  return {
    title: `Bring ${told(asset, amount)} in`,
    lines: [`Pay ${exact} ${asset.symbol}; free they are promised to nobody`],
    first:
      token === null
        ? null
        : approvalOf(token, to, amount, `Allow it to take ${exact} ${asset.symbol} from the wallet`),
    ...signed(encodeFunctionData({ abi: jobsAbi, functionName: 'deposit', args: [who, amount] }), `deposit ${exact}`),
  };
}

export function takeOutCall(asset: Counted, amount: bigint): CallProposal {
  const exact = exactOf(asset, amount);
  return {
    title: `Take ${told(asset, amount)} out`,
    lines: [`Receive ${exact} ${asset.symbol} in the wallet, at once`],
    ...signed(encodeFunctionData({ abi: jobsAbi, functionName: 'withdraw', args: [amount] }), `withdraw ${exact}`),
  };
}

export interface KeyLimits {
  readonly total: bigint;
  readonly perDay: bigint;
  readonly days: number;
  readonly untilMs: number;
}

export function setKeyCall(key: Hex, asset: Counted, { total, perDay, days, untilMs }: KeyLimits): CallProposal {
  const limits = { total, perPeriod: perDay, periodMs: DAY_MS, untilMs: BigInt(untilMs) };
  const [all, each] = [exactOf(asset, total), exactOf(asset, perDay)];
  return {
    title: 'Set a spending key',
    lines: [`${key} may bind ${all} ${asset.symbol} in all, ${each} a day`, `Until ${moment(untilMs)}`],
    ...signed(
      encodeFunctionData({ abi: jobsAbi, functionName: 'setKey', args: [key, limits] }),
      `key add ${key} --total ${all} --each ${each} --lasts ${days}days`,
    ),
  };
}

export function revokeKeyCall(key: Hex): CallProposal {
  return {
    title: 'Revoke a spending key',
    lines: [`${key} binds nothing more from now on`, 'What it has bound comes back when its holds are over'],
    ...signed(encodeFunctionData({ abi: jobsAbi, functionName: 'revokeKey', args: [key] }), `key revoke ${key}`),
  };
}
