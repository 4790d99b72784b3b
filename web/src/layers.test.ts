import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

/** From the bottom to the top: a room imports from rooms before it, and from itself. */
const ROOMS = ['units', 'generated', 'node', 'ui', 'wallet', 'act', 'pages', 'app'];
/** `ui` stands beside `node`: it knows nothing of the chain. */
const APART: readonly (readonly [string, string])[] = [['ui', 'node']];

const src = fileURLToPath(new URL('.', import.meta.url));

function edges(): { from: string; to: string }[] {
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((file) => /\.tsx?$/.test(file));
  return files.flatMap((file) => {
    const text = readFileSync(join(src, file), 'utf8');
    const found = [...text.matchAll(/(?:from|import)\s*\(?'(\.{1,2}\/[^']+)'/g)];
    return found.map(([, path = '']) => ({ from: file, to: normalize(join(dirname(file), path)) }));
  });
}

function wrong({ from, to }: { from: string; to: string }): boolean {
  const [fromRoom = '', fromPage] = from.split('/');
  const [toRoom = '', toPage] = to.split('/');
  if (!ROOMS.includes(fromRoom)) return false;
  if (fromRoom === 'pages' && toRoom === 'pages') return fromPage !== toPage;
  if (APART.some(([one, other]) => one === fromRoom && other === toRoom)) return true;
  return ROOMS.indexOf(toRoom) > ROOMS.indexOf(fromRoom);
}

test('imports go one way', () => {
  const all = edges();
  expect(all.length).toBeGreaterThan(40);
  expect(all.filter(wrong)).toEqual([]);
});

test('the rule sees an import that goes up', () => {
  expect(wrong({ from: 'units/decimal.ts', to: 'node/link.ts' })).toBe(true);
  expect(wrong({ from: 'ui/Num.tsx', to: 'node/rpc.ts' })).toBe(true);
  expect(wrong({ from: 'pages/home/index.tsx', to: 'pages/trade/Swap.tsx' })).toBe(true);
});

/** What a file needs before it runs: imports of values, of ours and of libraries, and not those that come later (`import()`). */
function needs(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  const found = [...text.matchAll(/^(?:import|export) (?!type )[^;]*?from '([^']+)'|^import '([^']+)'/gm)];
  return found.map(([, named, bare]) => named ?? bare ?? '');
}

test('what is painted first waits for no wallet and no contract', () => {
  const seen = new Set<string>();
  const libraries = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file) || !/\.tsx?$/.test(file)) return;
    seen.add(file);
    for (const path of needs(file)) {
      if (path.startsWith('.')) visit(normalize(join(dirname(file), path)));
      else libraries.add(path);
    }
  };
  visit('main.tsx');
  expect(seen.has('app/Frame.tsx')).toBe(true);
  expect(seen.has('app/Whole.tsx')).toBe(false);
  expect([...libraries].filter((name) => /^(viem|wagmi|react-router)/.test(name))).toEqual([]);
});
