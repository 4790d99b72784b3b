/** What the owner of a product does with it, and coins for its work, which anybody may bring. */
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { productsAbi } from '../../generated/products.ts';
import { command, signedBy } from '../../node/commands.ts';
import { exact, quantity, readAmount, shown, shownAmount, someWrong } from '../../units/quantity.ts';
import { AmountField, Button, CopyCommand, Dialog, Notice } from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { useProduct, useProductUnits, useWalletOf } from './queries.ts';
import type { Product } from './shapes.ts';
import { InKind } from './InKind.tsx';

/** Phases of a product, as the contract counts them. */
const [OPEN, CLOSING, CLOSED] = [0, 1, 2];
/** The gas coin, which pays for the block's work. */
const COIN = { assetId: 0, token: '0x', kind: 'coin' } as const;

/** What only some may do, or want: closing, and units without any trade. */
export function OwnProduct({ product }: { product: Product }) {
  const wallet = useWallet();
  const standing = useProduct(product.id);
  const owns = useProductUnits(product, wallet?.address ?? null, product.debt.token);
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const [isInKind, setInKind] = useState(false);
  if (wallet === null || !standing.data) return null;
  const { policy, phase } = standing.data;
  const isOwner = policy.owner.toLowerCase() === wallet.address.toLowerCase();
  const has = owns.data?.units ?? 0n;
  const canTake = has > 0n && phase !== CLOSED;
  const canClose = isOwner && phase === OPEN;
  const close = () =>
    setProposal({
      title: `Close ${product.symbol}`,
      lines: [
        `Nobody buys units of ${product.symbol} any more`,
        'The block sells what it holds for its base asset and pays its debt, in as many steps as pools need',
        'Units are redeemed all the while; what is left of its coins comes to you',
      ],
      notes: ['This cannot be undone.'],
      call: {
        to: addresses.products,
        data: encodeFunctionData({ abi: productsAbi, functionName: 'close', args: [product.id] }),
        valueWei: 0n,
      },
      command: command(`product close ${product.id}`),
    });
  return (
    <>
      {phase === OPEN ? null : (
        <Notice tone="warn" title={phase === CLOSING ? 'It is being closed' : 'It is closed'}>
          {phase === CLOSING
            ? 'Nobody buys units any more. The block turns what it holds into its base asset; units are redeemed all the while.'
            : 'Each unit is its part of the base asset, to the last.'}
        </Notice>
      )}
      {canTake || canClose ? (
        <div className="row">
          {canTake ? (
            <Button slim onClick={() => setInKind(true)}>
              Redeem in kind
            </Button>
          ) : null}
          {canClose ? (
            <Button slim look="danger" onClick={close}>
              Close it
            </Button>
          ) : null}
        </div>
      ) : null}
      {isInKind && proposal === null ? (
        <InKind
          product={product}
          owner={wallet.address}
          has={has}
          onPropose={setProposal}
          onClose={() => setInKind(false)}
        />
      ) : null}
      {proposal === null ? null : (
        <SignCall
          from={wallet.address}
          proposal={proposal}
          onClose={() => {
            setProposal(null);
            setInKind(false);
          }}
        />
      )}
    </>
  );
}

/** Coins for the block's work on a product. */
export function TopUp({ product }: { product: Product }) {
  const wallet = useWallet();
  const [isOpen, setOpen] = useState(false);
  const [text, setText] = useState('0.05');
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const inWallet = useWalletOf(wallet?.address ?? null, [COIN]);
  const has = inWallet.data?.get(COIN.assetId) ?? 0n;
  const read = readAmount(text, 18, 0n);
  const wrong =
    someWrong(text, read, { of: has, where: 'the wallet has' }) ?? (read.ok && read.all ? 'say how much' : null);
  if (wallet === null) return null;
  const cli = command(`product top-up ${product.id} ${read.ok ? exact(quantity(read.amount, 18, 'shares')) : '0.05'}`);
  const propose = () => {
    if (!read.ok) return;
    const data = encodeFunctionData({ abi: productsAbi, functionName: 'topUp', args: [product.id] });
    setProposal({
      title: `Pay for rebalances of ${product.symbol}`,
      lines: [`Give ${shown(quantity(read.amount, 18, 'shares'), 6)} ETH for the block’s work on it`],
      notes: ['Nobody gets it back while the product stands.'],
      call: { to: addresses.products, data, valueWei: read.amount },
      command: cli,
    });
  };
  return (
    <div className="row spread small faint">
      <span>{shownAmount(product.reserve)} ETH are left to pay the block for its rebalances.</span>
      <Button slim look="bare" onClick={() => setOpen(true)}>
        Add coins
      </Button>
      {isOpen && proposal === null ? (
        <Dialog title={`Coins for ${product.symbol}`} onClose={() => setOpen(false)}>
          <AmountField label="How much" suffix="ETH" value={text} onChange={setText} wrong={wrong} autoFocus />
          <div className="dialog-actions">
            <CopyCommand command={signedBy({ owner: wallet.address }, cli)} />
            <Button look="primary" disabled={!read.ok || text.trim() === '' || wrong !== null} onClick={propose}>
              See what it does
            </Button>
          </div>
        </Dialog>
      ) : null}
      {proposal === null ? null : (
        <SignCall
          from={wallet.address}
          proposal={proposal}
          onClose={() => {
            setProposal(null);
            setOpen(false);
          }}
        />
      )}
    </div>
  );
}
