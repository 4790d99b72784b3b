import { expect, test } from 'vitest';
import { quoted, startCommand } from './start.ts';

test('the command is one that a shell reads as it was meant', () => {
  expect(startCommand({ source: 'model', server: '', floor: '0.06', wallet: 'alice' })).toBe(
    'provide start --model smollm2 --floor 0.06usd/h --wallet alice',
  );
  expect(startCommand({ source: 'upstream', server: ' http://127.0.0.1:8000/v1 ', floor: '1', wallet: '' })).toBe(
    'provide start --upstream http://127.0.0.1:8000/v1 --floor 1usd/h --wallet NAME',
  );
  expect(quoted("a; rm -rf '/'")).toBe(`'a; rm -rf '\\''/'\\'''`);
});
