/** A wallet that lacks what is asked for: what to do about it, which differs by chain. */
import { useIsDev } from '../node/queries.ts';
import { Address, Button, Notice } from '../ui/index.ts';
import { useFund } from './fund.ts';
import { useWallet } from './wallet.tsx';

export function EmptyWallet({ symbol }: { symbol: string }) {
  const wallet = useWallet();
  const isDev = useIsDev();
  const fund = useFund();
  if (wallet === null || isDev.data === undefined) return null;
  return (
    <Notice title={`The wallet has no ${symbol}`}>
      {isDev.data ? (
        <span className="row">
          {fund.error ? fund.error.message : 'On this development chain play money is there for everybody, once.'}
          {fund.error ? null : (
            <Button slim disabled={fund.isPending} onClick={() => fund.mutate(wallet.address)}>
              {fund.isPending ? 'Sending…' : 'Send it play money'}
            </Button>
          )}
        </span>
      ) : (
        <>
          Send some to <Address of={wallet.address}>{wallet.address}</Address>.
        </>
      )}
    </Notice>
  );
}
