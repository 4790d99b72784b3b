// Prints how long the page takes to show something, and to show markets: median of several fresh browsers' first visits.
import { Node, openBrowser, somebody } from './lib.mjs';

const VISITS = 7;
const node = await Node.start();
const browser = await openBrowser();
const painted = [];
const told = [];
for (let visit = 0; visit < VISITS; visit += 1) {
  const person = await somebody(browser, node);
  const { page } = person;
  const began = performance.now();
  await page.goto(`${node.url}#/`);
  await page.getByRole('row', { name: /^ETH/ }).waitFor();
  told.push(performance.now() - began);
  painted.push(await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0));
  await person.leave();
}
await browser.close();
await node.stop();
const median = (list) => Math.round([...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]);
console.log(
  `first contentful paint ${median(painted)} ms, markets shown ${median(told)} ms (medians of ${VISITS} first visits)`,
);
