// Takes the pictures of README from the real page, and with `--all` one of every page in each look, into journeys/out.
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Node, openBrowser, PAGES, settled, somebody } from './lib.mjs';

const isAll = process.argv.includes('--all');
const folder = fileURLToPath(new URL(isAll ? './out/' : '../screenshots/', import.meta.url));
mkdirSync(folder, { recursive: true });

const WIDE = { width: 1280, height: 860 };
const NARROW = { width: 390, height: 844 };
const looks = isAll
  ? ['light', 'dark'].flatMap((colorScheme) => [WIDE, NARROW].map((viewport) => ({ colorScheme, viewport })))
  : [{ colorScheme: 'light', viewport: WIDE }];
const paths = isAll ? PAGES : ['/', '/markets/0', '/account'];

const browser = await openBrowser();
const node = await Node.start();
for (const look of looks) {
  const person = await somebody(browser, node, { ...look, reducedMotion: 'reduce' });
  const { page } = person;
  const shot = async (name) => {
    await page.waitForTimeout(800);
    await page.mouse.move(0, 0);
    await page.evaluate(() => scrollTo(0, 0));
    await page.screenshot({
      path: `${folder}${name}${isAll ? `-${look.colorScheme}-${look.viewport.width}` : ''}.png`,
      fullPage: isAll,
    });
  };
  await person.go('/account');
  await person.connect();
  await person.fund();
  await person.tab('Lever up');
  await page.getByLabel('Put in from the wallet').fill('2');
  await page.locator('#leverage').fill('30');
  await page.getByRole('button', { name: /See what/ }).click();
  await page.locator('[data-testid="sign"]:not([disabled])').waitFor();
  await shot('before-signing');
  await person.sign('3x long ETH');
  await page.getByText(/^Done/).waitFor({ state: 'detached' });
  for (const path of paths) {
    await person.go(path);
    await settled(page, path);
    await page.waitForTimeout(path === '/' ? 8_000 : 1_000);
    await shot(path === '/' ? 'home' : path.slice(1).replaceAll(/[^a-z0-9]+/g, '-'));
  }
  if (isAll) {
    await person.go('/account');
    await page.locator('#what-if').fill('-30');
    await page.getByText('liquidates', { exact: true }).waitFor();
    await shot('what-if');
    node.signal('SIGSTOP');
    await page.getByText('The node is gone').waitFor();
    await shot('gone');
    node.signal('SIGCONT');
    await page.locator('.pulse.live').waitFor();
  }
  await person.leave();
}
await browser.close();
await node.stop();
console.log(folder);
