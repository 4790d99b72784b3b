/** The network's side: what a customer has free and bound, his spending keys, his claims, and what work costs. */
import { useState } from 'react';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { command } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { useMarkets } from '../../node/queries.ts';
import type { Market } from '../../node/shapes.ts';
import { told, type Counted } from '../../units/quantity.ts';
import { Answer, Button, Card, Empty, Num, Stat, Stats } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { Claims, Holds } from './Claims.tsx';
import { KeyDialog, MoveDialog } from './networkForms.tsx';
import { Prices } from './Prices.tsx';
import { useCustomer, useRoom, type Customer, type Room } from './queries.ts';
import { SpendingKeys } from './SpendingKeys.tsx';

export function Network() {
  const room = useRoom();
  const markets = useMarkets();
  return (
    <Answer of={room} lines={6}>
      {(open) => {
        if (open === null) {
          return (
            <Card title="No work is sold here yet">
              <Empty>
                The owner of this chain has not opened the room of jobs: no price, no escrow, no claims. One’s own
                gateway works without it.
              </Empty>
            </Card>
          );
        }
        const market = markets.data?.find((one) => one.assetId === open.params.assetId) ?? null;
        const asset = market ?? { assetId: open.params.assetId, symbol: `asset ${open.params.assetId}`, decimals: 18 };
        return (
          <div className="stack ai">
            <Mine asset={asset} market={market} room={open} />
            <Prices asset={asset} room={open} />
          </div>
        );
      }}
    </Answer>
  );
}

function Mine({ asset, market, room }: { asset: Counted; market: Market | null; room: Room }) {
  const wallet = useWallet();
  const customer = useCustomer(wallet?.address ?? null);
  if (wallet === null) {
    return (
      <Card title="What you have there">
        <Empty>Connect a wallet: a customer is an address, and his spending keys are others.</Empty>
      </Card>
    );
  }
  return (
    <Answer of={customer} lines={5}>
      {(mine) => <Known who={wallet.address} mine={mine} asset={asset} market={market} room={room} />}
    </Answer>
  );
}

type Doing = 'deposit' | 'withdraw' | 'key' | null;

function Known({
  who,
  mine,
  asset,
  market,
  room,
}: {
  who: Hex;
  mine: Customer;
  asset: Counted;
  market: Market | null;
  room: Room;
}) {
  const [doing, setDoing] = useState<Doing>(null);
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const close = () => {
    setDoing(null);
    setProposal(null);
  };
  const copy = command(`jobs balance ${who}`);
  return (
    <>
      <Card title="What you have there" command={copy}>
        <Stats>
          <Stat name="Free" large note="yours at once, without a delay">
            <Num copy={copy}>{told(asset, mine.free)}</Num>
          </Stat>
          <Stat name="Bound to machines" note="comes back when a hold is over">
            <Num copy={copy}>{told(asset, mine.bound)}</Num>
          </Stat>
          <Stat name="In claims" note="until auditors have spoken">
            <Num copy={copy}>{told(asset, mine.claimed)}</Num>
          </Stat>
          <Stat name="Paid so far">
            <Num copy={copy}>{told(asset, mine.paid)}</Num>
          </Stat>
        </Stats>
        <div className="row">
          <Button look="primary" onClick={() => setDoing('deposit')}>
            Bring in…
          </Button>
          <Button disabled={mine.free === 0n} onClick={() => setDoing('withdraw')}>
            Take out…
          </Button>
        </div>
      </Card>
      <SpendingKeys who={who} mine={mine} asset={asset} onNew={() => setDoing('key')} onCall={setProposal} />
      <Holds mine={mine} asset={asset} />
      <Claims who={who} asset={asset} />
      {proposal === null && (doing === 'deposit' || doing === 'withdraw') ? (
        <MoveDialog
          who={who}
          isIn={doing === 'deposit'}
          free={mine.free}
          asset={asset}
          market={market}
          onClose={close}
          onCall={setProposal}
        />
      ) : null}
      {proposal === null && doing === 'key' ? (
        <KeyDialog asset={asset} endMs={Number(room.epochEndMs)} onClose={close} onCall={setProposal} />
      ) : null}
      {proposal === null ? null : <SignCall from={who} proposal={proposal} onClose={close} />}
    </>
  );
}
