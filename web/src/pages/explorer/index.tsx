import { Empty, Page } from '../../ui/index.ts';

export default function Explorer() {
  return (
    <Page title="Explorer">
      <Empty>This page is not built yet.</Empty>
    </Page>
  );
}
