/** The chain as people read it: blocks, transactions, addresses and contracts. */
import { Route, Routes } from 'react-router';
import { Empty, Page } from '../../ui/index.ts';
import { AddressPage } from './AddressPage.tsx';
import { BlockPage } from './BlockPage.tsx';
import { Blocks } from './Blocks.tsx';
import { ContentionPage } from './Contention.tsx';
import { ContractPage, Contracts } from './Contracts.tsx';
import { SearchField } from './Search.tsx';
import { TransactionPage } from './TransactionPage.tsx';
import './explorer.css';

export default function Explorer() {
  return (
    <Routes>
      <Route index element={<Blocks />} />
      <Route path="block/:block" element={<BlockPage />} />
      <Route path="tx/:hash" element={<TransactionPage />} />
      <Route path="address/:address" element={<AddressPage />} />
      <Route path="contention" element={<ContentionPage />} />
      <Route path="contracts" element={<Contracts />} />
      <Route path="contract/:name" element={<ContractPage />} />
      <Route
        path="*"
        element={
          <Page title="Nothing is here" aside={<SearchField />}>
            <Empty action={<a href="#/explorer">To the newest blocks</a>}>
              This address names no block, transaction or contract.
            </Empty>
          </Page>
        }
      />
    </Routes>
  );
}
