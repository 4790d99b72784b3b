import { Empty, Page } from '../../ui/index.ts';

export default function Earn() {
  return (
    <Page title="Earn">
      <Empty>This page is not built yet.</Empty>
    </Page>
  );
}
