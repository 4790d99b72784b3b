// Runs every journey (`*.journey.mjs`) in the system's Chromium against started nodes: CAPSTAN_BIN, and CHROME if it lies elsewhere.
// `npm run journeys -- words` runs those whose name has the words.
import { mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Node, openBrowser, present, program } from './lib.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const words = process.argv.slice(2).join(' ').toLowerCase();
program();

const journeys = [];
for (const file of readdirSync(here).sort()) {
  if (file.endsWith('.journey.mjs')) journeys.push(...(await import(`./${file}`)).default);
}
const chosen = journeys.filter(({ name }) => name.toLowerCase().includes(words));
/** What somebody saw when a journey failed lies here. */
const out = `${here}out/`;
mkdirSync(out, { recursive: true });
const browser = await openBrowser();
/** A world that journeys share which leave its prices as they are. */
const node = await Node.start('--feed', 'off');
const counts = { passed: 0, failed: 0, skipped: 0 };
for (const { name, run } of chosen) {
  const began = Date.now();
  try {
    const skipped = await run({ browser, node });
    counts[skipped ? 'skipped' : 'passed'] += 1;
    const seconds = ((Date.now() - began) / 1000).toFixed(1);
    console.log(skipped ? `skipped ${name}: ${skipped}` : `passed ${name} (${seconds} s)`);
  } catch (error) {
    counts.failed += 1;
    for (const { page, context } of present) {
      const picture = `${out}failed-${name.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}.png`;
      await page.screenshot({ path: picture, fullPage: true }).catch(() => undefined);
      await context.close();
    }
    present.clear();
    console.log(`FAILED ${name}: ${error.message.split('\n').slice(0, 12).join('\n  ')}`);
  }
}
await browser.close();
await node.stop();
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
