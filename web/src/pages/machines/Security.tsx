/** What a lender can take if a machine does not pay, in which order, and what he cannot. */
import { told } from '../../units/quantity.ts';
import { Card, Facts } from '../../ui/index.ts';
import type { Asset } from './asset.ts';
import type { Finance } from './queries.ts';

export function SecurityCard({ finance, asset }: { finance: Finance; asset: Asset }) {
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
              ['5. The first loss would bear', told(asset, security.firstLoss)],
              ['6. Lenders would bear the rest', told(asset, security.lenders)],
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
