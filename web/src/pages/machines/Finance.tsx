/** What a machine earned, what it can borrow and what binds that, what a lender can and cannot take, and what it owes. */
import { useState } from 'react';
import { Link } from 'react-router';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { castCommand } from '../../node/commands.ts';
import { drawnShare } from '../../units/drawn.ts';
import { shownBps, told } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import {
  Address,
  Answer,
  Badge,
  Bar,
  Button,
  Card,
  Empty,
  Facts,
  Notice,
  Num,
  Stat,
  Stats,
  Table,
  useParts,
} from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { BorrowDialog, collectCall, OpenBook, PowerDialog, RepayDialog } from './Borrow.tsx';
import { dollarsOf, useAssets, type Asset } from './asset.ts';
import { CaseCard } from './Case.tsx';
import { boundWords, missingDays, netPerHourDown } from './loans.ts';
import { useEarnings, useFinance, useMachineLoans, type Finance, type MachineLoan } from './queries.ts';
import type { Machine } from './shapes.ts';

const DAYS_SHOWN = 10;

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

function Known({
  machine,
  finance,
  asset,
  mine,
  anybody,
}: {
  machine: Machine;
  finance: Finance;
  asset: Asset;
  /** The wallet, where it holds this machine's title. */
  mine: `0x${string}` | null;
  anybody: `0x${string}` | null;
}) {
  const { book, offer } = finance;
  const id = machine.machineId;
  const loans = useMachineLoans(id, book.owed > 0n);
  const [doing, setDoing] = useState<Doing>(null);
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const copy = castCommand(
    `call ${addresses.income} 'offer(uint64)((uint256,uint256,uint16,uint16,uint256,uint256,uint256,uint256,uint256,uint8))' ${id}`,
  );
  const close = () => setDoing(null);
  const missing = missingDays(offer);
  const perHour = netPerHourDown(offer.netPerDay);
  return (
    <>
      <Card title="What it can borrow" command={copy}>
        <Stats>
          <Stat
            name="Today"
            large
            note={[
              offer.today === 0n ? null : dollarsOf(asset, offer.today),
              offer.bound === 0 ? null : `what binds it: ${boundWords(offer.bound)}`,
            ]
              .filter((part) => part !== null)
              .join('; ')}
          >
            <Num copy={copy}>{told(asset, offer.today)}</Num>
          </Stat>
          <Stat
            name={missing === 0 ? 'After more days like these' : `After ${missing} more verified days like these`}
            large
            note={
              offer.later === 0n
                ? 'at the use so far nothing would be left beside its power'
                : `${dollarsOf(asset, offer.later) ?? ''} net of power`
            }
          >
            <Num copy={copy}>{told(asset, offer.later)}</Num>
          </Stat>
          <Stat name="Net of power" note={`${told(asset, offer.netPerDay)} a day`}>
            <Num copy={copy} unit="an hour">
              {dollarsOf(asset, perHour) ?? told(asset, perHour)}
            </Num>
          </Stat>
          <Stat name="Verified days" note={`${offer.neededDays} are needed`}>
            <Num copy={copy}>{offer.verifiedDays}</Num>
          </Stat>
        </Stats>
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
        <Answer of={loans}>{(all) => <LoansCard loans={all} finance={finance} asset={asset} />}</Answer>
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

/** The least of them is what binds. */
function Limits({ finance, asset }: { finance: Finance; asset: Asset }) {
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

function SecurityCard({ finance, asset }: { finance: Finance; asset: Asset }) {
  const { security } = finance;
  return (
    <Card title="If it did not pay">
      <div className="columns even facts-two">
        <div className="stack">
          <h3>What a lender can take, in this order</h3>
          <Facts
            rows={[
              ['1. Its stream, as long as that is owed', `${told(asset, security.netPerDay)} a day`],
              ['2. What is kept for the next instalment', told(asset, security.reserved)],
              ['3. Its title', security.title ? 'it is security now' : 'from the day on which it borrows'],
              ['4. Its bond', told(asset, security.bond)],
              ['5. The first loss of the market', told(asset, security.firstLoss)],
              ['6. Lenders bear the rest', told(asset, security.lenders)],
            ]}
          />
        </div>
        <div className="stack">
          <h3>What a lender cannot take</h3>
          <ul className="plain-list small">
            <li>The holder’s wallet, and what stands on his accounts</li>
            <li>Any other machine of the holder</li>
            <li>The hardware: a title is the right to its income and bond</li>
            <li>Income of its last holder, once it was paid out</li>
          </ul>
          <p className="small quiet">
            No judgement is asked: what happens when is fixed beforehand, and each step is written down.
          </p>
        </div>
      </div>
    </Card>
  );
}

function LoansCard({ loans, finance, asset }: { loans: readonly MachineLoan[]; finance: Finance; asset: Asset }) {
  const { book } = finance;
  return (
    <Card title={loans.length > 1 ? `What it owes, in ${loans.length} loans` : 'What it owes'}>
      <Stats>
        <Stat name="Owed in all" note={dollarsOf(asset, book.owed) ?? undefined}>
          {told(asset, book.owed)}
        </Stat>
        <Stat name="Fell due and is unpaid">
          <span className={book.due > 0n ? 'bad' : undefined}>{told(asset, book.due)}</span>
        </Stat>
        <Stat name="Kept for the next instalment">{told(asset, book.reserved)}</Stat>
        <Stat name="Something is due next" note="if nothing else happens">
          {book.nextMs === 0n ? 'never' : moment(Number(book.nextMs))}
        </Stat>
      </Stats>
      {loans.map((loan) => (
        <details key={loan.id} className="more">
          <summary>
            Loan {loan.id.toString()}: {told(asset, loan.owed)} owed at {shownBps(loan.rateBps)} a year
            {loan.inDefault ? <Badge tone="bad">in default</Badge> : null}
          </summary>
          <Table
            caption={`Instalments of loan ${loan.id}`}
            head={
              <>
                <th scope="col">Due</th>
                <th scope="col">Principal</th>
                <th scope="col">Interest</th>
                <th scope="col">Left behind it</th>
              </>
            }
          >
            {loan.schedule.map((one, at) => (
              <tr key={one.dueMs}>
                <th scope="row">
                  {moment(Number(one.dueMs))} {at < loan.done ? <Badge>fell due</Badge> : null}
                </th>
                <td>{told(asset, one.principal)}</td>
                <td>{told(asset, one.interest)}</td>
                <td>{told(asset, one.balance)}</td>
              </tr>
            ))}
          </Table>
        </details>
      ))}
    </Card>
  );
}

const DAY_MS = 86_400_000;

function IncomeCard({ finance, asset, id }: { finance: Finance; asset: Asset; id: number }) {
  const { book, days, customers } = finance;
  const newest = [...days].reverse();
  const { part, pages } = useParts(newest, DAYS_SHOWN, 'More days');
  const most = days.reduce((high, day) => (day.gross > high ? day.gross : high), 1n);
  const copy = castCommand(
    `call ${addresses.income} 'daysOf(uint64)((uint32,uint256,uint256,uint256,uint256,uint256)[])' ${id}`,
  );
  return (
    <Card title="What it earned" command={copy}>
      <Stats>
        <Stat name="In all" note={dollarsOf(asset, book.earned) ?? undefined}>
          {told(asset, book.earned)}
        </Stat>
        <Stat name="Of it to its debt">{told(asset, book.toDebt)}</Stat>
        <Stat name="To the holder">{told(asset, book.toHolder)}</Stat>
        <Stat name="Power" note={`at ${told(asset, book.kwhPrice)} a kWh`}>
          {book.watts} W
        </Stat>
        <Stat name="Prepaid by customers">{told(asset, book.escrow)}</Stat>
      </Stats>
      {days.length === 0 ? (
        <Notice title="No day has counted yet">
          A day counts when it is over, for customers who are known for long enough and are not related to the owner.
          Today’s income is paid out all the same.
        </Notice>
      ) : (
        <>
          <Table
            caption="Its days, the newest first"
            head={
              <>
                <th scope="col">Day</th>
                <th scope="col">Paid</th>
                <th scope="col">Counts</th>
                <th scope="col">Power</th>
                <th scope="col">Net</th>
                <th scope="col" className="start">
                  <span className="unseen">Drawn</span>
                </th>
              </>
            }
          >
            {part.map((day) => (
              <tr key={day.day}>
                <th scope="row">{new Date(day.day * DAY_MS).toISOString().slice(0, 10)}</th>
                <td>{told(asset, day.gross)}</td>
                <td>{told(asset, day.counted)}</td>
                <td>{told(asset, day.power)}</td>
                <td>{told(asset, day.net)}</td>
                <td className="start">
                  <Bar share={drawnShare(day.net, most)} tone={day.net === 0n ? 'warn' : 'good'} />
                </td>
              </tr>
            ))}
          </Table>
          {pages}
        </>
      )}
      {customers.largest.length === 0 ? null : (
        <details className="more">
          <summary>
            Its customers: the largest brought {shownBps(Number(customers.largest[0]?.shareBps ?? 0n))} of what counts
          </summary>
          <Table
            caption="Its largest customers in this period"
            head={
              <>
                <th scope="col">Customer</th>
                <th scope="col">Brought</th>
                <th scope="col">Share</th>
              </>
            }
          >
            {customers.largest.map((one) => (
              <tr key={one.customer}>
                <th scope="row">
                  <Address of={one.customer} />
                </th>
                <td>{told(asset, one.amount)}</td>
                <td>{shownBps(Number(one.shareBps))}</td>
              </tr>
            ))}
          </Table>
          <p className="small quiet">
            {told(asset, customers.excess)} of {told(asset, customers.counted)} count nothing, since one customer
            brought them.
          </p>
        </details>
      )}
      <p className="small faint">
        What happened to machines that did not pay: <Link to="/machines/loans">machine loans</Link>.
      </p>
    </Card>
  );
}
