/** Offers and loans at fixed terms, one row each. */
import { useHeads } from '../../../node/node.tsx';
import type { AccountName } from '../../../node/rpc.ts';
import { shownBps, told } from '../../../units/quantity.ts';
import { lasting, moment } from '../../../units/time.ts';
import { Address, Badge, Button, Table } from '../../../ui/index.ts';
import type { Loan, Offer } from './queries.ts';
import { scheduleWords, standingWords } from './words.ts';

type CoinOf = (assetId: number) => { assetId: number; symbol: string; decimals: number };

export function OfferTable({
  offers,
  coin,
  account,
  onTake,
  onCancel,
}: {
  offers: readonly Offer[];
  coin: CoinOf;
  account: AccountName | null;
  onTake: (offer: Offer) => void;
  onCancel: (offer: Offer) => void;
}) {
  const nowMs = (useHeads()[0]?.timestamp ?? 0) * 1_000;
  const sorted = [...offers].sort((a, b) => a.terms.assetId - b.terms.assetId || a.terms.rateBps - b.terms.rateBps);
  return (
    <Table
      caption="Offers of fixed terms"
      narrow="stack"
      head={
        <>
          <th scope="col">Offer</th>
          <th scope="col">Can be borrowed</th>
          <th scope="col">Costs a year</th>
          <th scope="col" className="start">
            Paid back
          </th>
          <th scope="col">Stands for</th>
          <th scope="col">
            <span className="unseen">What to do</span>
          </th>
        </>
      }
    >
      {sorted.map((offer) => {
        const of = coin(offer.terms.assetId);
        const leftMs = Number(offer.terms.expiresMs) - nowMs;
        const isMine = offer.lender.toLowerCase() === account?.owner.toLowerCase();
        return (
          <tr key={offer.id}>
            <th scope="row">{offer.id.toString()}</th>
            <td data-name="Can be borrowed">
              {told(of, offer.left)}
              <span className="note">at least {told(of, offer.terms.least)}</span>
            </td>
            <td data-name="Costs a year">{shownBps(offer.terms.rateBps)}</td>
            <td data-name="Paid back" className="start">
              {scheduleWords(offer.terms)}
            </td>
            <td data-name="Stands for">{leftMs <= 0 ? <Badge tone="warn">expired</Badge> : lasting(leftMs)}</td>
            <td>
              {isMine ? (
                <Button slim onClick={() => onCancel(offer)} aria-label={`Take back offer ${offer.id}`}>
                  Take back
                </Button>
              ) : (
                <Button
                  slim
                  disabled={account === null || leftMs <= 0}
                  onClick={() => onTake(offer)}
                  aria-label={`Borrow by offer ${offer.id}`}
                >
                  Borrow
                </Button>
              )}
            </td>
          </tr>
        );
      })}
    </Table>
  );
}

export function LoanTable({
  caption,
  loans,
  coin,
  who,
  actions,
}: {
  caption: string;
  loans: readonly Loan[];
  coin: CoinOf;
  who: (loan: Loan) => string;
  actions: (loan: Loan) => React.ReactNode;
}) {
  return (
    <Table
      caption={caption}
      narrow="stack"
      head={
        <>
          <th scope="col">Loan</th>
          <th scope="col">Owed</th>
          <th scope="col">Costs a year</th>
          <th scope="col">Next payment</th>
          <th scope="col" className="start">
            With
          </th>
          <th scope="col">
            <span className="unseen">What to do</span>
          </th>
        </>
      }
    >
      {loans.map((loan) => {
        const of = coin(loan.assetId);
        const { tone, words } = standingWords(loan);
        const next = loan.schedule[0];
        return (
          <tr key={loan.id}>
            <th scope="row">
              {loan.id.toString()} <Badge tone={tone}>{words}</Badge>
            </th>
            <td data-name="Owed">
              {told(of, loan.owed)}
              <span className="note">of {told(of, loan.principal)}</span>
            </td>
            <td data-name="Costs a year">{shownBps(loan.rateBps)}</td>
            <td data-name="Next payment">
              {loan.due > 0n ? (
                <span className="warn">{told(of, loan.due)} now</span>
              ) : next ? (
                <>
                  {told(of, next.principal + next.interest)}
                  <span className="note">{moment(Number(next.dueMs))}</span>
                </>
              ) : (
                '–'
              )}
            </td>
            <td data-name="With" className="start">
              <Address of={who(loan)} />
            </td>
            <td>{actions(loan)}</td>
          </tr>
        );
      })}
    </Table>
  );
}
