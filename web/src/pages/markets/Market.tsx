import { Empty, Page } from '../../ui/index.ts';

export default function Market() {
  return (
    <Page title="Market">
      <Empty>This page is not built yet.</Empty>
    </Page>
  );
}
