/** What a machine can borrow today and later, what binds that, and what its holder does with it. */
import { useState } from 'react';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { command } from '../../node/commands.ts';
import { drawnShare } from '../../units/drawn.ts';
import { told } from '../../units/quantity.ts';
import { Answer, Bar, Button, Card, Empty, Num, Stat, Stats } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { BorrowDialog, OpenBook, PowerDialog, RepayDialog } from './Borrow.tsx';
import { dollarsOf, useAssets, type Asset } from './asset.ts';
import { collectCall } from './calls.ts';
import { CaseCard } from './Case.tsx';
import { IncomeCard } from './Income.tsx';
import { boundWords, laterWords, netPerHourDown } from './loans.ts';
import { OwesCard } from './Owes.tsx';
import { useEarnings, useFinance, useMachineLoans, type Finance } from './queries.ts';
import { SecurityCard } from './Security.tsx';
import type { Machine } from './shapes.ts';

export function FinanceCards({ machine }: { machine: Machine }) {
  const wallet = useWallet();
  const earnings = useEarnings([machine.machineId]);
  const known = earnings.data?.get(machine.machineId);
  const finance = useFinance(machine.machineId, known === undefined ? undefined : known.book !== null);
  const assets = useAssets();
  const isMine = wallet?.address.toLowerCase() === machine.holder.toLowerCase();
  return (
    <Answer of={finance} lines={6}>
      {(told) =>
        told === null ? (
          <Card title="Finance">
            <Empty action={isMine ? <OpenBook owner={wallet.address} machine={machine} /> : null}>
              It has not earned anything yet, so there is nothing to lend against. Its book opens with its first paid
              job, or when its holder opens it.
            </Empty>
          </Card>
        ) : (
          <Known
            machine={machine}
            finance={told}
            asset={assets(told.book.assetId)}
            mine={isMine ? wallet.address : null}
            anybody={wallet?.address ?? null}
          />
        )
      }
    </Answer>
  );
}

type Doing = 'borrow' | 'repay' | 'power' | null;

interface Props {
  readonly finance: Finance;
  readonly asset: Asset;
}

function Known({
  machine,
  finance,
  asset,
  mine,
  anybody,
}: Props & {
  machine: Machine;
  /** The wallet, where it holds this machine's title. */
  mine: `0x${string}` | null;
  anybody: `0x${string}` | null;
}) {
  const { book, offer } = finance;
  const id = machine.machineId;
  const loans = useMachineLoans(id, book.owed > 0n);
  const [doing, setDoing] = useState<Doing>(null);
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const close = () => setDoing(null);
  return (
    <>
      <Card title={mine === null ? 'What it can borrow' : 'What you can borrow'} command={command(`income show ${id}`)}>
        <CanBorrow id={id} finance={finance} asset={asset} isMine={mine !== null} />
        <Limits finance={finance} asset={asset} />
        <div className="row">
          {mine === null ? (
            <p className="small faint">Who holds its title borrows, and says what power costs.</p>
          ) : (
            <>
              <Button look="primary" disabled={offer.today === 0n} onClick={() => setDoing('borrow')}>
                Borrow…
              </Button>
              <Button onClick={() => setDoing('power')}>Say what power costs…</Button>
            </>
          )}
          {anybody !== null && book.owed > 0n ? <Button onClick={() => setDoing('repay')}>Repay…</Button> : null}
          {anybody === null ? null : (
            <Button look="bare" onClick={() => setProposal(collectCall(id))}>
              Share out what came in
            </Button>
          )}
        </div>
      </Card>
      {book.caseId > 0n ? <CaseCard id={book.caseId} title="Something is wrong with it" /> : null}
      <SecurityCard finance={finance} asset={asset} />
      {book.owed > 0n ? (
        <Answer of={loans}>{(all) => <OwesCard loans={all} finance={finance} asset={asset} />}</Answer>
      ) : null}
      <IncomeCard finance={finance} asset={asset} id={id} />
      {doing === 'borrow' && mine !== null ? (
        <BorrowDialog id={id} asset={asset} offer={offer} onClose={close} onCall={setProposal} />
      ) : null}
      {doing === 'repay' && anybody !== null ? (
        <RepayDialog id={id} asset={asset} owed={book.owed} owner={anybody} onClose={close} onCall={setProposal} />
      ) : null}
      {doing === 'power' && mine !== null ? (
        <PowerDialog id={id} asset={asset} book={book} onClose={close} onCall={setProposal} />
      ) : null}
      {proposal !== null && anybody !== null ? (
        <SignCall
          from={anybody}
          proposal={proposal}
          onClose={() => {
            setProposal(null);
            close();
          }}
        />
      ) : null}
    </>
  );
}

