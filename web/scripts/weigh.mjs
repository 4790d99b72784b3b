// Prints what the page weighs, as it travels (gzip), and what is loaded first.
import { readFileSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const html = readFileSync(`${dist}index.html`, 'utf8');
const files = readdirSync(dist, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.endsWith('.gz'))
  .map((entry) => `${entry.parentPath}/${entry.name}`.replace(/\/+/g, '/'));
const weight = (file) => gzipSync(readFileSync(file), { level: 9 }).length;
const rows = files
  .map((file) => ({ name: file.slice(dist.length), bytes: weight(file) }))
  .sort((a, b) => b.bytes - a.bytes);
const kib = (bytes) => `${(bytes / 1024).toFixed(1).padStart(7)} KiB`;
const first = rows.filter(({ name }) => name === 'index.html' || html.includes(name));
const sum = (list) => list.reduce((all, { bytes }) => all + bytes, 0);
/** A script, and what it imports at once. */
const closure = (name, seen = new Set()) => {
  if (seen.has(name)) return seen;
  seen.add(name);
  const text = readFileSync(`${dist}assets/${name}`, 'utf8');
  for (const [, other] of text.matchAll(/(?:from|import)\s*["']\.\/([^"']+\.js)["']/g)) closure(other, seen);
  return seen;
};
const whole = rows.find(({ name }) => name.startsWith('assets/Whole-'))?.name.slice('assets/'.length);
const behind = [...(whole ? closure(whole) : [])].map((name) => rows.find((row) => row.name === `assets/${name}`));
const later = behind.filter((row) => row && !first.includes(row));
for (const { name, bytes } of rows.slice(0, 12)) console.log(kib(bytes), name);
console.log(kib(sum(first)), 'until something is painted');
console.log(kib(sum(later)), 'wallets, contracts and routes, loaded behind it');
console.log(kib(sum(rows)), `all ${rows.length} files, gzip`);
