import { Empty, Page } from '../../ui/index.ts';

export default function Risk() {
  return (
    <Page title="Risk">
      <Empty>This page is not built yet.</Empty>
    </Page>
  );
}
