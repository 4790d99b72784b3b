import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { approvalOf, SignCall, type CallProposal } from '../../act/SignCall.tsx';
import { addresses } from '../../generated/addresses.ts';
import { productsAbi } from '../../generated/products.ts';
import { productTokenAbi } from '../../generated/productToken.ts';
import { command, signedBy } from '../../node/commands.ts';
import { useHeads } from '../../node/node.tsx';
import type { Market } from '../../node/shapes.ts';
import {
  amountWrong,
  assetUnit,
  exact,
  quantity,
  readAmount,
  shown,
  shownAmount,
  shownBps,
  shownDown,
  shownPrice,
  shownUsd,
  someWrong,
} from '../../units/quantity.ts';
import {
  AmountField,
  Answer,
  Badge,
  Button,
  Card,
  CopyCommand,
  Empty,
  Dialog,
  Notice,
  Num,
  Stat,
  Stats,
  Tabs,
} from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { useProduct, useProductPreview, useProducts, useProductUnits, useWalletOf } from './queries.ts';
import type { Product } from './shapes.ts';
import { InKind } from './InKind.tsx';
import { NewProduct } from './NewProduct.tsx';
import { productWords } from './words.ts';

const ROOM_BPS = 100n;
const VALID_MS = 600_000;
/** The gas coin, which pays for the block's work. */
const COIN = { assetId: 0, token: '0x', kind: 'coin' } as const;
/** Phases of a product, as the contract counts them. */
const [OPEN, CLOSING, CLOSED] = [0, 1, 2];

export function Products({ markets }: { markets: readonly Market[] }) {
  const products = useProducts();
  return (
    <Answer of={products} lines={6}>
      {({ items }) =>
        items.length === 0 ? (
          <Card title="Leveraged tokens and vaults" command={command('product list')}>
            <Empty action={<NewProduct markets={markets} />}>This chain has none. Anybody may make one.</Empty>
          </Card>
        ) : (
          <div className="stack">
            {items.map((product) => (
              <One
                key={product.id}
                product={product}
                base={markets.find((market) => market.assetId === product.baseAssetId)}
              />
            ))}
            <Card
              title="A product of your own"
              aside={<NewProduct markets={markets} />}
              command={command('product list')}
            >
              <p className="small quiet">
                Anybody may make one from two assets and a target, for ever. The block keeps it there, as long as coins
                pay for that.
              </p>
            </Card>
          </div>
        )
      }
    </Answer>
  );
}

function One({ product, base }: { product: Product; base: Market | undefined }) {
  const copy = command(`product show ${product.id}`);
  const measure = product.kind === 'loop' ? 'health' : 'leverage';
  return (
    <Card
      title={`${product.symbol}: ${productWords(product)}`}
      aside={product.reserve.amount === 0n ? <Badge tone="warn">nobody pays for its rebalances</Badge> : undefined}
      command={copy}
    >
      <Stats>
        <Stat name="One unit is worth">
          {product.unitValue === null ? 'a price is missing' : <Num copy={copy}>{shownPrice(product.unitValue)}</Num>}
        </Stat>
        <Stat
          name={`Its ${measure} now`}
          note={`the block brings it back when it leaves ${shown(product.low, 2)} to ${shown(product.high, 2)}`}
        >
          <Num copy={copy}>{product.leverage === null ? '?' : shown(product.leverage, 3)}</Num>
        </Stat>
        <Stat name="Holds" note={`and owes ${shownAmount(product.owed)} ${product.debt.symbol}`}>
          <Num copy={copy} unit={product.collateral.symbol}>
            {shownAmount(product.held)}
          </Num>
        </Stat>
        <Stat name="Own capital" note={`at most ${shownUsd(product.cap)}`}>
          <Num copy={copy}>{product.equity === null ? '?' : shownUsd(product.equity)}</Num>
        </Stat>
      </Stats>
      {product.failures > 0 ? (
        <Notice tone="warn" title={`Its last ${product.failures} rebalances failed`}>
          The block tries again. Until it succeeds, units move more than they should.
        </Notice>
      ) : null}
      <p className="small quiet">
        A product that keeps its leverage buys after rises and sells after falls. In a market that goes up and down and
        ends where it began, that costs.
      </p>
      {base === undefined ? null : <Desk product={product} base={base} />}
      <TopUp product={product} />
      <Own product={product} />
    </Card>
  );
}

type Wish = 'buy' | 'redeem';

