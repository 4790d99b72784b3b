/** Play money for an account of a development chain: the same for everybody, from whichever unlocked account has most of it. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { encodeFunctionData, erc20Abi } from 'viem';
import { hex, list, type Hex } from '../node/decode.ts';
import { publicClient } from '../node/client.ts';
import { useNode } from '../node/node.tsx';
import type { Rpc } from '../node/rpc.ts';
import type { Market } from '../node/shapes.ts';
import { share, type Share } from './share.ts';

export function useFund() {
  const { rpc } = useNode();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (to: Hex) => fund(rpc, to),
    onSuccess: () => queries.invalidateQueries(),
  });
}

const IN_TURN = (one: bigint, other: bigint) => (one < other ? 1 : -1);

async function balanceOf(rpc: Rpc, market: Market, owner: Hex): Promise<bigint> {
  if (market.kind === 'coin') return BigInt(await rpc.read(hex, 'eth_getBalance', [owner, 'latest']));
  const contract = { address: market.token, abi: erc20Abi } as const;
  return publicClient(rpc.link).readContract({ ...contract, functionName: 'balanceOf', args: [owner] });
}

/** What the visitor has of an asset, how much there is, and who has most to give. */
async function look(rpc: Rpc, market: Market, to: Hex, unlocked: readonly Hex[]) {
  const [has, supply, purses] = await Promise.all([
    balanceOf(rpc, market, to),
    market.kind === 'coin'
      ? null
      : publicClient(rpc.link).readContract({ address: market.token, abi: erc20Abi, functionName: 'totalSupply' }),
    Promise.all(unlocked.map(async (from) => ({ from, amount: await balanceOf(rpc, market, from) }))),
  ]);
  return { market, has, supply, richest: purses.sort((a, b) => IN_TURN(a.amount, b.amount))[0] };
}

async function fund(rpc: Rpc, to: Hex): Promise<string> {
  const [unlocked, markets, account] = await Promise.all([
    rpc.read(list(hex), 'eth_accounts'),
    rpc.markets(),
    rpc.account({ owner: to, index: 0 }),
  ]);
  if (unlocked.length === 0) throw new Error('this chain has no unlocked accounts: it is no development chain');
  const shares: Share[] = [];
  const sent: Promise<Hex>[] = [];
  const known = await Promise.all(markets.map((market) => look(rpc, market, to, unlocked)));
  for (const { market, has, supply, richest } of known) {
    const row = account.holdings.find((held) => held.assetId === market.assetId);
    const held = row ? row.units.amount + row.supplied.amount : 0n;
    const given = share(market, supply, has + held, richest?.amount ?? 0n);
    shares.push(given);
    if (given.amount === 0n || !richest) continue;
    const amount = `0x${given.amount.toString(16)}`;
    const transaction =
      market.kind === 'coin'
        ? { to, value: amount }
        : {
            to: market.token,
            data: encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [to, given.amount] }),
          };
    sent.push(rpc.read(hex, 'eth_sendTransaction', [{ from: richest.from, ...transaction }]));
  }
  for (const hash of await Promise.all(sent)) {
    const receipt = await publicClient(rpc.link).waitForTransactionReceipt({ hash, timeout: 20_000 });
    if (receipt.status !== 'success') throw new Error(`transaction ${hash} failed`);
  }
  const dry = shares.filter((one) => one.isDry).map((one) => one.symbol);
  const words = shares.filter((one) => one.amount > 0n).map((one) => one.words);
  if (words.length === 0) {
    throw new Error(
      dry.length > 0
        ? `the play money of this chain is used up: nobody has enough ${dry.join(', ')} left to give`
        : 'it has its share of everything already; each address gets the same once',
    );
  }
  return `${words.join(', ')}${dry.length > 0 ? `. Used up on this chain: ${dry.join(', ')}` : ''}`;
}
