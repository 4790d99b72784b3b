// Puts what gzip makes of each file beside it: the node serves that to whoever takes it, and compresses nothing itself.
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
/** What is compressed already, or too small to gain. */
const WORTH_BYTES = 512;
const PACKED = /\.(gz|png|webp|woff2|ico)$/;

for (const entry of readdirSync(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || PACKED.test(entry.name)) continue;
  const path = `${entry.parentPath}/${entry.name}`;
  const plain = readFileSync(path);
  const packed = gzipSync(plain, { level: 9 });
  if (plain.length > WORTH_BYTES && packed.length < plain.length) writeFileSync(`${path}.gz`, packed);
}
