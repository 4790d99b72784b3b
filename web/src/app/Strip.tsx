/** What everybody on every page has to know: the node is gone, the wallet is elsewhere, prices are old. */
import { useEffect, useState } from 'react';
import { useChainId, useSwitchChain } from 'wagmi';
import { useLinkState } from '../node/node.tsx';
import { useMarkets } from '../node/queries.ts';
import type { Market } from '../node/shapes.ts';
import { wholeSeconds } from '../units/time.ts';
import { Button, Notice } from '../ui/index.ts';
import { useWallet } from '../wallet/wallet.tsx';

export function Strip() {
  return (
    <>
      <NodeGoneNotice />
      <WrongNetwork />
      <StalePrices />
    </>
  );
}

function NodeGoneNotice() {
  const state = useLinkState();
  return state === 'gone' ? <Gone /> : null;
}

function Gone() {
  const [sinceMs] = useState(() => Date.now());
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setSeconds(Math.floor((Date.now() - sinceMs) / 1_000)), 1_000);
    return () => clearInterval(timer);
  }, [sinceMs]);
  return (
    <Notice tone="bad" title="The node is gone">
      It has not answered for {seconds} s. What you see is what it said last; nothing can be signed. The page looks for
      it and goes on by itself.
    </Notice>
  );
}

function WrongNetwork() {
  const wallet = useWallet();
  const chainId = useChainId();
  const { mutate: switchChain, isPending } = useSwitchChain();
  if (wallet?.chainId === undefined || wallet.chainId === chainId) return null;
  return (
    <Notice tone="warn" title="Your wallet is on another network">
      <span className="row">
        It is on chain {wallet.chainId}, this node on chain {chainId}. Nothing is signed until they agree.
        <Button slim disabled={isPending} onClick={() => switchChain({ chainId })}>
          Switch the wallet
        </Button>
      </span>
    </Notice>
  );
}

/** Each reason once, with the assets that it is about. */
function whyNot(unusable: readonly Market[]): string {
  const assets = new Map<string, string[]>();
  for (const { symbol, price } of unusable) {
    const why = wholeSeconds(price?.why ?? 'nobody says why');
    assets.set(why, [...(assets.get(why) ?? []), symbol]);
  }
  return [...assets].map(([why, symbols]) => `${symbols.join(', ')}: ${why}.`).join(' ');
}

function StalePrices() {
  const markets = useMarkets();
  const unusable = (markets.data ?? []).filter((market) => market.price !== null && !market.price.usable);
  if (unusable.length === 0) return null;
  return (
    <Notice tone="warn" title={`No usable price: ${unusable.map((market) => market.symbol).join(', ')}`}>
      {whyNot(unusable)} Until it is back, nobody can borrow against it and nobody is liquidated for it; repaying and
      adding collateral work as always.
    </Notice>
  );
}
