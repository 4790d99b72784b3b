import { useState } from 'react';
import { Link } from 'react-router';
import { useSend } from '../../act/send.ts';
import type { Hex } from '../../node/decode.ts';
import { Button, Notice } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';

/** Signs one call of a form, and says how it ended. */
export function WriteButton({
  title,
  isReady,
  onRefused,
  request,
}: {
  title: string;
  isReady: boolean;
  onRefused: () => void;
  request: () => { to: Hex; data: Hex; value: bigint };
}) {
  const wallet = useWallet();
  const { send, isPending, error } = useSend();
  const [done, setDone] = useState<Hex | null>(null);
  const sign = () => {
    if (!isReady) {
      onRefused();
      return;
    }
    const { to, data, value } = request();
    setDone(null);
    send({ call: { to, data, valueWei: value }, words: title }, setDone);
  };
  return (
    <>
      <div className="row">
        <Button slim look="primary" disabled={wallet === null || isPending} onClick={sign}>
          {isPending ? 'Waiting for its block…' : 'Sign and send'}
        </Button>
        {wallet === null ? <span className="faint small">Connect a wallet first.</span> : null}
      </div>
      {error ? (
        <Notice tone="bad" title={error.said.title}>
          {error.said.words} {error.said.help}
        </Notice>
      ) : null}
      {done === null ? null : (
        <Notice tone="good" title="Done">
          <Link to={`/explorer/tx/${done}`}>See what it did</Link>
        </Notice>
      )}
    </>
  );
}
