// The contract of docs/solidity.md: a flash loan, two swaps, a profit to the unit, and a refusal where there is none.
// Its other side is Uniswap's own v2 pair, from its npm package.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { before, describe, test } from 'node:test'
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, getAddress, http, maxUint256, parseEventLogs, zeroAddress,
} from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry as chain } from 'viem/chains'
import {
  capstanOnly, FlashArbitrage, listedAsset, MNEMONIC, nativeAbi, nativeAddresses, protocolOwner, RPC_URL, TestToken,
} from './common.mjs'

const peers = createRequire(new URL('../peers/exchange/package.json', import.meta.url))
const UniswapV2Factory = peers('@uniswap/v2-core/build/UniswapV2Factory.json')
const UniswapV2Pair = peers('@uniswap/v2-core/build/UniswapV2Pair.json')

// Only the protocol's owner lists what flash lends and pools hold.
const owner = protocolOwner
const trader = mnemonicToAccount(MNEMONIC, { addressIndex: 14 })
const transport = http(RPC_URL)
const client = createPublicClient({ chain, transport, pollingInterval: 50 })
const wallets = new Map([owner, trader].map((account) => [account, createWalletClient({ account, chain, transport })]))

const whole = (count) => BigInt(count) * 10n ** 18n
const FEE_PIPS = 500n
const FLASH_FEE_BPS = 5n

/// With a fifth of gas on top of the estimate: a pool writes down its price every fifteen seconds, and whose block that is, nobody
/// knows beforehand.
async function send(account, contract, functionName, args) {
  const call = { ...contract, account, functionName, args }
  const gas = (await client.estimateContractGas(call) * 6n) / 5n
  const hash = await wallets.get(account).writeContract({ ...call, gas })
  const receipt = await client.waitForTransactionReceipt({ hash, timeout: 10_000 })
  assert.equal(receipt.status, 'success')
  return receipt
}

async function deploy(account, { abi, bytecode }, args = []) {
  const hash = await wallets.get(account).deployContract({ abi, bytecode, args })
  const { contractAddress } = await client.waitForTransactionReceipt({ hash })
  return { address: getAddress(contractAddress), abi }
}

const read = (contract, functionName, args) => client.readContract({ ...contract, functionName, args })

async function refusal(call) {
  const error = await call.then(() => assert.fail('it was not refused'), (error) => error)
  assert.ok(error instanceof BaseError, String(error))
  const { data, raw } = error.walk((cause) => cause instanceof ContractFunctionRevertedError) ?? assert.fail(String(error))
  assert.ok(data, `viem cannot read ${raw}`)
  return { name: data.errorName, args: data.args ?? [] }
}

/// What a v2 pair gives: 0.3 % of what comes in stays there.
const pairOut = (amount, x, y) => (amount * 997n * y) / (x * 1_000n + amount * 997n)
/// What a native pool of constant product gives (specs/exchange.md).
const poolOut = (amount, x, y) => (amount * (1_000_000n - FEE_PIPS) * y) / (x * 1_000_000n + amount * (1_000_000n - FEE_PIPS))

