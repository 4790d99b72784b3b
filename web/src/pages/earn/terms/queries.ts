/** Questions about fixed terms as hooks. Claims stand in no list of the chain: its events name them. */
import { skipToken, useQuery } from '@tanstack/react-query';
import { addresses } from '../../../generated/addresses.ts';
import { termAbi, termEvents } from '../../../generated/term.ts';
import { publicClient } from '../../../node/client.ts';
import type { Hex } from '../../../node/decode.ts';
import type { Link } from '../../../node/link.ts';
import { LIVE, useNode } from '../../../node/node.tsx';
import type { AccountName } from '../../../node/rpc.ts';
import { SEARCH_MS } from '../queries.ts';
import type { OfferTerms } from './offer.ts';

const TERM = { address: addresses.term, abi: termAbi } as const;
const EVENTS = { address: addresses.term, abi: termEvents, fromBlock: 0n, strict: true } as const;
/** Pages of offers that are looked at; the contract looks at a hundred numbers at a time. */
const PAGES_MAX = 20;
const NUMBERS_PER_PAGE = 100n;

function wasOffered(link: Link, id: bigint): Promise<boolean> {
  const asked = publicClient(link).readContract({ ...TERM, functionName: 'offerOf', args: [id] });
  return asked.then(
    () => true,
    () => false,
  );
}

export function useOffers() {
  const { link } = useNode();
  return useQuery({
    queryKey: ['offers'],
    queryFn: async () => {
      const client = publicClient(link);
      const all = [];
      for (let page = 0n; page < PAGES_MAX; page += 1n) {
        const some = await client.readContract({
          ...TERM,
          functionName: 'offers',
          args: [page * NUMBERS_PER_PAGE],
        });
        all.push(...some);
        // A hundred that were taken whole look like the end; the number after them says whether it is.
        if (some.length === 0 && !(await wasOffered(link, page * NUMBERS_PER_PAGE + 1n))) break;
      }
      return all;
    },
    meta: LIVE,
  });
}
export type Offer = NonNullable<ReturnType<typeof useOffers>['data']>[number];

async function loanWithTerms(link: Link, id: bigint) {
  const client = publicClient(link);
  const loan = await client.readContract({ ...TERM, functionName: 'loanOf', args: [id] });
  const [offer, schedule] = await Promise.all([
    client.readContract({ ...TERM, functionName: 'offerOf', args: [loan.offer] }),
    client.readContract({ ...TERM, functionName: 'scheduleOf', args: [id] }),
  ]);
  return { ...loan, terms: offer.terms, schedule };
}
export type Loan = Awaited<ReturnType<typeof loanWithTerms>>;

/** What an account owes at fixed terms. */
export function useLoans(of: AccountName | null) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['loans', of],
    queryFn: of
      ? async () => {
          const ids = await publicClient(link).readContract({
            ...TERM,
            functionName: 'loansOf',
            args: [of.owner, of.index],
          });
          return Promise.all(ids.map((id) => loanWithTerms(link, id)));
        }
      : skipToken,
    meta: LIVE,
  });
}

/** What somebody is owed at fixed terms: loans of his offers, and claims that were handed to him, if they are still his. */
export function useClaims(owner: Hex | null) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['claims', owner],
    queryFn: owner ? () => claimsOf(link, owner) : skipToken,
    refetchInterval: SEARCH_MS,
  });
}

async function claimsOf(link: Link, owner: Hex): Promise<Loan[]> {
  const client = publicClient(link);
  const offered = await client.getContractEvents({ ...EVENTS, eventName: 'Offered', args: { lender: owner } });
  const offers = offered.map((event) => event.args.id);
  const [taken, moved] = await Promise.all([
    offers.length === 0 ? [] : client.getContractEvents({ ...EVENTS, eventName: 'LoanTaken', args: { offer: offers } }),
    client.getContractEvents({ ...EVENTS, eventName: 'ClaimMoved', args: { lender: owner } }),
  ]);
  const ids = [...new Set([...taken, ...moved].map((event) => event.args.id))];
  // One that has ended is none any more.
  const loans = await Promise.all(ids.map((id) => loanWithTerms(link, id).catch(() => null)));
  return loans.filter((loan) => loan !== null).filter((loan) => loan.lender.toLowerCase() === owner.toLowerCase());
}

/** The payments that a loan would have if it were taken now. */
export function usePlan(terms: OfferTerms | null, principal: bigint) {
  const { link } = useNode();
  return useQuery({
    queryKey: ['termPlan', terms === null ? null : { ...terms, least: '', expiresMs: '' }, principal.toString()],
    queryFn:
      terms === null || principal === 0n
        ? skipToken
        : () => publicClient(link).readContract({ ...TERM, functionName: 'plan', args: [terms, principal] }),
    retry: false,
    staleTime: SEARCH_MS,
  });
}
export type Payment = NonNullable<ReturnType<typeof usePlan>['data']>[number];
