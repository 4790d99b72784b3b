import { Empty, Page } from '../../ui/index.ts';

export default function Liquidation() {
  return (
    <Page title="Liquidation">
      <Empty>This page is not built yet.</Empty>
    </Page>
  );
}
