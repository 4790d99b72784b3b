// Native contracts through viem: what the generated ABI and Solidity promise, a library that has never heard of them keeps.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, decodeErrorResult, getAddress, getContract, http,
  maxUint256, parseEther, parseEventLogs, parseSignature, toHex, zeroAddress,
} from 'viem'
import { generatePrivateKey, mnemonicToAccount, privateKeyToAccount } from 'viem/accounts'
import { foundry as chain } from 'viem/chains'
import {
  Borrower, capstanOnly, listedAsset, MarketBorrower, MNEMONIC, nativeAbi, nativeAddresses, nativeNames, protocolOwner, RPC_URL, solidityAbi,
  TestToken,
} from './common.mjs'

const owner = mnemonicToAccount(MNEMONIC, { addressIndex: 12 })
const friend = mnemonicToAccount(MNEMONIC, { addressIndex: 13 })
const transport = http(RPC_URL)
const client = createPublicClient({ chain, transport, pollingInterval: 50 })
const wallets = new Map([owner, friend, protocolOwner].map((account) => [account, createWalletClient({ account, chain, transport })]))

const MINT = 1, BURN = 2

/// Sends one verb and waits until it is in a block. viem simulates first, so a refusal throws its decoded error.
async function send(account, contract, functionName, args, value) {
  const { request } = await client.simulateContract({ ...contract, account, functionName, args, value })
  const hash = await wallets.get(account).writeContract(request)
  const receipt = await client.waitForTransactionReceipt({ hash, timeout: 10_000 })
  assert.equal(receipt.status, 'success')
  return receipt
}

/// The error that a call is refused with, as viem reads it by the ABI.
async function refusal(call) {
  const error = await call.then(() => assert.fail('it was not refused'), (error) => error)
  assert.ok(error instanceof BaseError, String(error))
  const { data, raw } = error.walk((cause) => cause instanceof ContractFunctionRevertedError) ?? assert.fail(String(error))
  assert.ok(data, `viem cannot read ${raw}`)
  return { name: data.errorName, args: data.args ?? [], raw }
}

const rpc = (method, params = []) => client.request({ method, params })