describe('the arbitrage of the guide', capstanOnly, () => {
  let at, gold, coin, pool, pair, bot

  before(async () => {
    at = await nativeAddresses(client)
    // Two tokens with markets; flash lends what stands in that of the first.
    const listed = []
    for (let count = 0; count < 2; count++) {
      const token = await deploy(owner, TestToken, [whole(10_000_000)])
      await send(owner, token, 'approve', [at.listing.address, maxUint256])
      const receipt = await send(owner, at.listing, 'list', [listedAsset(token.address)])
      const [event] = parseEventLogs({ abi: at.listing.abi, logs: receipt.logs, eventName: 'Listed' })
      const share = { address: event.args.shareToken, abi: nativeAbi('supplyShare') }
      listed.push({ ...token, assetId: event.args.assetId, share })
    }
    ;[gold, coin] = listed
    await send(owner, gold, 'approve', [gold.share.address, maxUint256])
    await send(owner, gold.share, 'deposit', [whole(1_000_000), owner.address])
    await send(owner, at.flash, 'setFeeBpsOf', [gold.address, Number(FLASH_FEE_BPS)])

    // 1 gold is 2 coins in the native pool, and 2.2 in the pair.
    for (const token of [gold, coin]) await send(owner, token, 'approve', [at.exchange.address, maxUint256])
    const shape = { curve: 1, feePips: Number(FEE_PIPS), amplification: 0, assets: [gold.assetId, coin.assetId] }
    const { timestamp } = await client.getBlock()
    const opened = await send(owner, at.exchange, 'createPool', [shape, [whole(100_000), whole(200_000)], owner.address, (timestamp + 600n) * 1_000n])
    ;[{ args: { poolId: pool } }] = parseEventLogs({ abi: at.exchange.abi, logs: opened.logs, eventName: 'PoolCreated' })
    const factory = await deploy(owner, { abi: UniswapV2Factory.abi, bytecode: `0x${UniswapV2Factory.bytecode.replace(/^0x/, '')}` }, [zeroAddress])
    await send(owner, factory, 'createPair', [gold.address, coin.address])
    pair = { address: await read(factory, 'getPair', [gold.address, coin.address]), abi: UniswapV2Pair.abi }
    await send(owner, gold, 'transfer', [pair.address, whole(100_000)])
    await send(owner, coin, 'transfer', [pair.address, whole(220_000)])
    await send(owner, pair, 'mint', [owner.address])

    bot = await deploy(trader, FlashArbitrage)
    const errors = [...at.flash.abi, ...at.exchange.abi].filter(({ type }) => type === 'error')
    bot.abi = [...bot.abi, ...errors]
  })

  const plan = (pairFirst, profitMin = 1n) => ({ pair: pair.address, poolId: pool, other: coin.address, pairFirst, profitMin })

  /// Reserves as [gold, coin] of both.
  async function reserves() {
    const { reserves: ours } = await read(at.exchange, 'pool', [pool])
    const [zero, one] = await read(pair, 'getReserves')
    const isZero = (await read(pair, 'token0')).toLowerCase() === gold.address.toLowerCase()
    return { ours, theirs: isZero ? [zero, one] : [one, zero] }
  }

  /// Gold that comes back for gold, by the formulas of both sides.
  const back = ({ ours, theirs }, amount, pairFirst) =>
    pairFirst
      ? poolOut(pairOut(amount, theirs[0], theirs[1]), ours[1], ours[0])
      : pairOut(poolOut(amount, ours[0], ours[1]), theirs[1], theirs[0])

  const loan = whole(1_000)
  const fee = (loan * FLASH_FEE_BPS + 9_999n) / 10_000n

  test('it keeps the difference, to the unit, with no money of its own', async () => {
    const expected = back(await reserves(), loan, true) - loan - fee
    assert.ok(expected > whole(70) && expected < whole(80), String(expected))
    assert.equal(await read(gold, 'balanceOf', [trader.address]), 0n)
    const receipt = await send(trader, bot, 'take', [gold.address, loan, plan(true, expected)])
    assert.equal(await read(gold, 'balanceOf', [trader.address]), expected)
    const [taken] = parseEventLogs({ abi: bot.abi, logs: receipt.logs, eventName: 'Taken' })
    assert.deepEqual([taken.args.amount, taken.args.fee, taken.args.profit], [loan, fee, expected])
    for (const token of [gold, coin]) assert.equal(await read(token, 'balanceOf', [bot.address]), 0n)
    const [lent] = parseEventLogs({ abi: at.flash.abi, logs: receipt.logs, eventName: 'FlashLoan' })
    assert.deepEqual([lent.args.receiver, lent.args.initiator, lent.args.fee], [bot.address, bot.address, fee])
    const said = `flash-loan arbitrage: borrowed ${loan}, fee ${fee}, profit ${expected}`
    console.log(`${said} (${receipt.gasUsed} gas)`)
    const guide = fs.readFileSync(new URL('../../docs/solidity.md', import.meta.url), 'utf8')
    assert.ok(guide.includes(said), `docs/solidity.md says another profit than: ${said}`)
  })

  test('a unit more than there is to gain, the wrong way round, or a closed gap is refused whole', async () => {
    const before = await reserves()
    const least = back(before, loan, true) - loan - fee + 1n
    const take = (pairFirst, profitMin) =>
      client.simulateContract({ ...bot, account: trader, functionName: 'take', args: [gold.address, loan, plan(pairFirst, profitMin)] })
    const tooMuch = await refusal(take(true, least))
    assert.deepEqual([tooMuch.name, ...tooMuch.args], ['NoProfit', loan + fee + least - 1n, loan + fee + least])
    const wrongWay = await refusal(take(false))
    assert.deepEqual([wrongWay.name, ...wrongWay.args], ['NoProfit', back(before, loan, false), loan + fee + 1n])

    // As long as it gains; then the gap is closed.
    let rounds = 0
    for (; back(await reserves(), loan, true) > loan + fee; rounds++) await send(trader, bot, 'take', [gold.address, loan, plan(true)])
    assert.ok(rounds < 10, `${rounds} rounds`)
    const closed = await refusal(take(true))
    assert.deepEqual([closed.name, ...closed.args], ['NoProfit', back(await reserves(), loan, true), loan + fee + 1n])
  })

  test('nobody else uses it', async () => {
    const take = { ...bot, functionName: 'take', args: [gold.address, loan, plan(true)] }
    assert.deepEqual(await refusal(client.simulateContract({ ...take, account: owner })), { name: 'NotAllowed', args: [owner.address] })
    const called = { ...bot, account: owner, functionName: 'onFlashLoan', args: [bot.address, gold.address, 1n, 0n, '0x'] }
    assert.deepEqual(await refusal(client.simulateContract(called)), { name: 'NotAllowed', args: [owner.address] })
    // A loan that a stranger asks flash to bring it.
    const brought = { address: at.flash.address, abi: bot.abi.concat(at.flash.abi), account: owner, functionName: 'flashLoan' }
    const refused = await refusal(client.simulateContract({ ...brought, args: [bot.address, gold.address, 1n, '0x'] }))
    assert.deepEqual(refused, { name: 'NotAllowed', args: [owner.address] })
  })
})
