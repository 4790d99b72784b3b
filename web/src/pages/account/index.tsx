import { Empty, Page } from '../../ui/index.ts';

export default function Account() {
  return (
    <Page title="Account">
      <Empty>This page is not built yet.</Empty>
    </Page>
  );
}
