import { useState } from 'react';
import { Link, useParams, useSearchParams } from 'react-router';
import { isAddress, toFunctionSignature } from 'viem';
import { castCommand } from '../../node/commands.ts';
import { Address, Answer, Badge, Card, Empty, Page, Table, Tabs } from '../../ui/index.ts';
import { AddressLink } from './parts.tsx';
import { useContracts } from './queries.ts';
import { SearchField } from './Search.tsx';
import { functionsOf, type Contract } from './shapes.ts';
import { Form, WordField } from './ContractForm.tsx';

export function Contracts() {
  const asked = useContracts();
  return (
    <Page
      title="Native contracts"
      lead="The protocol itself, in plain Rust at fixed addresses with an ordinary ABI. Each can be read and written here."
      aside={<SearchField />}
    >
      <Card title="All of them" command={castCommand('rpc capstan_contracts')} flush>
        <Answer of={asked} lines={8}>
          {(contracts) => (
            <Table
              caption="Native contracts"
              head={
                <>
                  <th scope="col">Name</th>
                  <th scope="col" className="start grow">
                    What it is
                  </th>
                  <th scope="col" className="start">
                    Where
                  </th>
                </>
              }
            >
              {contracts.map((contract) => (
                <tr key={contract.name}>
                  <th scope="row">
                    <Link to={`/explorer/contract/${contract.name}`}>{contract.name}</Link>
                  </th>
                  <td className="start grow wraps">{contract.about}</td>
                  <td className="start">
                    {contract.address === null ? <Badge>many</Badge> : <AddressLink of={contract.address} />}
                  </td>
                </tr>
              ))}
            </Table>
          )}
        </Answer>
      </Card>
    </Page>
  );
}

export function ContractPage() {
  const { name = '' } = useParams();
  const asked = useContracts();
  return (
    <Answer of={asked} lines={6}>
      {(contracts) => {
        const contract = contracts.find((one) => one.name === name);
        if (contract === undefined) {
          return (
            <Page title="No such contract" aside={<SearchField />}>
              <Empty action={<Link to="/explorer/contracts">To all of them</Link>}>
                No native contract has this name.
              </Empty>
            </Page>
          );
        }
        return <Known key={contract.name} contract={contract} />;
      }}
    </Answer>
  );
}

type Tab = 'read' | 'write' | 'events';

function Known({ contract }: { contract: Contract }) {
  const [params] = useSearchParams();
  const [tab, setTab] = useState<Tab>('read');
  const [at, setAt] = useState(contract.address ?? params.get('at') ?? '');
  const { reads, writes } = functionsOf(contract);
  const events = contract.abi.filter((item) => item.type === 'event');
  const address = isAddress(at) ? at : null;
  return (
    <Page title={contract.name} lead={contract.about} aside={<SearchField />}>
      {contract.address === null ? (
        <Card title="Which one">
          <p className="quiet small">There are many of this kind, each at its own address.</p>
          <WordField
            label="Address"
            value={at}
            onChange={setAt}
            wrong={at === '' || address !== null ? null : 'write an address: 0x and 40 digits'}
          />
        </Card>
      ) : (
        <p>
          <Address of={contract.address}>{contract.address}</Address>
        </p>
      )}
      <Tabs
        label="What the contract can do"
        tabs={[
          { id: 'read', text: `Read (${reads.length})` },
          { id: 'write', text: `Write (${writes.length})` },
          { id: 'events', text: `Events (${events.length})` },
        ]}
        chosen={tab}
        onChoose={setTab}
      >
        {tab === 'events' ? (
          <div className="stack">
            {events.map((event, index) => (
              <div key={index} className="function mono small">
                {event.name}(
                {event.inputs
                  .map((input) => `${input.type}${input.indexed ? ' indexed' : ''} ${input.name ?? ''}`)
                  .join(', ')}
                )
              </div>
            ))}
            {events.length === 0 ? <Empty>It logs nothing.</Empty> : null}
          </div>
        ) : (
          <div className="stack">
            {(tab === 'read' ? reads : writes).map((one) => (
              <Form key={toFunctionSignature(one)} of={one} at={address} isRead={tab === 'read'} />
            ))}
            {(tab === 'read' ? reads : writes).length === 0 ? <Empty>There is nothing to {tab}.</Empty> : null}
          </div>
        )}
      </Tabs>
    </Page>
  );
}
