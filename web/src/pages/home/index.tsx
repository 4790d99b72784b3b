import { Empty, Page } from '../../ui/index.ts';

export default function Home() {
  return (
    <Page title="Home">
      <Empty>This page is not built yet.</Empty>
    </Page>
  );
}
