/** One account: what stands on it, how far it is from liquidation, and everything that can be done with it. */
import { useParams } from 'react-router';
import { isAddress } from 'viem';
import { command, indexed } from '../../node/commands.ts';
import { useAccount, useMarkets } from '../../node/queries.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { AccountState, Market } from '../../node/shapes.ts';
import { drawn } from '../../units/drawn.ts';
import { shownBps, shownHealth, shownUsd, shownUsdFine } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Address, Answer, Card, Empty, Gauge, Notice, Num, Page, Stat, Stats } from '../../ui/index.ts';
import { UseBurner } from '../../wallet/UseBurner.tsx';
import { useMine, WhichAccount } from '../../wallet/chosen.tsx';
import { Actions } from './Actions.tsx';
import { History } from './History.tsx';
import { Limits } from './Limits.tsx';
import { Pieces, Positions } from './Positions.tsx';
import { WhatIfCard } from './WhatIfCard.tsx';

export default function Account() {
  const params = useParams();
  const mine = useMine();
  const asked = params.owner;
  if (asked !== undefined && !isAddress(asked)) {
    return (
      <Page title="Account">
        <Empty>
          <code>{asked.slice(0, 60)}</code> is no address: one has 0x and 40 digits.
        </Empty>
      </Page>
    );
  }
  const askedIndex = Number(params.index ?? 0);
  const owner = asked ?? mine?.owner;
  if (!owner) {
    return (
      <Page title="Account" lead="Everything that you own and owe stands on one balance sheet, with one health factor.">
        <Card>
          <Empty action={<UseBurner />}>
            Connect a wallet with the button above, or use a burner account of this browser, to see your balance sheet.
          </Empty>
        </Card>
      </Page>
    );
  }
  const index =
    asked === undefined ? (mine?.index ?? 0) : Number.isInteger(askedIndex) && askedIndex < 256 ? askedIndex : 0;
  const of: AccountName = { owner, index };
  const isMine = mine?.owner.toLowerCase() === owner.toLowerCase();
  return (
    <Page
      title={isMine ? 'My account' : 'Account'}
      lead={
        <>
          <Address of={owner} />
          {isMine ? '' : ': somebody else’s, to look at'}
        </>
      }
      aside={asked === undefined ? <WhichAccount /> : null}
    >
      <Body key={`${owner}-${index}`} of={of} isMine={isMine} />
    </Page>
  );
}

function Body({ of, isMine }: { of: AccountName; isMine: boolean }) {
  const account = useAccount(of);
  const markets = useMarkets();
  return (
    <Answer of={account} lines={8}>
      {(state) => (
        <Answer of={markets}>{(list) => <Sheet of={of} state={state} markets={list} isMine={isMine} />}</Answer>
      )}
    </Answer>
  );
}

function Sheet({
  of,
  state,
  markets,
  isMine,
}: {
  of: AccountName;
  state: AccountState;
  markets: readonly Market[];
  isMine: boolean;
}) {
  const owes = state.report !== null && state.report.debt.amount > 0n;
  return (
    <>
      {state.offer ? (
        <Notice tone="bad" title="Under liquidation">
          Collateral of this account is on offer to whoever pays its debt; the discount grows until{' '}
          {moment(state.offer.fullMs)}. Repay, or add collateral, and it ends.
        </Notice>
      ) : null}
      {state.day?.coolingOff === true ? (
        <Notice tone="warn" title="Cooling off">
          This day lost {shownUsd(state.day.lost)}, more than you allow yourself. No new risk until{' '}
          {moment(state.day.endsMs)}; repaying and adding collateral work.
        </Notice>
      ) : null}
      <div className="columns side">
        <Standing of={of} state={state} />
        {isMine ? <Actions of={of} state={state} markets={markets} /> : null}
      </div>
      <Positions of={of} state={state} markets={markets} />
      <Pieces of={of} pieces={state.pieces ?? []} />
      {owes ? <WhatIfCard of={of} state={state} markets={markets} /> : null}
      <div className="columns side">
        <History of={of} />
        <Limits of={of} state={state} isMine={isMine} />
      </div>
    </>
  );
}

function Standing({ of, state }: { of: AccountName; state: AccountState }) {
  const show = command(indexed(of.index, `account show ${of.owner}`));
  const { report, error } = state;
  if (!report) {
    return (
      <Card title="Health" command={show}>
        <Notice tone="warn" title="Its health cannot be told now">
          {error ? `${error.message} ${error.help}` : ''}
        </Notice>
      </Card>
    );
  }
  return (
    <Card title="Health" command={show}>
      <div className="standing">
        <Gauge
          drawnHealth={report.healthMaintenance ? drawn(report.healthMaintenance) : null}
          text={shownHealth(report.healthMaintenance)}
          words={
            report.healthMaintenance
              ? `Liquidated below 1: all collateral may fall by ${shownBps(report.roomToFallBps)}`
              : 'Nothing is owed, so nothing can be liquidated'
          }
        />
        <Stats>
          <Stat name="Collateral">
            <Num copy={show}>{shownUsd(report.collateral)}</Num>
          </Stat>
          <Stat name="Debt">
            <Num copy={show}>{shownUsd(report.debt)}</Num>
          </Stat>
          <Stat name="Borrow limit">
            <Num copy={show}>{shownUsd(report.borrowable)}</Num>
          </Stat>
          <Stat name="Costs a day">
            <Num copy={show}>{shownUsdFine(report.costPerDay)}</Num>
          </Stat>
          <Stat name="Health to borrow" note="at the stricter factors and prices">
            <Num copy={show}>{shownHealth(report.healthInitial)}</Num>
          </Stat>
        </Stats>
      </div>
    </Card>
  );
}
