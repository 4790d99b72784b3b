/** What is signed about the income of a machine: each call told in words, with the command that does the same where there is one. */
import { encodeFunctionData } from 'viem';
import type { CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { incomeAbi } from '../../generated/income.ts';
import { machineShareAbi } from '../../generated/machineShare.ts';
import { castCommand, command, named } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { exactOf, told, type Counted } from '../../units/quantity.ts';

/** Calls of others that must come first, as an approval. */
type First = NonNullable<CallProposal['first']> | null;

const to = addresses.income;

/** `words`: what `capstan income` calls it; without, `cast` sends the same bytes. */
function signed(target: Hex, data: Hex, words?: string): Pick<CallProposal, 'call' | 'command'> {
  return {
    call: { to: target, data, valueWei: 0n },
    command: words === undefined ? castCommand(`send ${target} ${data}`) : command(`income ${words}`),
  };
}

export function openCall(id: number, asset: Counted): CallProposal {
  const args = [BigInt(id), asset.assetId] as const;
  return {
    title: `Open the book of machine ${id}`,
    lines: [`Its income is paid in ${asset.symbol}, into a stream that only the contract owns`],
    ...signed(to, encodeFunctionData({ abi: incomeAbi, functionName: 'open', args })),
  };
}

export function collectCall(id: number): CallProposal {
  return {
    title: `Share out what machine ${id} earned`,
    lines: ['What others paid into its stream goes to its debt, and the rest to the holder of its title'],
    ...signed(to, encodeFunctionData({ abi: incomeAbi, functionName: 'collect', args: [BigInt(id)] })),
  };
}

export function powerCall(id: number, asset: Counted, kwhPrice: bigint, watts: number): CallProposal {
  const args = [BigInt(id), kwhPrice, watts] as const;
  return {
    title: `State the power of machine ${id}`,
    lines: [`${exactOf(asset, kwhPrice)} ${asset.symbol} a kWh, ${watts} W`],
    ...signed(to, encodeFunctionData({ abi: incomeAbi, functionName: 'statePower', args })),
  };
}

export function borrowCall(id: number, asset: Counted, amount: bigint): CallProposal {
  return {
    title: `Borrow ${told(asset, amount)} against machine ${id}`,
    lines: [
      `Receive ${exactOf(asset, amount)} ${asset.symbol} in the wallet`,
      'Its income pays the instalments first; its title is security until all is paid',
    ],
    notes: ['Neither the wallet nor another machine answers for it.'],
    ...signed(
      to,
      encodeFunctionData({ abi: incomeAbi, functionName: 'borrow', args: [BigInt(id), amount] }),
      `borrow ${id} ${exactOf(asset, amount)}`,
    ),
  };
}

export function repayCall(id: number, asset: Counted, amount: bigint, first: First): CallProposal {
  return {
    title: `Repay ${told(asset, amount)} of machine ${id}`,
    lines: [`Pay at most ${exactOf(asset, amount)} ${asset.symbol}; no more than is owed is taken`],
    first,
    ...signed(
      to,
      encodeFunctionData({ abi: incomeAbi, functionName: 'repay', args: [BigInt(id), amount] }),
      `repay ${id} ${exactOf(asset, amount)}`,
    ),
  };
}

export function advanceCall(machineId: bigint): CallProposal {
  return {
    title: `Take the next step with machine ${machineId}`,
    lines: ['Whatever is due: the cure, the auction, or what nobody bought'],
    ...signed(to, encodeFunctionData({ abi: incomeAbi, functionName: 'advance', args: [machineId] })),
  };
}

export function bidCall(machineId: bigint, asset: Counted, price: bigint, first: First): CallProposal {
  return {
    title: `Buy the title of machine ${machineId}`,
    lines: [
      `Pay at most ${exactOf(asset, price)} ${asset.symbol}: the price falls`,
      'Get its title, free, and its income from now on',
    ],
    first,
    ...signed(
      to,
      encodeFunctionData({ abi: incomeAbi, functionName: 'bid', args: [machineId, price] }),
      `bid ${machineId} --most ${exactOf(asset, price)}`,
    ),
  };
}

/** The two tranches of a market, as the command line names them. */
export type TrancheKind = 'lenders' | 'first-loss';

export interface TrancheOf {
  readonly kind: TrancheKind;
  readonly share: Hex;
  /** What they bear: `lose last, ...`. */
  readonly words: string;
}

export const trancheName = (kind: TrancheKind): string => (kind === 'lenders' ? 'lenders' : 'first loss');

function trancheWords(verb: string, asset: Counted, amount: bigint, kind: TrancheKind): string {
  const words = `${verb} ${exactOf(asset, amount)} ${named(asset.symbol, asset.assetId)}`;
  return kind === 'lenders' ? words : `${words} --tranche ${kind}`;
}

export function supplyCall(of: TrancheOf, asset: Counted, amount: bigint, owner: Hex, first: First): CallProposal {
  const name = trancheName(of.kind);
  return {
    title: `Supply ${told(asset, amount)} to the ${name}`,
    lines: [
      `Pay ${exactOf(asset, amount)} ${asset.symbol}, receive shares of the ${name} of this market`,
      `They ${of.words}`,
    ],
    notes: ['What is lent is not there to leave until machines pay it back.'],
    first,
    ...signed(
      of.share,
      encodeFunctionData({ abi: machineShareAbi, functionName: 'deposit', args: [amount, owner] }),
      trancheWords('supply', asset, amount, of.kind),
    ),
  };
}

export function withdrawCall(of: TrancheOf, asset: Counted, amount: bigint, owner: Hex): CallProposal {
  return {
    title: `Withdraw ${told(asset, amount)} from the ${trancheName(of.kind)}`,
    lines: [`Give up shares, receive ${exactOf(asset, amount)} ${asset.symbol} in the wallet`],
    ...signed(
      of.share,
      encodeFunctionData({ abi: machineShareAbi, functionName: 'withdraw', args: [amount, owner, owner] }),
      trancheWords('withdraw', asset, amount, of.kind),
    ),
  };
}
