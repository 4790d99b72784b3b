import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Link, NodeGone, RpcError, type Socket } from './link.ts';

/** A socket whose other end is the test. */
class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onclose: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  sent: { id: number; method: string; params: unknown[] }[] = [];
  send(text: string) {
    this.sent.push(JSON.parse(text) as (typeof this.sent)[number]);
  }
  close() {
    this.onclose?.();
  }
  say(message: object | string) {
    this.onmessage?.({ data: typeof message === 'string' ? message : JSON.stringify(message) });
  }
  answer(method: string, result: unknown) {
    const asked = this.sent.findLast((message) => message.method === method);
    this.say({ jsonrpc: '2.0', id: asked?.id, result });
  }
}

let sockets: FakeSocket[];
const newest = () => sockets.at(-1) ?? new FakeSocket();

function start(): Link {
  return new Link(
    () => {
      const socket = new FakeSocket();
      sockets.push(socket);
      return socket;
    },
    { askAfterMs: 500, goneAfterMs: 1_600, retryMs: [250, 500] },
    () => Date.now(),
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
});

afterEach(() => {
  vi.useRealTimers();
});

test('answers find who asked, errors are errors', async () => {
  const link = start();
  newest().onopen?.();
  const [one, two] = [link.request('a'), link.request('b', [5n])];
  expect(newest().sent.map(({ params }) => params)).toEqual([[], ['0x5']]);
  newest().answer('b', 2);
  newest().answer('a', 1);
  expect(await Promise.all([one, two])).toEqual([1, 2]);
  const refused = link.request('c');
  newest().say({ jsonrpc: '2.0', id: 3, error: { code: 3, message: 'reverted', data: '0x01' } });
  await expect(refused).rejects.toEqual(new RpcError('reverted', 3, '0x01'));
  newest().say('no JSON at all');
  newest().say({ id: 99, result: 'nobody asked' });
  expect(link.state).toBe('live');
});

test('a silent node is asked, and gone within 2 s', async () => {
  const link = start();
  newest().onopen?.();
  const asked = link.request('a').catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(700);
  expect(newest().sent.map(({ method }) => method)).toEqual(['a', 'net_version']);
  await vi.advanceTimersByTimeAsync(1_100);
  expect(link.state).toBe('gone');
  expect(await asked).toBeInstanceOf(NodeGone);
  await expect(link.request('b')).rejects.toBeInstanceOf(NodeGone);
});

test('an idle node that answers stays', async () => {
  const link = start();
  newest().onopen?.();
  for (let round = 0; round < 10; round += 1) {
    await vi.advanceTimersByTimeAsync(700);
    newest().answer('net_version', '1');
  }
  expect(link.state).toBe('live');
  expect(sockets.length).toBe(1);
});

test('subscriptions outlive a loss', async () => {
  const link = start();
  const heads: unknown[] = [];
  const stop = link.subscribe(['newHeads'], (head) => heads.push(head));
  newest().onopen?.();
  newest().answer('eth_subscribe', '0xa');
  await vi.advanceTimersByTimeAsync(0);
  newest().say({ method: 'eth_subscription', params: { subscription: '0xa', result: 1 } });
  newest().close();
  expect(link.state).toBe('gone');
  await vi.advanceTimersByTimeAsync(250);
  expect(sockets.length).toBe(2);
  newest().onopen?.();
  newest().answer('eth_subscribe', '0xb');
  await vi.advanceTimersByTimeAsync(0);
  newest().say({ method: 'eth_subscription', params: { subscription: '0xa', result: 'old' } });
  newest().say({ method: 'eth_subscription', params: { subscription: '0xb', result: 2 } });
  expect(heads).toEqual([1, 2]);
  stop();
  newest().say({ method: 'eth_subscription', params: { subscription: '0xb', result: 3 } });
  expect(heads).toEqual([1, 2]);
  expect(newest().sent.at(-1)?.method).toBe('eth_unsubscribe');
});

test('what is asked while connecting waits, but not for ever', async () => {
  const link = start();
  const early = link.request('a');
  newest().onopen?.();
  await vi.advanceTimersByTimeAsync(0);
  newest().answer('a', 'here');
  expect(await early).toBe('here');

  const other = start();
  const never = other.request('a').catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(1_700);
  expect(await never).toBeInstanceOf(NodeGone);
});
