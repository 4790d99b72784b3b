/** Machines and what they earn, owe and back, as the node and the contracts' views say: nothing about them is kept anywhere else. */
import { skipToken, useQuery } from '@tanstack/react-query';
import type { ContractFunctionName, ContractFunctionReturnType } from 'viem';
import { addresses } from '../../generated/addresses.ts';
import { incomeAbi } from '../../generated/income.ts';
import { jobsAbi } from '../../generated/jobs.ts';
import { machineShareAbi } from '../../generated/machineShare.ts';
import { termAbi } from '../../generated/term.ts';
import { publicClient } from '../../node/client.ts';
import type { Hex } from '../../node/decode.ts';
import type { Link } from '../../node/link.ts';
import { LIVE, useNode } from '../../node/node.tsx';
import { machinesPage } from './shapes.ts';

const INCOME = { address: addresses.income, abi: incomeAbi } as const;
const JOBS = { address: addresses.jobs, abi: jobsAbi } as const;
const TERM = { address: addresses.term, abi: termAbi } as const;
const MULTICALL = { multicallAddress: addresses.multicall } as const;

type Of<Name extends ContractFunctionName<typeof incomeAbi, 'view'>> = ContractFunctionReturnType<
  typeof incomeAbi,
  'view',
  Name
>;
export type Book = Of<'book'>;
export type Offer = Of<'offer'>;
export type Security = Of<'security'>;
export type Day = Of<'daysOf'>[number];
export type LoanMarket = Of<'market'>;
type Params = Of<'paramsOf'>;
export type IncomeParams = Params[0];
export type Case = Of<'caseOf'>;
export type Work = ContractFunctionReturnType<typeof jobsAbi, 'view', 'machineRecord'>;

/** Tiles of one page. */
export const PAGE = 24;
/** Cases that are looked at: the contract answers a hundred at a time. */
const CASES_PER_CALL = 100n;

function cursorOf(from: number): string | null {
  return from === 0 ? null : `0x${from.toString(16)}`;
}

/** Machines by number from one on, of one holder where one is named. */
export function useMachines(holder: Hex | null, from: number) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['machines', holder, from],
    queryFn: () => rpc.read(machinesPage, 'capstan_machines', [holder, { limit: PAGE, cursor: cursorOf(from) }]),
    placeholderData: (before) => before,
    meta: LIVE,
  });
}

/** One machine; null where there is none of this number. */
export function useMachine(id: number) {
  const { rpc } = useNode();
  return useQuery({
    queryKey: ['machine', id],
    queryFn: async () => {
      const page = await rpc.read(machinesPage, 'capstan_machines', [null, { limit: 1, cursor: cursorOf(id) }]);
      return page.items.find((machine) => machine.machineId === id) ?? null;
    },
    meta: LIVE,
  });
}

async function earningsOf(link: Link, ids: readonly number[]) {
  const calls = ids.flatMap((id) => {
    const args = [BigInt(id)] as const;
    return [
      { ...INCOME, functionName: 'book', args },
      { ...INCOME, functionName: 'offer', args },
      { ...JOBS, functionName: 'machineRecord', args },
    ] as const;
  });
  const told = await publicClient(link).multicall({ ...MULTICALL, contracts: calls, allowFailure: true });
  return new Map(
    ids.map((id, at) => {
      const [book, offer, work] = [told[at * 3], told[at * 3 + 1], told[at * 3 + 2]];
      return [
        id,
        {
          // Both refuse for a machine that has not earned anything yet.
          book: book?.status === 'success' ? (book.result as Book) : null,
          offer: offer?.status === 'success' ? (offer.result as Offer) : null,
          work: work?.status === 'success' ? (work.result as Work) : null,
        },
      ] as const;
    }),
  );
}
export interface Earnings {
  readonly book: Book | null;
  readonly offer: Offer | null;
  readonly work: Work | null;
}

/** What machines of a page earned, in one call. */
export function useEarnings(ids: readonly number[] | undefined) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['earnings', ids],
    queryFn: ids === undefined ? skipToken : () => earningsOf(link, ids),
    placeholderData: (before) => before,
    meta: LIVE,
  });
}

async function readFinance(link: Link, id: number) {
  const client = publicClient(link);
  const args = [BigInt(id)] as const;
  const [book, offer, security, days, customers] = await client.multicall({
    ...MULTICALL,
    contracts: [
      { ...INCOME, functionName: 'book', args },
      { ...INCOME, functionName: 'offer', args },
      { ...INCOME, functionName: 'security', args },
      { ...INCOME, functionName: 'daysOf', args },
      { ...INCOME, functionName: 'customersOf', args },
    ],
    allowFailure: false,
  });
  const [largest, counted, excess] = customers;
  return { book, offer, security, days, customers: { largest, counted, excess } };
}
export type Finance = Awaited<ReturnType<typeof readFinance>>;

