import { useState } from 'react';
import { useConnect, useConnectors, useDisconnect } from 'wagmi';
import { useCoinBalance, useIsDev } from '../node/queries.ts';
import { PLACES, quantity, shown } from '../units/quantity.ts';
import { Address, Button, Dialog, Notice, shortAddress, toast } from '../ui/index.ts';
import { BURNER_ID, burnerKey, forgetBurner } from './burner.ts';
import { useFund } from './fund.ts';
import { useWallet } from './wallet.tsx';

export function WalletButton() {
  const [open, setOpen] = useState(false);
  const wallet = useWallet();
  return (
    <>
      <Button look={wallet ? 'plain' : 'primary'} onClick={() => setOpen(true)} data-testid="wallet">
        {wallet ? <span className="mono">{shortAddress(wallet.address)}</span> : 'Connect'}
      </Button>
      {open ? <WalletDialog onClose={() => setOpen(false)} /> : null}
    </>
  );
}

function WalletDialog({ onClose }: { onClose: () => void }) {
  const wallet = useWallet();
  return (
    <Dialog title={wallet ? 'Your wallet' : 'Who acts'} onClose={onClose}>
      {wallet ? <Connected onClose={onClose} /> : <Choose onDone={onClose} />}
    </Dialog>
  );
}

function Choose({ onDone }: { onDone: () => void }) {
  const connectors = useConnectors();
  const isDev = useIsDev();
  const { mutate: connect, error, isPending } = useConnect({ mutation: { onSuccess: onDone } });
  const others = connectors.filter((connector) => connector.id !== BURNER_ID);
  // The plain injected connector doubles what a wallet announces itself.
  const announced = others.filter((connector) => connector.id !== 'injected');
  const hasInjected = 'ethereum' in window;
  const wallets = announced.length > 0 ? announced : hasInjected ? others : [];
  const burner = connectors.find((connector) => connector.id === BURNER_ID);
  return (
    <div className="stack">
      {burner ? (
        <div className="stack near">
          <Button look="primary" wide disabled={isPending} onClick={() => connect({ connector: burner })}>
            Use a burner account
          </Button>
          <p className="small faint">
            A key that this browser makes and keeps.{' '}
            {isDev.data === true ? 'Coins for it are one click away.' : 'Keep nothing of value on it.'}
          </p>
        </div>
      ) : null}
      {wallets.map((connector) => (
        <Button key={connector.uid} wide disabled={isPending} onClick={() => connect({ connector })}>
          {connector.name === 'Injected' ? 'The wallet of this browser' : connector.name}
        </Button>
      ))}
      {wallets.length === 0 ? <p className="small faint">No wallet extension was found in this browser.</p> : null}
      {error ? (
        <Notice tone="bad" title="The wallet did not connect">
          {error.message.split('\n')[0]}
        </Notice>
      ) : null}
    </div>
  );
}

function Connected({ onClose }: { onClose: () => void }) {
  const wallet = useWallet();
  const { mutate: disconnect } = useDisconnect();
  const coins = useCoinBalance(wallet?.address ?? null);
  const isDev = useIsDev();
  const fund = useFund();
  const [sure, setSure] = useState(false);
  if (!wallet) return null;
  return (
    <div className="stack">
      <dl className="stats">
        <div className="stat">
          <dt>{wallet.name}</dt>
          <dd>
            <Address of={wallet.address} />
          </dd>
        </div>
        <div className="stat">
          <dt>Coins for gas</dt>
          <dd>
            {coins.data === undefined ? '…' : shown(quantity(coins.data, 18, 'asset:0'), PLACES.amount)}
            <span className="unit">ETH</span>
          </dd>
        </div>
      </dl>
      {isDev.data === true ? (
        <div className="stack near">
          <Button
            look="primary"
            disabled={fund.isPending}
            onClick={() => fund.mutate(wallet.address)}
            data-testid="fund"
          >
            {fund.isPending ? 'Sending…' : 'Send it play money'}
          </Button>
          <p className="small faint">
            From unlocked accounts of this development chain: 100 ETH, and about 10&nbsp;000&nbsp;dollars of each token,
            as long as there is some. Everybody gets the same, once.
          </p>
        </div>
      ) : null}
      {wallet.isBurner && isDev.data === false ? (
        <Notice title="Coins must be sent to it">
          <span className="row">
            <code>{wallet.address}</code>
            <Button
              slim
              onClick={() => {
                void navigator.clipboard.writeText(wallet.address).then(() => toast('The address was copied'));
              }}
            >
              Copy the address
            </Button>
          </span>
          This chain gives no play money. What you send there from another wallet or an exchange pays for gas and can be
          used here; keep nothing on it that you would miss.
        </Notice>
      ) : null}
      {fund.error ? (
        <Notice tone="bad" title="Nothing was sent">
          {fund.error.message}
        </Notice>
      ) : null}
      {fund.isSuccess ? (
        <Notice tone="good" title="Arrived">
          {fund.data}
        </Notice>
      ) : null}
      {sure ? (
        <Notice tone="warn" title="Forget this key?">
          <span className="row">
            What is on its account is out of reach afterwards.
            <Button
              slim
              look="danger"
              onClick={() => {
                disconnect({});
                forgetBurner();
                onClose();
              }}
            >
              Forget it
            </Button>
            <Button slim onClick={() => setSure(false)}>
              Keep it
            </Button>
          </span>
        </Notice>
      ) : null}
      <div className="dialog-actions">
        {wallet.isBurner ? (
          <>
            <Button
              look="bare"
              onClick={() => {
                void navigator.clipboard.writeText(burnerKey() ?? '').then(() => toast('The private key was copied'));
              }}
            >
              Copy its key
            </Button>
            <Button look="bare" onClick={() => setSure(true)}>
              Forget it
            </Button>
          </>
        ) : null}
        <Button
          onClick={() => {
            disconnect({});
            onClose();
          }}
        >
          Disconnect
        </Button>
      </div>
    </div>
  );
}
