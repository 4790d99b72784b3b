import { Empty, Page } from '../../ui/index.ts';

export default function Markets() {
  return (
    <Page title="Markets">
      <Empty>This page is not built yet.</Empty>
    </Page>
  );
}
