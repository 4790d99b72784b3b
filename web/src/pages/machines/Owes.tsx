/** What a machine owes: the sums, and each loan with its instalments. */
import { shownBps, told } from '../../units/quantity.ts';
import { moment } from '../../units/time.ts';
import { Badge, Card, Stat, Stats, Table } from '../../ui/index.ts';
import { dollarsOf, type Asset } from './asset.ts';
import type { Finance, MachineLoan } from './queries.ts';

export function OwesCard({ loans, finance, asset }: { loans: readonly MachineLoan[]; finance: Finance; asset: Asset }) {
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
            narrow="stack"
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
                <td data-name="Principal">{told(asset, one.principal)}</td>
                <td data-name="Interest">{told(asset, one.interest)}</td>
                <td data-name="Left behind it">{told(asset, one.balance)}</td>
              </tr>
            ))}
          </Table>
        </details>
      ))}
    </Card>
  );
}
