/** What can be done with an account. Each form makes a batch, which is shown before it is signed. */
import { useState } from 'react';
import { useSearchParams } from 'react-router';
import { Act, type Proposal } from '../../act/Act.tsx';
import { useDollar, withDollar } from '../../act/dollar.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState, Market, Tradable } from '../../node/shapes.ts';
import { Card, Empty, Tabs } from '../../ui/index.ts';
import { Close } from './Close.tsx';
import { Lever } from './Lever.tsx';
import { Move } from './Move.tsx';
import { Refinance } from './Refinance.tsx';
import { Transfer } from './Transfer.tsx';

const TABS = [
  { id: 'supply', text: 'Supply' },
  { id: 'deposit', text: 'Deposit' },
  { id: 'withdraw', text: 'Withdraw' },
  { id: 'borrow', text: 'Borrow' },
  { id: 'mint', text: 'Mint usd' },
  { id: 'repay', text: 'Repay' },
  { id: 'lever', text: 'Lever up' },
  { id: 'refinance', text: 'Refinance' },
  { id: 'transfer', text: 'Transfer' },
  { id: 'close', text: 'Close' },
] as const;
type Tab = (typeof TABS)[number]['id'];

export interface FormProps {
  readonly of: AccountName;
  readonly state: AccountState;
  readonly markets: readonly Market[];
  /** Markets, and the chain's own dollar. */
  readonly assets: readonly Tradable[];
  readonly propose: (proposal: Proposal) => void;
}

export function Actions({ of, state, markets }: { of: AccountName; state: AccountState; markets: readonly Market[] }) {
  const [search] = useSearchParams();
  const [tab, setTab] = useState<Tab>('supply');
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [done, setDone] = useState(0);
  const dollar = useDollar();
  const assets = withDollar(markets, dollar.data);
  const asset = (id: number) => {
    const market = assets.find((item) => item.assetId === id);
    const held = state.holdings.find((item) => item.assetId === id);
    return { symbol: market?.symbol ?? held?.symbol ?? `#${id}`, decimals: market?.decimals ?? held?.decimals ?? 0 };
  };
  const forms: FormProps = { of, state, markets, assets, propose: setProposal };
  const first = Number(search.get('asset') ?? markets[0]?.assetId ?? 0);
  return (
    <Card title="Act">
      {markets.length === 0 ? (
        <Empty>No market is listed on this chain yet.</Empty>
      ) : (
        <Tabs label="What to do" tabs={TABS} chosen={tab} onChoose={setTab}>
          <div key={`${tab}-${done}`}>
            {tab === 'lever' ? (
              <Lever {...forms} />
            ) : tab === 'close' ? (
              <Close {...forms} />
            ) : tab === 'refinance' ? (
              <Refinance {...forms} />
            ) : tab === 'transfer' ? (
              <Transfer {...forms} />
            ) : (
              <Move
                {...forms}
                wish={tab}
                first={markets.some((market) => market.assetId === first) ? first : (markets[0]?.assetId ?? 0)}
              />
            )}
          </div>
        </Tabs>
      )}
      {proposal ? (
        <Act
          account={of}
          proposal={proposal}
          asset={asset}
          onClose={() => setProposal(null)}
          onDone={() => setDone(done + 1)}
        />
      ) : null}
    </Card>
  );
}
