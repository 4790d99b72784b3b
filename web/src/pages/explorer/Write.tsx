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
  const send = useSend();
  const [done, setDone] = useState<Hex | null>(null);
  const sign = () => {
    if (!isReady) {
      onRefused();
      return;
    }
    const { to, data, value } = request();
    setDone(null);
    send.mutate({ call: { to, data, valueWei: value }, words: title }, { onSuccess: setDone });
  };
  return (
    <>
      <div className="row">
        <Button slim look="primary" disabled={wallet === null || send.isPending} onClick={sign}>
          {send.isPending ? 'Waiting for its block…' : 'Sign and send'}
        </Button>
        {wallet === null ? <span className="faint small">Connect a wallet first.</span> : null}
      </div>
      {send.error ? (
        <Notice tone="bad" title={send.error.said.title}>
          {send.error.said.words} {send.error.said.help}
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