/** The sentence that a holder asks for: so much today, so much after so many days, net of power. */
function CanBorrow({ id, finance, asset, isMine }: Props & { id: number; isMine: boolean }) {
  const { offer } = finance;
  const copy = command(`income show ${id}`);
  const perHour = netPerHourDown(offer.netPerDay);
  const later = laterWords(offer);
  const today = [
    offer.today === 0n ? null : dollarsOf(asset, offer.today),
    offer.bound === 0 ? null : `bound by ${boundWords(offer.bound)}`,
  ];
  return (
    <Stats>
      <Stat
        name={isMine ? 'You can borrow today' : 'It can borrow today'}
        large
        note={today.filter((part) => part !== null).join(', ')}
      >
        <Num copy={copy}>{told(asset, offer.today)}</Num>
      </Stat>
      <Stat
        name={later.name}
        large
        note={
          offer.later === 0n
            ? 'nothing would be left beside its power'
            : [dollarsOf(asset, offer.later), 'net of power', later.missing].filter((part) => part !== null).join(', ')
        }
      >
        <Num copy={copy}>{told(asset, offer.later)}</Num>
      </Stat>
      <Stat
        name="Net of power"
        note={offer.verifiedDays === 0 ? 'no day has been verified' : `${told(asset, offer.netPerDay)} a day`}
      >
        {offer.verifiedDays === 0 ? (
          'unknown'
        ) : (
          <Num copy={copy} unit="an hour">
            {dollarsOf(asset, perHour) ?? told(asset, perHour)}
          </Num>
        )}
      </Stat>
      <Stat name="Verified days" note={offer.neededDays === 1 ? 'one is needed' : `${offer.neededDays} are needed`}>
        <Num copy={copy}>{offer.verifiedDays}</Num>
      </Stat>
    </Stats>
  );
}

/** The least of them is what binds. */
function Limits({ finance, asset }: Props) {
  const { offer, book } = finance;
  const rows = [
    [
      'By income and escrow',
      offer.byIncome + offer.byEscrow,
      'a stated part of the net of its days, and of what customers have prepaid',
    ],
    ['By bond and fees', offer.byBondAndFees, 'what faking that income would have cost at least'],
    ['By the market', offer.byMarket, 'what is idle, and what its first loss can stand for'],
  ] as const;
  const most = rows.reduce((high, [, amount]) => (amount > high ? amount : high), 1n);
  const least = rows.reduce((low, [, amount]) => (amount < low ? amount : low), rows[0][1]);
  return (
    <ul className="limits">
      {rows.map(([name, amount, why]) => (
        <li key={name}>
          <span>{name}</span>
          <Bar share={drawnShare(amount, most)} tone={amount === least ? 'warn' : 'plain'} />
          <span>{told(asset, amount)}</span>
          <span className="small faint">{why}</span>
        </li>
      ))}
      {book.principal === 0n ? null : (
        <li>
          <span>Owed already</span>
          <Bar share={drawnShare(book.principal, most)} tone="bad" />
          <span>{told(asset, book.principal)}</span>
          <span className="small faint">taken off</span>
        </li>
      )}
    </ul>
  );
}
