/** Units for their part of what a product holds, against their part of what it owes: no price and no pool is asked. */
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { approvalOf, type CallProposal } from '../../act/SignCall.tsx';
import { productTokenAbi } from '../../generated/productToken.ts';
import { castCommand, command } from '../../node/commands.ts';
import { publicClient } from '../../node/client.ts';
import type { Hex } from '../../node/decode.ts';
import { LIVE, useNode } from '../../node/node.tsx';
import { useMarkets } from '../../node/queries.ts';
import { exact, exactOf, quantity, readAmount, shown, someWrong, told } from '../../units/quantity.ts';
import { Check, AmountField, Dialog, DialogActions, Notice } from '../../ui/index.ts';
import { useWalletOf } from './queries.ts';
import type { Product } from './shapes.ts';

const UNIT_DECIMALS = 18;
/** Interest until the block: so much more of the debt may be taken. */
const GROWTH_DIVISOR = 1_000n;

export function InKind({
  product,
  owner,
  has,
  onPropose,
  onClose,
}: {
  product: Product;
  owner: Hex;
  has: bigint;
  onPropose: (proposal: CallProposal) => void;
  onClose: () => void;
}) {
  const { link } = useNode();
  const [text, setText] = useState('max');
  const [asUnits, setAsUnits] = useState(false);
  const read = readAmount(text, UNIT_DECIMALS, has);
  const wrong = someWrong(text, read, { of: has, where: 'the wallet has' });
  const units = read.ok && wrong === null ? read.amount : 0n;
  const parts = useQuery({
    queryKey: ['inKind', product.id, units.toString()],
    queryFn: () =>
      publicClient(link).readContract({
        address: product.token,
        abi: productTokenAbi,
        functionName: 'previewRedeemInKind',
        args: [units],
      }),
    enabled: units > 0n,
    retry: false,
    meta: LIVE,
  });
  const markets = useMarkets();
  const debtMarket = markets.data?.find((market) => market.assetId === product.debt.assetId);
  const wallet = useWalletOf(owner, debtMarket ? [debtMarket] : []);
  const [debt = 0n, collateral = 0n, shares = 0n] = parts.data ?? [];
  const debtMax = debt + debt / GROWTH_DIVISOR + 1n;
  const inWallet = wallet.data?.get(product.debt.assetId) ?? 0n;
  const lacks = parts.data !== undefined && inWallet < debt;
  const propose = () => {
    const data = encodeFunctionData({
      abi: productTokenAbi,
      functionName: 'redeemInKind',
      args: [units, debtMax, owner, asUnits],
    });
    onPropose({
      title: `Redeem ${product.symbol} in kind`,
      lines: [
        `Give back ${shown(quantity(units, UNIT_DECIMALS, 'shares'), 6)} ${product.symbol}`,
        `Pay about ${told(product.debt, debt)} of its debt, at most ${told(product.debt, debtMax)}`,
        `Receive about ${told(product.collateral, collateral)} ${asUnits ? 'as units of your account 0' : 'to the wallet'}`,
        ...(shares > 0n
          ? [`Receive about ${shown(quantity(shares, UNIT_DECIMALS, 'shares'), 6)} shares of its pool`]
          : []),
      ],
      call: { to: product.token, data, valueWei: 0n },
      first:
        debtMarket?.kind === 'foreign'
          ? approvalOf(
              product.debt.token,
              product.token,
              debtMax,
              `Allow ${product.symbol} to take ${exactOf(product.debt, debtMax)} ${product.debt.symbol} from the wallet`,
            )
          : null,
      command: asUnits
        ? castCommand(`send ${product.token} ${data}`)
        : command(`product redeem ${product.id} ${exact(quantity(units, UNIT_DECIMALS, 'shares'))} --in-kind`),
    });
  };
  return (
    <Dialog title={`Redeem ${product.symbol} in kind`} onClose={onClose}>
      <p className="small quiet">
        You pay these units’ part of its debt and receive their part of what it holds. Nothing is traded, so no pool and
        no price can be in the way.
      </p>
      <AmountField
        label="Give back"
        hint={`${shown(quantity(has, UNIT_DECIMALS, 'shares'), 6)} there`}
        suffix={product.symbol}
        value={text}
        onChange={setText}
        wrong={wrong}
        autoFocus
      />
      <Check checked={asUnits} onChange={setAsUnits}>
        As units of my account 0, not to the wallet
      </Check>
      {parts.data === undefined ? null : (
        <p className="small">
          You pay {told(product.debt, debt)} and receive <strong>{told(product.collateral, collateral)}</strong>
          {shares > 0n ? ` and ${shown(quantity(shares, UNIT_DECIMALS, 'shares'), 6)} shares of its pool` : ''}.
        </p>
      )}
      {parts.error && units > 0n ? (
        <Notice tone="warn" title="The product refuses this now">
          {parts.error.message.split('\n')[0]}
        </Notice>
      ) : null}
      {lacks ? (
        <Notice tone="warn" title={`There is too little ${product.debt.symbol}`}>
          The wallet has {told(product.debt, inWallet)}. Swap some first, or give back less.
        </Notice>
      ) : null}
      <DialogActions
        onClose={onClose}
        disabled={units === 0n || parts.data === undefined || lacks || parts.isPlaceholderData}
        onGo={propose}
      />
    </Dialog>
  );
}
