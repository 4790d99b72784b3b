/** Fixed terms: who lends what at which rate, what one owes by them, and what one is owed. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { Act, type Proposal } from '../../../act/Act.tsx';
import { SignCall, type CallProposal } from '../../../act/SignCall.tsx';
import { addresses } from '../../../generated/addresses.ts';
import { termAbi } from '../../../generated/term.ts';
import { command, indexed } from '../../../node/commands.ts';
import type { Market } from '../../../node/shapes.ts';
import { told } from '../../../units/quantity.ts';
import { Answer, Button, Card, Dialog, Empty } from '../../../ui/index.ts';
import { useMine } from '../../../wallet/chosen.tsx';
import { assetsOf } from '../bring.ts';
import { HandOver } from '../HandOver.tsx';
import { whomFlag } from '../whom.ts';
import { NewOffer } from './NewOffer.tsx';
import { Payments } from './Payments.tsx';
import { useClaims, useLoans, useOffers, type Loan, type Offer } from './queries.ts';
import { Repay } from './Repay.tsx';
import { Take } from './Take.tsx';
import { OfferTable, LoanTable } from './TermTables.tsx';

type Open =
  | { what: 'offer' }
  | { what: 'take'; offer: Offer }
  | { what: 'repay'; loan: Loan }
  | { what: 'schedule'; loan: Loan }
  | { what: 'hand over'; loan: Loan }
  | null;

export default function Terms({ markets }: { markets: readonly Market[] }) {
  const account = useMine();
  const offers = useOffers();
  const loans = useLoans(account);
  const claims = useClaims(account?.owner ?? null);
  const [open, setOpen] = useState<Open>(null);
  const [proposal, setProposal] = useState<Proposal | null>(null);
  const [call, setCall] = useState<CallProposal | null>(null);
  const named = assetsOf(markets);
  const coin = (assetId: number) => ({ assetId, ...named(assetId) });
  const close = () => setOpen(null);
  const propose = (next: Proposal) => {
    close();
    setProposal(next);
  };
  const cancel = (offer: Offer) => {
    const data = encodeFunctionData({ abi: termAbi, functionName: 'cancelOffer', args: [offer.id] });
    setCall({
      title: `Take back offer ${offer.id}`,
      lines: [
        `Bring the ${told(coin(offer.terms.assetId), offer.left)} that nobody has taken to your account ${offer.lenderIndex}`,
      ],
      call: { to: addresses.term, data, valueWei: 0n },
      command: command(`loan cancel ${offer.id}`),
    });
  };
  const repaid = open?.what === 'repay' ? markets.find((market) => market.assetId === open.loan.assetId) : undefined;
  return (
    <div className="stack apart">
      {account !== null && loans.data && loans.data.length > 0 ? (
        <Card
          title="You owe at fixed terms"
          command={command(indexed(account.index, `loan list ${account.owner}`))}
          flush
        >
          <LoanTable
            caption="Your loans"
            loans={loans.data}
            coin={coin}
            who={(loan) => loan.lender}
            actions={(loan) => (
              <>
                <Button slim onClick={() => setOpen({ what: 'repay', loan })}>
                  Pay
                </Button>
                <Button slim look="bare" onClick={() => setOpen({ what: 'schedule', loan })}>
                  Payments
                </Button>
              </>
            )}
          />
        </Card>
      ) : null}
      {account !== null && claims.data && claims.data.length > 0 ? (
        <Card title="You are owed at fixed terms" flush>
          <LoanTable
            caption="Your claims"
            loans={claims.data}
            coin={coin}
            who={(loan) => loan.borrower}
            actions={(loan) => (
              <>
                <Button slim look="bare" onClick={() => setOpen({ what: 'schedule', loan })}>
                  Payments
                </Button>
                <Button slim look="bare" onClick={() => setOpen({ what: 'hand over', loan })}>
                  Hand over
                </Button>
              </>
            )}
          />
        </Card>
      ) : null}
      <Card
        title="Offers"
        command={command('loan offers')}
        aside={
          account === null ? null : (
            <Button slim onClick={() => setOpen({ what: 'offer' })}>
              Lend at fixed terms
            </Button>
          )
        }
        flush
      >
        <p className="pad lead quiet small">
          A rate that nothing moves, paid back by a schedule. Your account is the collateral, as for any other debt.
        </p>
        <Answer of={offers} lines={4}>
          {(all) =>
            all.length === 0 ? (
              <Empty>
                Nobody offers a loan at fixed terms now.
                {account === null ? ' Connect a wallet to make the first offer.' : ' Make the first offer.'}
              </Empty>
            ) : (
              <OfferTable
                offers={all}
                coin={coin}
                account={account}
                onTake={(offer) => setOpen({ what: 'take', offer })}
                onCancel={cancel}
              />
            )
          }
        </Answer>
      </Card>
      {open?.what === 'offer' && account !== null && call === null ? (
        <NewOffer account={account} markets={markets} onCall={setCall} onClose={close} />
      ) : null}
      {open?.what === 'take' && account !== null ? (
        <Take
          offer={open.offer}
          coin={coin(open.offer.terms.assetId)}
          account={account}
          onPropose={propose}
          onClose={close}
        />
      ) : null}
      {open?.what === 'repay' && account !== null && repaid ? (
        <Repay loan={open.loan} coin={repaid} account={account} markets={markets} onPropose={propose} onClose={close} />
      ) : null}
      {open?.what === 'schedule' ? (
        <Dialog title={`Payments of loan ${open.loan.id}`} onClose={close}>
          <Payments of={coin(open.loan.assetId)} payments={open.loan.schedule} />
        </Dialog>
      ) : null}
      {open?.what === 'hand over' && call === null ? (
        <HandOver
          title={`Hand over the claim on loan ${open.loan.id}`}
          proposalFor={(to, index) => {
            const data = encodeFunctionData({
              abi: termAbi,
              functionName: 'transferClaim',
              args: [open.loan.id, to, index],
            });
            return {
              lines: [`From now on every payment on loan ${open.loan.id} goes to account ${index} of ${to}`],
              note: '',
              call: { to: addresses.term, data, valueWei: 0n },
              command: command(`loan hand-over ${open.loan.id} ${to}${whomFlag({ index })}`),
            };
          }}
          onCall={setCall}
          onClose={close}
        />
      ) : null}
      {proposal !== null && account !== null ? (
        <Act account={account} proposal={proposal} asset={named} onClose={() => setProposal(null)} />
      ) : null}
      {call !== null && account !== null ? (
        <SignCall
          from={account.owner}
          proposal={call}
          onClose={() => {
            setCall(null);
            close();
          }}
        />
      ) : null}
    </div>
  );
}
