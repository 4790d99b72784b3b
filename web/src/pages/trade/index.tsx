import { Empty, Page } from '../../ui/index.ts';

export default function Trade() {
  return (
    <Page title="Trade">
      <Empty>This page is not built yet.</Empty>
    </Page>
  );
}
