import { expect, test } from 'vitest';
import { quoted, startCommand } from './start.ts';

test('the command is one that a shell reads as it was meant', () => {
  expect(startCommand({ source: 'model', server: '', buyers: 'network', floor: '0.06', wallet: 'alice' })).toBe(
    'provide start --model smollm2 --floor 0.06usd/h --class all --wallet alice',
  );
  const upstream = { source: 'upstream', server: ' http://127.0.0.1:8000/v1 ', floor: '1', wallet: '' } as const;
  expect(startCommand({ ...upstream, buyers: 'network' })).toBe(
    'provide start --upstream http://127.0.0.1:8000/v1 --prices prices.toml --class all --wallet NAME',
  );
  expect(startCommand({ ...upstream, buyers: 'keys' })).toBe(
    'provide start --upstream http://127.0.0.1:8000/v1 --floor 1usd/h --alone',
  );
  expect(quoted("a; rm -rf '/'")).toBe(`'a; rm -rf '\\''/'\\'''`);
});
