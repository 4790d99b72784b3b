/** Play money for an account, from an unlocked account of a development chain. */
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { encodeFunctionData, erc20Abi } from 'viem';
import { hex, list, type Hex } from '../node/decode.ts';
import { publicClient, useNode } from '../node/node.tsx';
import type { Rpc } from '../node/rpc.ts';

const COINS_WEI = 100n * 10n ** 18n;
/** Of each token about so many dollars. */
const TOKEN_WORTH_USD_WAD = 50_000n * 10n ** 18n;

export function useFund() {
  const { rpc } = useNode();
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (to: Hex) => fund(rpc, to),
    onSuccess: () => queries.invalidateQueries(),
  });
}

async function fund(rpc: Rpc, to: Hex): Promise<string> {
  const unlocked = await rpc.read(list(hex), 'eth_accounts');
  const from = unlocked[0];
  if (!from) throw new Error('this chain has no unlocked accounts: it is no development chain');
  const send = (transaction: object) => rpc.read(hex, 'eth_sendTransaction', [{ from, ...transaction }]);
  const sent: Promise<Hex>[] = [];
  const words = [`${COINS_WEI / 10n ** 18n} ETH`];
  sent.push(send({ to, value: `0x${COINS_WEI.toString(16)}` }));
  for (const market of await rpc.markets()) {
    if (market.kind === 'coin' || !market.price || market.price.spot.amount === 0n) continue;
    const wanted = (TOKEN_WORTH_USD_WAD * 10n ** BigInt(market.decimals)) / market.price.spot.amount;
    const has = await publicClient(rpc.link).readContract({
      address: market.token,
      abi: erc20Abi,
      functionName: 'balanceOf',
      args: [from],
    });
    const amount = wanted < has / 4n ? wanted : has / 4n;
    if (amount === 0n) continue;
    const data = encodeFunctionData({ abi: erc20Abi, functionName: 'transfer', args: [to, amount] });
    sent.push(send({ to: market.token, data }));
    words.push(market.symbol);
  }
  for (const hash of await Promise.all(sent)) {
    const receipt = await publicClient(rpc.link).waitForTransactionReceipt({ hash, timeout: 20_000 });
    if (receipt.status !== 'success') throw new Error(`transaction ${hash} failed`);
  }
  return words.join(', ');
}
