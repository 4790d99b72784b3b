/** Questions of the explorer as hooks. What is final is asked once. */
import { keepPreviousData, skipToken, useQueries, useQuery } from '@tanstack/react-query';
import { hex, nullable, record as fields, string, type Hex } from '../../node/decode.ts';
import { RpcError } from '../../node/link.ts';
import { LIVE, useNode } from '../../node/node.tsx';
import * as shapes from './shapes.ts';

function quantity(number: number): Hex {
  return `0x${number.toString(16)}`;
}

/** Blocks from one height down. They are final, except where a developer goes back. */
export function useBlocks(from: number | null, length: number) {
  const { rpc } = useNode();
  const numbers = from === null ? [] : Array.from({ length: Math.min(length, from + 1) }, (_, below) => from - below);
  return useQueries({
    queries: numbers.map((number) => ({
      queryKey: ['block', number],
      queryFn: () => rpc.read(nullable(shapes.blockLine), 'eth_getBlockByNumber', [quantity(number), false]),
      staleTime: 60_000,
    })),
    combine: (asked) => ({
      blocks: asked.flatMap((one) => (one.data ? [one.data] : [])),
      error: asked.find((one) => one.error)?.error ?? null,
    }),
  });
}

function blockAsked(block: string): string {
  return block.startsWith('0x') ? block : quantity(Number(block));
}

/** What a node says that has no such method. */
export function isUnknownMethod(error: unknown): boolean {
  return error instanceof RpcError && error.code === -32_601;
}

export function useRecord(block: string) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['record', block],
    queryFn: () => rpc.read(nullable(shapes.record), 'capstan_record', [blockAsked(block)]),
    // A height that is not there yet will be.
    refetchInterval: (query) => (query.state.data === null ? 1_000 : false),
    staleTime: 60_000,
  });
}

/** What transactions from one on touched, where the first answer was full before. */
export function useTouches(block: string, from: number | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['touches', block, from],
    queryFn:
      from === null ? skipToken : () => rpc.read(nullable(shapes.record), 'capstan_record', [blockAsked(block), from]),
    staleTime: Infinity,
  });
}

/** A block as any node of Ethereum tells it. */
export function usePlainBlock(block: string, wanted: boolean) {
  const { rpc } = useNode();
  const method = block.startsWith('0x') ? 'eth_getBlockByHash' : 'eth_getBlockByNumber';
  return useQuery({
    queryKey: ['plainBlock', block],
    queryFn: wanted ? () => rpc.read(nullable(shapes.blockLine), method, [blockAsked(block), false]) : skipToken,
    staleTime: 60_000,
  });
}

export function useContention(from: number | null, to: number | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['contention', from, to],
    queryFn:
      from === null || to === null
        ? skipToken
        : () => rpc.read(shapes.contention, 'capstan_contention', [{ from: quantity(from), to: quantity(to) }]),
    placeholderData: keepPreviousData,
    staleTime: Infinity,
  });
}

export function useTransaction(hash: Hex) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['transaction', hash],
    queryFn: () => rpc.read(nullable(shapes.transaction), 'capstan_decodeTransaction', [hash]),
    refetchInterval: (query) => (query.state.data?.done ? false : 1_000),
    staleTime: 60_000,
  });
}

/** Why a transaction failed, from its trace. */
export function useFailure(hash: Hex, failed: boolean) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['failure', hash],
    queryFn: async () => {
      const traced = fields(
        await rpc.link.request('debug_traceTransaction', [hash, { tracer: 'callTracer' }]),
        'trace',
      );
      const output = nullable(hex)(traced.output, 'trace.output');
      const words = output === null || output === '0x' ? null : await rpc.decodeError(output);
      return { words, error: nullable(string)(traced.error, 'trace.error') };
    },
    enabled: failed,
    staleTime: Infinity,
  });
}

export function useContracts() {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['contracts'],
    queryFn: () => rpc.read(shapes.contracts, 'capstan_contracts'),
    staleTime: Infinity,
  });
}

export function useHistory(address: Hex, cursor: number | null) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['history', address, cursor],
    queryFn: () =>
      rpc.read(shapes.historyPage, 'capstan_accountHistory', [
        address,
        { limit: 15, cursor: cursor === null ? null : quantity(cursor) },
      ]),
    meta: LIVE,
  });
}

export function useWallet(address: Hex) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['wallet', address],
    queryFn: async () => {
      const [coins, nonce, code] = await Promise.all([
        rpc.read(hex, 'eth_getBalance', [address, 'latest']),
        rpc.read(hex, 'eth_getTransactionCount', [address, 'latest']),
        rpc.read(hex, 'eth_getCode', [address, 'latest']),
      ]);
      return { coins: BigInt(coins), nonce: Number(BigInt(nonce)), codeBytes: (code.length - 2) / 2 };
    },
    meta: LIVE,
  });
}
