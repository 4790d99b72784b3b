/** A quote of the node as a way for a batch, checked to be what was asked: another one would be signed for otherwise. */
import { decodeFunctionData } from 'viem';
import { addresses } from '../generated/addresses.ts';
import { exchangeAbi } from '../generated/exchange.ts';
import type { Rpc, SwapAsked } from '../node/rpc.ts';
import type { Quote } from '../node/shapes.ts';
import type { Way } from './batch.ts';

export class WrongQuote extends Error {
  override name = 'WrongQuote';
  constructor() {
    super("the node's way is not what was asked of it: nothing is signed");
  }
}

export function wayOf(quote: Quote, asked: SwapAsked): Way {
  if (quote.calldata === null) throw new WrongQuote();
  const call = decodeFunctionData({ abi: exchangeAbi, data: quote.calldata });
  if (call.functionName !== 'swap') throw new WrongQuote();
  const [legs, bounds, to, deadlineMs] = call.args;
  const given = asked.exactOut ? bounds.receivedMin : bounds.paidMax;
  const isMeant =
    quote.target.toLowerCase() === addresses.exchange.toLowerCase() &&
    to.toLowerCase() === asked.receiver.toLowerCase() &&
    bounds.assetIn === asked.from &&
    bounds.assetOut === asked.to &&
    given === asked.amount &&
    bounds.paidMax === quote.paidMax.amount &&
    bounds.receivedMin === quote.receivedMin.amount;
  if (!isMeant) throw new WrongQuote();
  return { legs, bounds, deadlineMs };
}

export async function askWay(rpc: Rpc, asked: SwapAsked): Promise<{ quote: Quote; way: Way }> {
  const quote = await rpc.quote(asked);
  return { quote, way: wayOf(quote, asked) };
}
