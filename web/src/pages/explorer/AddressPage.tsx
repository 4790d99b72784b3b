import { useState } from 'react';
import { Link, useParams } from 'react-router';
import { getAddress, isAddress } from 'viem';
import { castCommand, command } from '../../node/commands.ts';
import type { Hex } from '../../node/decode.ts';
import { useAccount } from '../../node/queries.ts';
import { assetUnit, quantity, shownAmount, shownHealth, shownUsd } from '../../units/quantity.ts';
import { Address, Answer, Card, Empty, Num, Page, Pages, Stat, Stats, Table } from '../../ui/index.ts';
import { BlockLink, Marks, TransactionLink } from './parts.tsx';
import { useContracts, useHistory, useTransaction, useWallet } from './queries.ts';
import { SearchField } from './Search.tsx';

export function AddressPage() {
  const { address = '' } = useParams();
  if (!isAddress(address)) {
    return (
      <Page title="No such address" aside={<SearchField />}>
        <Empty>An address is 0x and 40 digits; check its capital letters.</Empty>
      </Page>
    );
  }
  return <Known key={address} address={getAddress(address)} />;
}

function Known({ address }: { address: Hex }) {
  const contracts = useContracts();
  const native = contracts.data?.find(
    (contract) =>
      contract.address?.toLowerCase() === address.toLowerCase() ||
      (contract.address === null &&
        contract.kindPrefix !== null &&
        address.toLowerCase().startsWith(contract.kindPrefix.toLowerCase())),
  );
  return (
    <Page title={native?.name ?? 'Address'} lead={native?.about} aside={<SearchField />}>
      <Card title="Wallet" command={castCommand(`balance ${address} --ether`)}>
        <Wallet address={address} contract={native?.name} />
      </Card>
      {native === undefined ? <Margin address={address} /> : null}
      <History address={address} />
    </Page>
  );
}

function Wallet({ address, contract }: { address: Hex; contract: string | undefined }) {
  const asked = useWallet(address);
  return (
    <Answer of={asked}>
      {(wallet) => (
        <Stats>
          <Stat name="Coins">
            <Num copy={castCommand(`balance ${address} --ether`)} unit="ETH">
              {shownAmount(quantity(wallet.coins, 18, assetUnit(0)))}
            </Num>
          </Stat>
          <Stat name="Transactions sent">
            <Num copy={castCommand(`nonce ${address}`)}>{wallet.nonce}</Num>
          </Stat>
          <Stat name="Is">
            {contract !== undefined ? (
              <Link to={`/explorer/contract/${contract}?at=${address}`}>a native contract: read and write it</Link>
            ) : wallet.codeBytes > 0 ? (
              `a contract of ${wallet.codeBytes} bytes`
            ) : (
              'a wallet'
            )}
          </Stat>
          <Stat name="Address">
            <Address of={address} />
          </Stat>
        </Stats>
      )}
    </Answer>
  );
}

/** The owner's first margin account, where he has one. */
function Margin({ address }: { address: Hex }) {
  const asked = useAccount({ owner: address, index: 0 });
  const { data } = asked;
  if (!data || (data.holdings.length === 0 && (data.pieces ?? []).length === 0)) return null;
  const copy = command(`account show ${address}`);
  return (
    <Card title="Account 0" aside={<Link to={`/account/${address}/0`}>All of it</Link>} command={copy}>
      {data.report === null ? (
        <p className="warn">{data.error?.message ?? 'It cannot be valued now.'}</p>
      ) : (
        <Stats>
          <Stat name="Health">
            <Num copy={copy}>{shownHealth(data.report.healthMaintenance)}</Num>
          </Stat>
          <Stat name="Collateral">
            <Num copy={copy}>{shownUsd(data.report.collateral)}</Num>
          </Stat>
          <Stat name="Debt">
            <Num copy={copy}>{shownUsd(data.report.debt)}</Num>
          </Stat>
        </Stats>
      )}
    </Card>
  );
}

function History({ address }: { address: Hex }) {
  const [cursors, setCursors] = useState<readonly (number | null)[]>([null]);
  const asked = useHistory(address, cursors[cursors.length - 1] ?? null);
  const next = asked.data?.cursor ?? null;
  return (
    <Card title="Transactions" command={castCommand(`rpc capstan_accountHistory ${address}`)} flush>
      <Answer of={asked} lines={5}>
        {(page) =>
          page.items.length === 0 ? (
            <Empty>It never sent or received a transaction.</Empty>
          ) : (
            <Table
              caption="Transactions of this address"
              head={
                <>
                  <th scope="col">Block</th>
                  <th scope="col" className="start grow">
                    What
                  </th>
                </>
              }
            >
              {page.items.map((item) => (
                <tr key={item.transactionHash}>
                  <td>
                    <BlockLink of={item.blockNumber} />
                  </td>
                  <td className="start grow">
                    <Line hash={item.transactionHash} />
                  </td>
                </tr>
              ))}
            </Table>
          )
        }
      </Answer>
      <div className="pad-foot">
        <Pages
          label="Other transactions of this address"
          back={cursors.length > 1 ? () => setCursors(cursors.slice(0, -1)) : null}
          on={next === null ? null : () => setCursors([...cursors, next])}
        />
      </div>
    </Card>
  );
}

function Line({ hash }: { hash: Hex }) {
  const { data } = useTransaction(hash);
  if (!data) return <TransactionLink of={hash} />;
  return (
    <span className="title">
      <TransactionLink of={hash}>{data.title}</TransactionLink>{' '}
      <Marks isSystem={data.isSystem} isSuccess={data.done === null ? null : data.done.isSuccess} />
    </span>
  );
}
