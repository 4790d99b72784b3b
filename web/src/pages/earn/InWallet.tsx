/** Liquidity that stands in the wallet: LP tokens and positions, which back nothing there. */
import { useState } from 'react';
import { Act, type Proposal } from '../../act/Act.tsx';
import { command } from '../../node/commands.ts';
import type { AccountName } from '../../node/rpc.ts';
import type { Market, Pool } from '../../node/shapes.ts';
import { told } from '../../units/quantity.ts';
import { Button, Card, Table } from '../../ui/index.ts';
import { ALL } from '../../act/batch.ts';
import { assetsOf } from './bring.ts';
import { carry, type Load } from './carry.ts';
import { PartOf } from './PartOf.tsx';
import { useInWallet } from './queries.ts';

export function InWallet({
  account,
  markets,
  pools,
}: {
  account: AccountName;
  markets: readonly Market[];
  pools: readonly Pool[];
}) {
  const held = useInWallet(account.owner, pools);
  const [chosen, setChosen] = useState<Load | null>(null);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  // What has just left the wallet is still being told.
  const act =
    proposal === null ? null : (
      <Act account={account} proposal={proposal} asset={assetsOf(markets)} onClose={() => setProposal(null)} />
    );
  if (!held.data || held.data.length === 0) return act;
  return (
    <Card title="Liquidity in your wallet" command={command(`lp show --owner ${account.owner}`)} flush>
      <p className="pad lead quiet small">It earns as any other, and backs no debt until it stands on your account.</p>
      <Table
        caption="Liquidity in the wallet"
        narrow="stack"
        head={
          <>
            <th scope="col">What</th>
            <th scope="col">Would give</th>
            <th scope="col">
              <span className="unseen">Bring it to the account</span>
            </th>
          </>
        }
      >
        {held.data.map((load) => {
          const name = load.kind === 'shares' ? `Shares of pool ${load.id}` : `Position ${load.id}`;
          return (
            <tr key={`${load.kind}-${load.id}`}>
              <th scope="row">{name}</th>
              <td data-name="Would give">{load.coins.map(({ coin, amount }) => told(coin, amount)).join(' and ')}</td>
              <td>
                <Button
                  slim
                  aria-label={`To the account: ${name}`}
                  onClick={() =>
                    load.kind === 'range'
                      ? setProposal(carry('in', { ...load, amount: ALL, owner: account.owner }))
                      : setChosen({ ...load, owner: account.owner })
                  }
                >
                  To the account
                </Button>
              </td>
            </tr>
          );
        })}
      </Table>
      {chosen === null ? null : (
        <PartOf
          title={`To the account: shares of pool ${chosen.id}`}
          lead="They stay in the pool and go on earning, and count as collateral if their coins do."
          most={chosen.amount}
          onChoose={(amount, whole) => {
            setProposal(carry('in', { ...chosen, amount: whole ? chosen.amount : amount }));
            setChosen(null);
          }}
          onClose={() => setChosen(null)}
        />
      )}
      {act}
    </Card>
  );
}