/** What a machine earned, what it may borrow and what backs that; null before its book is open. */
export function useFinance(id: number, hasBook: boolean | undefined) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['finance', id, hasBook],
    queryFn: hasBook === undefined ? skipToken : () => (hasBook ? readFinance(link, id) : null),
    meta: LIVE,
  });
}

/** A machine's own account at fixed terms: kind 33, by the machine's number and one. No key controls it. */
export function debtAccount(id: number): Hex {
  return `0xca957a0000000000000000000021${(id + 1).toString(16).padStart(12, '0')}`;
}

async function loansOf(link: Link, id: number) {
  const client = publicClient(link);
  const ids = await client.readContract({ ...TERM, functionName: 'loansOf', args: [debtAccount(id), 0] });
  return Promise.all(
    ids.map(async (loanId) => {
      const [loan, schedule] = await Promise.all([
        client.readContract({ ...TERM, functionName: 'loanOf', args: [loanId] }),
        client.readContract({ ...TERM, functionName: 'scheduleOf', args: [loanId] }),
      ]);
      return { ...loan, schedule };
    }),
  );
}
export type MachineLoan = Awaited<ReturnType<typeof loansOf>>[number];

export function useMachineLoans(id: number, owes: boolean) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['machineLoans', id, owes],
    queryFn: () => (owes ? loansOf(link, id) : []),
    meta: LIVE,
  });
}

/** What `borrow` would answer; its refusal is said where it is signed. */
export function useBorrowQuote(id: number, amount: bigint) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['borrowQuote', id, amount.toString()],
    queryFn:
      amount === 0n
        ? skipToken
        : () =>
            publicClient(link).readContract({ ...INCOME, functionName: 'previewBorrow', args: [BigInt(id), amount] }),
    retry: false,
    meta: LIVE,
  });
}

async function readMarkets(link: Link) {
  const client = publicClient(link);
  const ids = await client.readContract({ ...INCOME, functionName: 'markets' });
  const told = await client.multicall({
    ...MULTICALL,
    contracts: ids.flatMap(
      (assetId) =>
        [
          { ...INCOME, functionName: 'market', args: [assetId] },
          { ...INCOME, functionName: 'paramsOf', args: [assetId] },
        ] as const,
    ),
    allowFailure: false,
  });
  return ids.map((assetId, at) => {
    const [params, next, nextFromMs] = told[at * 2 + 1] as Params;
    return {
      assetId,
      market: told[at * 2] as LoanMarket,
      params,
      next: nextFromMs === 0n ? null : { next, nextFromMs },
    };
  });
}
export type LoanMarketRow = Awaited<ReturnType<typeof readMarkets>>[number];

/** All markets of machine loans. */
export function useLoanMarkets() {
  const { link } = useNode();
  return useQuery({ queryKey: ['loanMarkets'], queryFn: () => readMarkets(link), meta: LIVE });
}

/** What somebody has in a tranche, and what may leave it. */
export function useTranche(share: Hex, owner: Hex | null) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['tranche', share, owner],
    queryFn: async () => {
      const at = { address: share, abi: machineShareAbi } as const;
      const client = publicClient(link);
      const free = await client.readContract({ ...at, functionName: 'free' });
      if (owner === null) return { free, shares: 0n, worth: 0n, mayLeave: 0n };
      const [shares, mayLeave] = await client.multicall({
        ...MULTICALL,
        contracts: [
          { ...at, functionName: 'balanceOf', args: [owner] },
          { ...at, functionName: 'maxWithdraw', args: [owner] },
        ],
        allowFailure: false,
      });
      const worth =
        shares === 0n ? 0n : await client.readContract({ ...at, functionName: 'previewRedeem', args: [shares] });
      return { free, shares, worth, mayLeave };
    },
    meta: LIVE,
  });
}

/** Every case that there ever was, the newest first. */
export function useCases() {
  const { link } = useNode();
  return useQuery({
    queryKey: ['cases'],
    queryFn: async () => {
      const client = publicClient(link);
      const count = await client.readContract({ ...INCOME, functionName: 'caseCount' });
      const all: Case[] = [];
      for (let from = 1n; from <= count; from += CASES_PER_CALL) {
        all.push(...(await client.readContract({ ...INCOME, functionName: 'cases', args: [from, CASES_PER_CALL] })));
      }
      return all.reverse();
    },
    meta: LIVE,
  });
}

export function useCase(id: bigint) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['case', id.toString()],
    queryFn: async () => {
      const told = await publicClient(link).readContract({ ...INCOME, functionName: 'caseOf', args: [id] });
      // What a title costs is asked of those for sale only: the view refuses others.
      const isForSale = told.stage === 2 || told.stage === 3;
      const price = isForSale
        ? await publicClient(link).readContract({ ...INCOME, functionName: 'titlePrice', args: [told.machineId] })
        : null;
      return { ...told, price };
    },
    retry: false,
    meta: LIVE,
  });
}