describe('native contracts by viem', capstanOnly, () => {
  const at = {}
  const read = (contract, functionName, args) => client.readContract({ ...contract, functionName, args })

  /// A token of `owner`, whose later grants wait `grantDelayMs`.
  async function createToken(grantDelayMs = 0n) {
    const receipt = await send(owner, at.tokenFactory, 'createToken', ['Native Dollar', 'ND', 6, owner.address, grantDelayMs])
    const [made] = parseEventLogs({ abi: at.tokenFactory.abi, logs: receipt.logs, eventName: 'TokenCreated' })
    assert.deepEqual([made.args.owner, made.args.name, made.args.decimals], [owner.address, 'Native Dollar', 6])
    return { address: made.args.token, abi: nativeAbi('token') }
  }

  before(async () => {
    Object.assign(at, await nativeAddresses(client))
  })

  test('what the node lists is what was generated', async () => {
    const listed = await rpc('capstan_contracts')
    // create2 takes bare bytes, so its ABI has errors only, and no file.
    const withAbi = listed.filter(({ abi }) => abi.some(({ type }) => type === 'function'))
    assert.deepEqual(withAbi.map(({ name }) => name).sort(), nativeNames.filter((name) => name !== 'native').sort())
    for (const { name, abi } of withAbi) assert.deepEqual(abi, nativeAbi(name), name)
    for (const { name, address } of listed.filter(({ address }) => address)) {
      assert.equal(await client.getCode({ address }), '0xfe', name)
    }
  })

  test('the generated Solidity says what the generated ABI says', () => {
    const facts = (abi) => abi.map((item) => JSON.stringify(signature(item))).sort()
    const natives = new Set(nativeNames.flatMap((name) => facts(nativeAbi(name))))
    const interfaces = {
      account: 'IAccount', admin: 'IAdmin', backstop: 'IBackstop', dollar: 'IDollar', ether: 'IEther', exchange: 'IExchange',
      exchangeRouter: 'IExchangeRouter', farms: 'IFarms', feed: 'IFeed', flash: 'IFlash', income: 'IIncome', jobs: 'IJobs', ledger: 'ILedger', lending: 'ILending', listing: 'IListing',
      lpToken: 'ILpToken', machineIdentity: 'IMachineIdentity', machineShare: 'IMachineShare', machines: 'IMachines', machineTitle: 'IErc721', multicall: 'IMulticall3', native: 'INative', oracle: 'IOracle', productToken: 'IProductToken', products: 'IProducts', rangePosition: 'IErc721',
      savings: 'IErc4626', stakeShare: 'IStakeShare', still: 'IStill', streams: 'IStreams', supplyShare: 'ISupplyShare', term: 'ITerm', token: 'IToken',
      tokenFactory: 'ITokenFactory', triggers: 'ITriggers',
    }
    assert.deepEqual(Object.keys(interfaces).sort(), [...nativeNames].sort())
    for (const [name, solidity] of Object.entries(interfaces)) {
      const [there, here] = [new Set(facts(solidityAbi(solidity))), facts(nativeAbi(name))]
      // An ABI also has the errors that come through from other contracts; Solidity imports those where it needs them.
      const more = here.filter((fact) => !there.delete(fact))
      assert.deepEqual([...there], [], `${name}: only Solidity has these`)
      assert.deepEqual(more.filter((fact) => !(fact.includes('"type":"error"') && natives.has(fact))), [], `${name}: Solidity lacks these`)
    }
  })

  test('a token: made, minted, moved, burned', async () => {
    const token = await createToken()
    const minted = await send(owner, token, 'mint', [owner.address, 1_000n])
    const [event] = parseEventLogs({ abi: token.abi, logs: minted.logs })
    assert.deepEqual([event.eventName, event.args.to, event.args.value], ['Transfer', owner.address, 1_000n])
    await send(owner, token, 'transfer', [friend.address, 400n])
    await send(owner, token, 'burn', [100n])
    assert.equal(await read(token, 'totalSupply'), 900n)
    assert.equal(await read(token, 'balanceOf', [friend.address]), 400n)
    assert.equal(await read(at.tokenFactory, 'isToken', [token.address]), true)
    // The generated ABI is enough for viem's own contract object and its logs.
    const contract = getContract({ ...token, client })
    const logs = await contract.getEvents.Transfer({ to: friend.address }, { fromBlock: minted.blockNumber })
    assert.deepEqual(logs.map(({ args }) => args.value), [400n])
  })

  test('a permit signed as typed data counts once', async () => {
    const token = await createToken()
    await send(owner, token, 'mint', [owner.address, 10n])
    for (const contract of [token, at.ether]) {
      const deadline = BigInt(2 ** 40)
      const permit = await signPermit(contract, owner, { spender: friend.address, value: 4n, deadline })
      await send(friend, contract, 'permit', permit)
      assert.equal(await read(contract, 'allowance', [owner.address, friend.address]), 4n)
      const again = await refusal(client.simulateContract({ ...contract, account: friend, functionName: 'permit', args: permit }))
      assert.equal(again.name, 'ERC2612InvalidSigner')
      assert.equal(again.args[1], owner.address)
      const late = await signPermit(contract, owner, { spender: friend.address, value: 4n, deadline: 1n })
      const expired = await refusal(client.simulateContract({ ...contract, account: friend, functionName: 'permit', args: late }))
      assert.deepEqual([expired.name, expired.args], ['ERC2612ExpiredSignature', [1n]])
      const to = privateKeyToAccount(generatePrivateKey()).address
      await send(friend, contract, 'transferFrom', [owner.address, to, 4n])
      assert.equal(await read(contract, 'balanceOf', [to]), 4n)
      assert.equal(await read(contract, 'allowance', [owner.address, friend.address]), 0n)
    }
  })

  /// What the domain says about itself (ERC-5267) is all that a wallet needs.
  async function signPermit(contract, account, { spender, value, deadline }) {
    const [, name, version, chainId, verifyingContract] = await read(contract, 'eip712Domain')
    const nonce = await read(contract, 'nonces', [account.address])
    const field = (text) => ({ type: text.split(' ')[0], name: text.split(' ')[1] })
    const types = { Permit: ['address owner', 'address spender', 'uint256 value', 'uint256 nonce', 'uint256 deadline'].map(field) }
    const signed = await wallets.get(account).signTypedData({
      domain: { name, version, chainId, verifyingContract },
      types,
      primaryType: 'Permit',
      message: { owner: account.address, spender, value, nonce, deadline },
    })
    const { r, s, v } = parseSignature(signed)
    return [account.address, spender, value, deadline, Number(v), r, s]
  }

  test('refusals are errors with names and numbers, by the ABI of the contract that was called', async () => {
    const token = await createToken()
    const simulate = (contract, functionName, args, value) =>
      client.simulateContract({ ...contract, account: friend, functionName, args, value })
    const cases = [
      [() => simulate(token, 'transfer', [owner.address, 5n]), 'ERC20InsufficientBalance', [friend.address, 0n, 5n]],
      [() => simulate(token, 'transferFrom', [owner.address, friend.address, 5n]), 'ERC20InsufficientAllowance', [friend.address, 0n, 5n]],
      [() => simulate(token, 'approve', [zeroAddress, 5n]), 'ERC20InvalidSpender', [zeroAddress]],
      [() => simulate(token, 'mint', [friend.address, 5n]), 'AdminMissingRole', [token.address, MINT, friend.address]],
      [() => simulate(token, 'transfer', [owner.address, 0n], 1n), 'NativeNotPayable', [1n]],
      [() => simulate(at.admin, 'grantRole', [token.address, MINT, friend.address, 0n]), 'AdminNotOwner', [token.address, friend.address, owner.address]],
      [() => simulate(at.flash, 'setFeeBps', [1]), 'AdminNotOwner', [at.flash.address, friend.address, protocolOwner.address]],
      [() => simulate(at.flash, 'flashFee', [token.address, 1n]), 'FlashTokenUnsupported', [token.address]],
      [() => simulate(at.ether, 'totalSupply', []), 'EtherSupplyUncounted', []],
      [() => simulate(at.tokenFactory, 'createToken', ['x'.repeat(65), 'X', 6, owner.address, 0n]), 'TextTooLong', [65n, 64n]],
    ]
    for (const [call, name, args] of cases) {
      const error = await refusal(call())
      assert.deepEqual([error.name, error.args], [name, args])
      const words = await rpc('capstan_decodeError', [error.raw])
      assert.equal(words.name, name)
      assert.ok(words.help.length > 0, `${name} does not say what to do next`)
    }
    const unknown = await client.call({ to: token.address, data: '0x01020304' }).catch((error) => error)
    const words = await rpc('capstan_decodeError', [unknown.walk((cause) => cause.data?.startsWith?.('0x')).data])
    assert.equal(words.name, 'NativeUnknownVerb')
  })

  test('a role counts after its delay, and until it is taken away', async () => {
    const token = await createToken(1_500n)
    const { timestamp } = await client.getBlock()
    const granted = await send(owner, at.admin, 'grantRole', [token.address, MINT, friend.address, 0n])
    const [{ args }] = parseEventLogs({ abi: at.admin.abi, logs: granted.logs, eventName: 'RoleGranted' })
    assert.ok(args.effectiveMs >= timestamp * 1_000n + 1_500n)
    const has = () => read(at.admin, 'hasRole', [token.address, MINT, friend.address])
    assert.equal(await has(), false)
    const early = await refusal(client.simulateContract({ ...token, account: friend, functionName: 'mint', args: [friend.address, 1n] }))
    assert.equal(early.name, 'AdminMissingRole')
    for (let waited = 0; !(await has()) && waited < 10_000; waited += 100) await new Promise((resolve) => setTimeout(resolve, 100))
    await send(friend, token, 'mint', [friend.address, 7n])
    assert.equal(await read(token, 'balanceOf', [friend.address]), 7n)
    await send(owner, at.admin, 'revokeRole', [token.address, MINT, friend.address])
    assert.equal(await has(), false)
    await send(owner, at.admin, 'offerOwnership', [token.address, friend.address])
    await send(friend, at.admin, 'acceptOwnership', [token.address])
    assert.equal(await read(at.admin, 'ownerOf', [token.address]), friend.address)
  })

  test('coins move through their ERC-20 face, and are the same coins', async () => {
    const to = privateKeyToAccount(generatePrivateKey()).address
    await send(owner, at.ether, 'transfer', [to, parseEther('1')])
    assert.equal(await client.getBalance({ address: to }), parseEther('1'))
    assert.equal(await read(at.ether, 'balanceOf', [to]), parseEther('1'))
    await send(owner, at.ether, 'approve', [friend.address, maxUint256])
    await send(friend, at.ether, 'transferFrom', [owner.address, to, 1n])
    assert.equal(await client.getBalance({ address: to }), parseEther('1') + 1n)
    assert.equal(await read(at.ether, 'allowance', [owner.address, friend.address]), maxUint256)
    await send(owner, at.ether, 'approve', [friend.address, 0n])
  })

  test('a Solidity borrower takes a flash mint', async () => {
    const token = await createToken()
    const deploy = async (honest) => {
      const hash = await wallets.get(owner).deployContract({ ...Borrower, args: [honest] })
      const receipt = await client.waitForTransactionReceipt({ hash })
      return { address: getAddress(receipt.contractAddress), abi: [...Borrower.abi, ...at.flash.abi.filter(({ type }) => type === 'error')] }
    }
    const [honest, liar] = [await deploy(true), await deploy(false)]
    const borrow = (contract) => client.simulateContract({ ...contract, account: owner, functionName: 'borrow', args: [token.address, 10_001n] })
    assert.equal((await refusal(borrow(honest))).name, 'FlashTokenUnsupported')
    for (const role of [MINT, BURN]) await send(owner, at.admin, 'grantRole', [token.address, role, at.flash.address, 0n])
    await send(protocolOwner, at.flash, 'setFeeBps', [10])
    assert.equal(await read(at.flash, 'flashFee', [token.address, 10_001n]), 11n)
    // It has nothing to pay the fee with.
    assert.equal((await refusal(borrow(honest))).name, 'ERC20InsufficientBalance')
    await send(owner, token, 'mint', [honest.address, 11n])
    const refused = await refusal(borrow(liar))
    assert.deepEqual([refused.name, refused.args], ['FlashCallbackRefused', [liar.address, toHex(0, { size: 32 })]])

    const receipt = await send(owner, honest, 'borrow', [token.address, 10_001n])
    const [loan] = parseEventLogs({ abi: at.flash.abi, logs: receipt.logs, eventName: 'FlashLoan' })
    assert.deepEqual([loan.args.receiver, loan.args.amount, loan.args.fee], [honest.address, 10_001n, 11n])
    assert.equal(await read(honest, 'held'), 10_012n)
    assert.equal(await read(token, 'totalSupply'), 11n)
    assert.equal(await read(token, 'balanceOf', [owner.address]), 11n)
    await send(protocolOwner, at.flash, 'setFeeBps', [0])
  })

  test('a Solidity borrower takes the cash of markets', async () => {
    const lent = 1_000n * 10n ** 18n
    const errors = [...at.flash.abi, ...at.ledger.abi, ...at.lending.abi].filter(({ type }) => type === 'error')
    const deploy = async ({ abi, bytecode }, args) => {
      const hash = await wallets.get(protocolOwner).deployContract({ abi, bytecode, args })
      const receipt = await client.waitForTransactionReceipt({ hash })
      return { address: getAddress(receipt.contractAddress), abi: [...abi, ...errors] }
    }
    /// A foreign token with a market in which `lent` lies beside its seed.
    const listed = async () => {
      const token = await deploy(TestToken, [1_000_000n * 10n ** 18n])
      await send(protocolOwner, token, 'approve', [at.listing.address, listedAsset(token.address).market.seed])
      const receipt = await send(protocolOwner, at.listing, 'list', [listedAsset(token.address)])
      const [event] = parseEventLogs({ abi: at.listing.abi, logs: receipt.logs, eventName: 'Listed' })
      const share = { address: event.args.shareToken, abi: nativeAbi('supplyShare') }
      await send(protocolOwner, token, 'approve', [share.address, lent])
      await send(protocolOwner, share, 'deposit', [lent, protocolOwner.address])
      return { token, share }
    }
    const [one, other] = [await listed(), await listed()]
    const borrower = await deploy(MarketBorrower, [])
    const cash = await read(at.flash, 'maxFlashLoan', [one.token.address])
    assert.equal(cash, lent + listedAsset(one.token.address).market.seed)
    await send(protocolOwner, at.flash, 'setFeeBpsOf', [one.token.address, 5])
    const fee = await read(at.flash, 'flashFee', [one.token.address, cash])
    const [REPAY, KEEP, SUPPLY_AND_LEAVE] = [0, 1, 2]
    const take = (use) => ['borrow', [one.token.address, cash, use, one.share.address]]
    /// Why the token itself refused to be taken back.
    const refused = async (use) => {
      const [functionName, args] = take(use)
      const { name, args: said } = await refusal(client.simulateContract({ ...borrower, account: protocolOwner, functionName, args }))
      assert.deepEqual([name, said[0]], ['LedgerTokenRefused', one.token.address])
      return decodeErrorResult({ abi: TestToken.abi, data: said[1] }).errorName
    }
    // It has nothing to pay the fee with; then it has, and keeps it.
    assert.equal(await refused(REPAY), 'ERC20InsufficientBalance')
    await send(protocolOwner, one.token, 'transfer', [borrower.address, 3n * fee])
    assert.equal(await refused(KEEP), 'ERC20InsufficientAllowance')

    const worth = await read(one.share, 'totalAssets')
    for (const use of [REPAY, SUPPLY_AND_LEAVE]) {
      const before = await read(at.flash, 'maxFlashLoan', [one.token.address])
      const receipt = await send(protocolOwner, borrower, ...take(use))
      const [loan] = parseEventLogs({ abi: at.flash.abi, logs: receipt.logs, eventName: 'FlashLoan' })
      assert.deepEqual([loan.args.receiver, loan.args.amount, loan.args.fee], [borrower.address, cash, fee])
      // Coming and leaving costs the borrower a unit by rounding, which the market has.
      const rounded = use === SUPPLY_AND_LEAVE ? 1n : 0n
      assert.equal(await read(at.flash, 'maxFlashLoan', [one.token.address]), before + fee + rounded)
    }
    assert.ok(await read(one.share, 'totalAssets') > worth, 'lenders have a part of the fee')

    const [tokens, amounts] = [[one.token.address, other.token.address], [7n, cash]]
    const receipt = await send(protocolOwner, borrower, 'borrowMany', [tokens, amounts])
    const loans = parseEventLogs({ abi: at.flash.abi, logs: receipt.logs, eventName: 'FlashLoan' })
    // The last token is taken back first.
    assert.deepEqual(loans.map(({ args }) => [args.token, args.amount, args.fee]), [[tokens[1], cash, 0n], [tokens[0], 7n, 1n]])
    assert.equal(await read(borrower, 'held', [3n]), cash)
  })
})

/// What of a declaration both generators must agree on: not the order, not who spelled a default out.
function signature({ type, name, inputs, outputs, stateMutability, anonymous }) {
  const parts = (list = []) => list.map(({ name, type, indexed, components }) => ({ name, type, indexed: indexed ?? false, components: parts(components ?? []) }))
  return { type, name, inputs: parts(inputs), outputs: parts(outputs), stateMutability: stateMutability ?? '', anonymous: anonymous ?? false }
}
