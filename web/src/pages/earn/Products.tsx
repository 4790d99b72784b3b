import { useState } from 'react';
import { encodeFunctionData } from 'viem';
import { approvalOf, SignCall, type CallProposal } from '../../act/SignCall.tsx';
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
} from '../../units/quantity.ts';
import {
  AmountField,
  Answer,
  Badge,
  Button,
  Card,
  CopyCommand,
  Empty,
  Notice,
  Num,
  Stat,
  Stats,
  Tabs,
} from '../../ui/index.ts';
import { useWallet } from '../../wallet/wallet.tsx';
import { useProductPreview, useProducts, useProductUnits, useWalletOf } from './queries.ts';
import type { Product } from './shapes.ts';
import { NewProduct } from './NewProduct.tsx';
import { productWords } from './words.ts';
import { OwnProduct, TopUp } from './OwnProduct.tsx';

const ROOM_BPS = 100n;

const VALID_MS = 600_000;

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
      <OwnProduct product={product} />
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
