import { told, type Counted } from '../../../units/quantity.ts';
import { moment } from '../../../units/time.ts';
import { Facts, Table } from '../../../ui/index.ts';
import type { Payment } from './queries.ts';

/** All payments of a loan: what they come to, and each of them behind a click. */
export function Payments({ of, payments }: { of: Counted; payments: readonly Payment[] }) {
  const first = payments[0];
  const last = payments.at(-1);
  if (!first || !last) return null;
  const interest = payments.reduce((sum, one) => sum + one.interest, 0n);
  return (
    <>
      <Facts
        rows={[
          ['Interest in all', told(of, interest)],
          ['First payment', `${told(of, first.principal + first.interest)}, ${moment(Number(first.dueMs))}`],
          payments.length === 1
            ? null
            : ['Last payment', `${told(of, last.principal + last.interest)}, ${moment(Number(last.dueMs))}`],
        ]}
      />
      <details className="small">
        <summary>{payments.length === 1 ? 'The payment' : `All ${payments.length} payments`}</summary>
        <Table
          caption="Payments of the loan"
          head={
            <>
              <th scope="col">Due</th>
              <th scope="col">Principal</th>
              <th scope="col">Interest</th>
              <th scope="col">Left behind it</th>
            </>
          }
        >
          {payments.map((one) => (
            <tr key={one.dueMs}>
              <th scope="row">{moment(Number(one.dueMs))}</th>
              <td>{told(of, one.principal)}</td>
              <td>{told(of, one.interest)}</td>
              <td>{told(of, one.balance)}</td>
            </tr>
          ))}
        </Table>
      </details>
    </>
  );
}