function Desk({ product, base }: { product: Product; base: Market }) {
  const wallet = useWallet();
  const [wish, setWish] = useState<Wish>('buy');
  const [text, setText] = useState('');
  const now = useHeads()[0];
  const [proposal, setProposal] = useState<CallProposal | null>(null);
  const owns = useProductUnits(product, wallet?.address ?? null, base.token);
  const inWallet = useWalletOf(wallet?.address ?? null, [base]);
  const isBuy = wish === 'buy';
  const has = isBuy ? (inWallet.data?.get(base.assetId) ?? 0n) : (owns.data?.units ?? 0n);
  const decimals = isBuy ? base.decimals : 18;
  const read = readAmount(text, decimals, has);
  const amount = read.ok ? read.amount : 0n;
  const preview = useProductPreview(product, wish, amount);
  const unit = isBuy ? base.symbol : product.symbol;
  const wrong = amountWrong(text, read, wallet === null ? undefined : { of: has, where: 'the wallet has' });
  const needsApproval = isBuy && base.kind === 'foreign' && (owns.data?.allowed ?? 0n) < amount;
  const gets =
    preview.data === undefined
      ? null
      : isBuy
        ? quantity(preview.data, 18, 'shares')
        : quantity(preview.data, base.decimals, assetUnit(base.assetId));
  const cli = command(
    `product ${isBuy ? 'mint' : 'redeem'} ${product.id} ${amount === 0n ? '1' : exact(quantity(amount, decimals, 'shares'))} --slippage ${shownBps(Number(ROOM_BPS)).replace(' ', '')}`,
  );
  const propose = () => {
    if (wallet === null || preview.data === undefined || now === undefined) return;
    const least = (preview.data * (10_000n - ROOM_BPS)) / 10_000n;
    const deadlineMs = BigInt(now.timestamp * 1_000 + VALID_MS);
    const data = encodeFunctionData({
      abi: productTokenAbi,
      functionName: isBuy ? 'depositWithin' : 'redeemWithin',
      args: [amount, least, wallet.address, deadlineMs],
    });
    const paid = `${shown(quantity(amount, decimals, 'shares'), 6)} ${unit}`;
    const leastWords = isBuy
      ? `${shownDown(quantity(least, 18, 'shares'), 6)} ${product.symbol}`
      : `${shownDown(quantity(least, base.decimals, 'shares'), 6)} ${base.symbol}`;
    setProposal({
      title: `${isBuy ? 'Buy' : 'Redeem'} ${product.symbol}`,
      lines: [
        isBuy ? `Pay ${paid} from the wallet` : `Give back ${paid}`,
        `Receive at least ${leastWords}, or nothing happens`,
      ],
      notes: gets === null ? [] : [`Now it would be ${shown(gets, 6)} ${isBuy ? product.symbol : base.symbol}.`],
      call: { to: product.token, data, valueWei: 0n },
      first: needsApproval
        ? approvalOf(base.token, product.token, amount, `Allow ${product.symbol} to take ${paid} from the wallet`)
        : null,
      command: cli,
    });
  };
  return (
    <Tabs
      label={`Buy or redeem ${product.symbol}`}
      tabs={[
        { id: 'buy', text: 'Buy' },
        { id: 'redeem', text: 'Redeem' },
      ]}
      chosen={wish}
      onChoose={(next) => {
        setWish(next);
        setText('');
      }}
    >
      <div className="stack">
        <AmountField
          label={isBuy ? 'Pay' : 'Give back'}
          hint={wallet === null ? undefined : `${shown(quantity(has, decimals, 'shares'), 6)} there`}
          suffix={unit}
          value={text}
          onChange={setText}
          wrong={wrong}
        />
        {gets === null || amount === 0n ? null : (
          <p className="small">
            You receive about <strong>{shown(gets, 6)}</strong> {isBuy ? product.symbol : base.symbol}, and at most{' '}
            {shownBps(Number(ROOM_BPS))} less; the fee of {shownBps(product.feeBps)} is in it and stays with those who
            hold.
          </p>
        )}
        {preview.error && amount > 0n ? (
          <p className="warn small">The product refuses this now: {preview.error.message.split('\n')[0]}</p>
        ) : null}
        <div className="row spread">
          <CopyCommand command={wallet === null ? cli : signedBy({ owner: wallet.address }, cli)} />
          <Button
            look="primary"
            disabled={wallet === null || amount === 0n || wrong !== null || preview.data === undefined}
            onClick={propose}
          >
            {wallet === null ? 'Connect a wallet first' : isBuy ? 'Buy…' : 'Redeem…'}
          </Button>
        </div>
        {proposal === null || wallet === null ? null : (
          <SignCall
            from={wallet.address}
            proposal={proposal}
            onClose={() => setProposal(null)}
            onDone={() => setText('')}
          />
        )}
      </div>
    </Tabs>
  );
}

/** What only some may do, or want: closing, and units without any trade. */
function Own({ product }: { product: Product }) {
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
function TopUp({ product }: { product: Product }) {
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
