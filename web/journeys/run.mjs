// Runs every journey (`*.journey.mjs`) in the system's Chromium against started nodes: CAPSTAN_BIN, and CHROME if it lies elsewhere.
// CAPSTAN_PAGE=dist takes the page of dist/, as just built, and not the one that the program carries.
// `npm run journeys -- words` runs those whose name has the words. One that fails is tried once more, and said to be flaky if it passes then.
import { mkdirSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Node, openBrowser, present, program } from './lib.mjs';

const TRIES = Number(process.env.TRIES ?? 2);

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

let browser = null;
let node = null;

/** A browser, and a world that journeys share, where prices stand still. What has died is started again. */
async function ready() {
  if (!browser?.isConnected()) browser = await openBrowser();
  const isAlive = node !== null && (await node.rpc('eth_blockNumber').catch(() => null)) !== null;
  if (!isAlive) {
    await node?.stop();
    node = await Node.start('--feed', 'fixed', '--bots', '0');
  }
  return { browser, node };
}

async function keepPictures(name) {
  for (const { page, context } of present) {
    const picture = `${out}failed-${name.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)}.png`;
    await page.screenshot({ path: picture, fullPage: true, timeout: 10_000 }).catch(() => undefined);
    await context.close().catch(() => undefined);
  }
  present.clear();
}

const counts = { passed: 0, failed: 0, skipped: 0 };
for (const { name, run } of chosen) {
  for (let attempt = 1; attempt <= TRIES; attempt += 1) {
    const began = Date.now();
    try {
      const skipped = await run(await ready());
      const seconds = ((Date.now() - began) / 1000).toFixed(1);
      counts[skipped ? 'skipped' : 'passed'] += 1;
      if (attempt > 1) console.log(`flaky: ${name}`);
      console.log(skipped ? `skipped ${name}: ${skipped}` : `passed ${name} (${seconds} s)`);
      break;
    } catch (error) {
      await keepPictures(name);
      const isLast = attempt === TRIES;
      if (isLast) counts.failed += 1;
      console.log(
        `${isLast ? 'FAILED' : 'once more:'} ${name}: ${error.message.split('\n').slice(0, 12).join('\n  ')}`,
      );
    }
  }
}
await browser?.close().catch(() => undefined);
await node?.stop();
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;
