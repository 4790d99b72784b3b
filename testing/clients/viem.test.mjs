// viem, as its documentation says, with no setting beside the address.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, decodeEventLog, encodeDeployData,
  encodeFunctionData, getContract, getContractAddress, http, InsufficientFundsError, keccak256, NonceTooLowError,
  numberToHex, parseEther, parseGwei, toHex, webSocket,
} from 'viem'
import { generatePrivateKey, mnemonicToAccount, privateKeyToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { Batcher, capstanOnly, Counter, CREATE2_FACTORY, MNEMONIC, MULTICALL3, RPC_URL, TestToken, WS_URL } from './common.mjs'

const account = mnemonicToAccount(MNEMONIC, { addressIndex: 10 })
const friend = mnemonicToAccount(MNEMONIC, { addressIndex: 11 })
const chain = { ...foundry, contracts: { multicall3: { address: MULTICALL3 } } }
const pollingInterval = 50
const client = createPublicClient({ chain, transport: http(RPC_URL), pollingInterval })
const wallet = createWalletClient({ account, chain, transport: http(RPC_URL) })

const mined = (hash) => client.waitForTransactionReceipt({ hash, timeout: 10_000 })

async function deploy({ abi, bytecode }, args) {
  const receipt = await mined(await wallet.deployContract({ abi, bytecode, args }))
  assert.equal(receipt.status, 'success')
  return getContract({ address: receipt.contractAddress, abi, client: { public: client, wallet } })
}

/// Waits for the condition, which may throw or be false, for at most five seconds.
async function until(condition) {
  for (let waited = 0; waited < 5_000; waited += 50) {
    if (await condition()) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  assert.fail(`did not happen: ${condition}`)
}

describe('viem', () => {
  let counter, token
  before(async () => {
    counter = await deploy(Counter, [5n])
    token = await deploy(TestToken, [parseEther('1000')])
  })

  test('reads the chain', async () => {
    assert.equal(await client.getChainId(), 31337)
    const block = await client.getBlock()
    assert.equal(typeof block.baseFeePerGas, 'bigint')
    assert.equal((await client.getBlock({ blockHash: block.hash })).number, block.number)
    assert.ok((await client.getBlockNumber()) >= block.number)
    assert.ok((await client.getBalance({ address: friend.address })) >= parseEther('1'))
    assert.equal(await client.getBlockTransactionCount({ blockNumber: 0n }), 0)
    assert.deepEqual(new Set(await wallet.getAddresses()).has(account.address), true)
  })

  test('sends value, and the receipt says what it cost', async () => {
    const to = privateKeyToAccount(generatePrivateKey()).address
    const before = await client.getBalance({ address: account.address })
    const receipt = await mined(await wallet.sendTransaction({ to, value: parseEther('1') }))
    assert.equal(receipt.status, 'success')
    assert.equal(receipt.gasUsed, 21_000n)
    assert.equal(await client.getBalance({ address: to }), parseEther('1'))
    const after = await client.getBalance({ address: account.address })
    assert.equal(before - after, parseEther('1') + receipt.gasUsed * receipt.effectiveGasPrice)
    const transaction = await client.getTransaction({ hash: receipt.transactionHash })
    assert.equal(transaction.blockHash, receipt.blockHash)
    assert.equal(transaction.type, 'eip1559')
    assert.ok((await client.getTransactionConfirmations({ hash: receipt.transactionHash })) >= 1n)
  })

  test('sends every type of transaction', async () => {
    const gasPrice = (await client.getGasPrice()) * 2n
    for (const [type, fields] of Object.entries({
      legacy: { gasPrice },
      eip2930: { gasPrice, accessList: [{ address: counter.address, storageKeys: [numberToHex(0, { size: 32 })] }] },
      eip1559: {},
    })) {
      const hash = await wallet.sendTransaction({ type, to: friend.address, value: 1n, ...fields })
      const receipt = await mined(hash)
      assert.equal(receipt.type, type)
      assert.equal(receipt.status, 'success')
    }
  })

  test('writes and reads a contract', async () => {
    const start = await counter.read.value()
    const { request, result } = await client.simulateContract({ ...counter, account, functionName: 'increment', args: [3n] })
    assert.equal(result, start + 3n)
    const receipt = await mined(await wallet.writeContract(request))
    assert.equal(await counter.read.value(), start + 3n)
    const event = decodeEventLog({ abi: Counter.abi, ...receipt.logs[0] })
    assert.equal(event.eventName, 'Incremented')
    assert.deepEqual(event.args, { by: account.address, value: start + 3n })
    assert.equal(await counter.read.value({ blockNumber: receipt.blockNumber - 1n }), start)
    const paid = await mined(await counter.write.pay({ value: 7n }))
    assert.equal(paid.status, 'success')
    assert.equal(await counter.read.paid([account.address]), 7n)
  })

  test('names the error that a contract reverts with', async () => {
    const refusal = async (call) => {
      const error = await call.then(() => assert.fail('it did not revert'), (error) => error)
      assert.ok(error instanceof BaseError, String(error))
      return error.walk((cause) => cause instanceof ContractFunctionRevertedError)
    }
    const custom = await refusal(client.simulateContract({ ...counter, account, functionName: 'increment', args: [11n] }))
    assert.equal(custom.data.errorName, 'TooMuch')
    assert.deepEqual(custom.data.args, [11n, 10n])
    const words = await refusal(counter.read.refuse())
    assert.equal(words.reason, 'not today')
    const panic = await refusal(counter.read.overflow())
    assert.equal(panic.data.errorName, 'Panic')
    const estimate = await client.estimateContractGas({ ...counter, account, functionName: 'increment', args: [11n] })
      .then(() => assert.fail('it did not revert'), (error) => error)
    assert.match(estimate.message, /TooMuch/)
  })

  test('a reverted transaction is mined and says so', async () => {
    const data = encodeFunctionData({ abi: Counter.abi, functionName: 'increment', args: [99n] })
    const receipt = await mined(await wallet.sendTransaction({ to: counter.address, data, gas: 100_000n }))
    assert.equal(receipt.status, 'reverted')
    assert.equal(receipt.logs.length, 0)
  })

  test('many reads in one call through the canonical multicall', capstanOnly, async () => {
    const answers = await client.multicall({
      contracts: [
        { ...token, functionName: 'balanceOf', args: [account.address] },
        { ...token, functionName: 'symbol' },
        { ...counter, functionName: 'value' },
        { ...counter, functionName: 'refuse' },
      ],
    })
    assert.equal(answers[0].result, await token.read.balanceOf([account.address]))
    assert.equal(answers[1].result, 'TEST')
    assert.equal(answers[2].status, 'success')
    assert.equal(answers[3].status, 'failure')
    // With `batch`, viem folds reads of one tick into the same contract without being told.
    const batched = createPublicClient({ chain, transport: http(RPC_URL), batch: { multicall: true } })
    const together = await Promise.all([
      batched.readContract({ ...token, functionName: 'decimals' }),
      batched.readContract({ ...token, functionName: 'name' }),
    ])
    assert.deepEqual(together, [18, 'Test Token'])
  })

  test('deploys to a known address through the canonical create2 factory', async () => {
    const salt = keccak256(toHex(String(Math.random())))
    const bytecode = encodeDeployData({ ...Counter, args: [1n] })
    const address = getContractAddress({ opcode: 'CREATE2', from: CREATE2_FACTORY, salt, bytecode })
    const receipt = await mined(await wallet.sendTransaction({ to: CREATE2_FACTORY, data: salt + bytecode.slice(2) }))
    assert.equal(receipt.status, 'success')
    assert.equal(await client.readContract({ address, abi: Counter.abi, functionName: 'value' }), 1n)
  })

  test('watches events by polling filters', async () => {
    const seen = []
    const unwatch = client.watchContractEvent({
      ...counter, eventName: 'Incremented', onLogs: (logs) => seen.push(...logs), pollingInterval,
    })
    const blocks = []
    const stop = client.watchBlockNumber({ onBlockNumber: (number) => blocks.push(number), pollingInterval })
    // The filter is installed by the first poll.
    await new Promise((resolve) => setTimeout(resolve, 300))
    const receipt = await mined(await counter.write.increment([1n]))
    await until(() => seen.some((log) => log.transactionHash === receipt.transactionHash))
    await until(() => blocks.some((number) => number >= receipt.blockNumber))
    unwatch()
    stop()
  })

  test('filters: blocks, pending transactions, logs', async () => {
    const blockFilter = await client.createBlockFilter()
    const pendingFilter = await client.createPendingTransactionFilter()
    const eventFilter = await client.createContractEventFilter({ ...counter, eventName: 'Incremented', args: { by: account.address } })
    const otherFilter = await client.createContractEventFilter({ ...counter, eventName: 'Incremented', args: { by: friend.address } })
    const receipt = await mined(await counter.write.increment([1n]))
    const blocks = await client.getFilterChanges({ filter: blockFilter })
    assert.ok(blocks.includes(receipt.blockHash))
    const pending = await client.getFilterChanges({ filter: pendingFilter })
    assert.ok(pending.includes(receipt.transactionHash))
    const logs = await client.getFilterChanges({ filter: eventFilter })
    assert.deepEqual(logs.map((log) => log.transactionHash), [receipt.transactionHash])
    assert.deepEqual(await client.getFilterChanges({ filter: otherFilter }), [])
    assert.equal((await client.getFilterLogs({ filter: eventFilter })).length >= 1, true)
    for (const filter of [blockFilter, pendingFilter, eventFilter, otherFilter]) {
      assert.equal(await client.uninstallFilter({ filter }), true)
    }
    await assert.rejects(client.getFilterChanges({ filter: blockFilter }))
  })

  test('finds logs of the past', async () => {
    const first = await mined(await counter.write.increment([1n]))
    const second = await mined(await counter.write.increment([2n]))
    const logs = await client.getContractEvents({
      ...counter, eventName: 'Incremented', fromBlock: first.blockNumber, toBlock: second.blockNumber,
    })
    assert.deepEqual(logs.map((log) => log.transactionHash), [first.transactionHash, second.transactionHash])
    const one = await client.getLogs({ blockHash: first.blockHash, address: counter.address })
    assert.equal(one.length, 1)
  })

  test('subscribes over WebSocket: heads, logs, pending transactions', async () => {
    const socket = createPublicClient({ chain, transport: webSocket(WS_URL) })
    const heads = [], logs = [], pending = []
    const onError = (error) => assert.fail(String(error))
    const stops = [
      socket.watchBlocks({ onBlock: (block) => heads.push(block.hash), onError }),
      socket.watchContractEvent({ ...counter, eventName: 'Incremented', onLogs: (some) => logs.push(...some), onError }),
      socket.watchPendingTransactions({ onTransactions: (hashes) => pending.push(...hashes), onError }),
    ]
    await new Promise((resolve) => setTimeout(resolve, 500))
    const receipt = await mined(await counter.write.increment([1n]))
    await until(() => heads.includes(receipt.blockHash))
    await until(() => logs.some((log) => log.transactionHash === receipt.transactionHash))
    await until(() => pending.includes(receipt.transactionHash))
    stops.forEach((stop) => stop())
    ;(await socket.transport.getRpcClient()).close()
  })

  test('knows the fees', async () => {
    const fees = await client.estimateFeesPerGas()
    assert.ok(fees.maxFeePerGas >= fees.maxPriorityFeePerGas)
    const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] })
    assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1)
    assert.equal(history.reward.length, history.gasUsedRatio.length)
    assert.ok((await client.getGasPrice()) > 0n)
    assert.equal(await client.estimateGas({ account, to: friend.address, value: 1n }), 21_000n)
    assert.ok((await client.getBlobBaseFee()) >= 0n)
  })

  test('access lists and proofs', async () => {
    const data = encodeFunctionData({ abi: Counter.abi, functionName: 'value' })
    const { accessList } = await client.createAccessList({ account, to: counter.address, data })
    assert.equal(accessList[0].address.toLowerCase(), counter.address.toLowerCase())
    const block = await client.getBlock()
    const blockNumber = block.number
    const storageKeys = [numberToHex(0, { size: 32 })]
    const proof = await client.getProof({ address: counter.address, storageKeys, blockNumber })
    assert.equal(proof.storageProof[0].value, await counter.read.value({ blockNumber }))
    assert.equal(keccak256(proof.accountProof[0]), block.stateRoot)
    assert.equal(keccak256(proof.storageProof[0].proof[0]), proof.storageHash)
  })

  test('an account delegates to code and runs a batch (EIP-7702)', async () => {
    const batcher = await deploy(Batcher, [])
    const owner = privateKeyToAccount(generatePrivateKey())
    await mined(await wallet.sendTransaction({ to: owner.address, value: parseEther('1') }))
    const own = createWalletClient({ account: owner, chain, transport: http(RPC_URL) })
    const authorization = await own.signAuthorization({ contractAddress: batcher.address, executor: 'self' })
    const start = await counter.read.value()
    const increment = (by) => ({
      to: counter.address, value: 0n, data: encodeFunctionData({ abi: Counter.abi, functionName: 'increment', args: [by] }),
    })
    const hash = await own.writeContract({
      address: owner.address, abi: Batcher.abi, functionName: 'run', args: [[increment(1n), increment(2n)]],
      authorizationList: [authorization],
    })
    const receipt = await mined(hash)
    assert.equal(receipt.status, 'success')
    assert.equal(receipt.type, 'eip7702')
    assert.equal(await counter.read.value(), start + 3n)
    const code = await client.getCode({ address: owner.address })
    assert.equal(code.toLowerCase(), `0xef0100${batcher.address.slice(2)}`.toLowerCase())
  })

  test('simulates blocks of calls', async () => {
    const start = await counter.read.value()
    const { results } = await client.simulateCalls({
      account,
      calls: [
        { to: counter.address, abi: Counter.abi, functionName: 'increment', args: [1n] },
        { to: counter.address, abi: Counter.abi, functionName: 'increment', args: [1n] },
        { to: counter.address, abi: Counter.abi, functionName: 'increment', args: [11n] },
      ],
    })
    assert.deepEqual(results.map((result) => result.status), ['success', 'success', 'failure'])
    assert.equal(results[1].result, start + 2n)
    assert.equal(await counter.read.value(), start)
  })

  test('a call may pretend another state', async () => {
    const value = await client.call({
      to: counter.address,
      data: encodeFunctionData({ abi: Counter.abi, functionName: 'value' }),
      stateOverride: [{ address: counter.address, stateDiff: [{ slot: numberToHex(0, { size: 32 }), value: numberToHex(42, { size: 32 }) }] }],
    })
    assert.equal(BigInt(value.data), 42n)
  })

  test('refuses what cannot be paid or comes twice, in words that viem knows', async () => {
    const poor = createWalletClient({ account: privateKeyToAccount(generatePrivateKey()), chain, transport: http(RPC_URL) })
    const unpaid = await poor.sendTransaction({ to: friend.address, value: 1n, gas: 21_000n }).catch((error) => error)
    assert.ok(unpaid.walk((cause) => cause instanceof InsufficientFundsError), String(unpaid))
    const late = await wallet.sendTransaction({ to: friend.address, value: 1n, nonce: 0, gas: 21_000n }).catch((error) => error)
    assert.ok(late.walk((cause) => cause instanceof NonceTooLowError), String(late))
  })

  test('a transaction is replaced by a dearer one', async () => {
    const sender = privateKeyToAccount(generatePrivateKey())
    await mined(await wallet.sendTransaction({ to: sender.address, value: parseEther('1') }))
    const own = createWalletClient({ account: sender, chain, transport: http(RPC_URL) })
    // Nonce 1 waits for nonce 0, so that it can be replaced while it waits.
    const fields = { to: friend.address, gas: 21_000n, maxPriorityFeePerGas: parseGwei('1'), maxFeePerGas: parseGwei('10') }
    const first = await own.sendTransaction({ ...fields, nonce: 1, value: 1n })
    const dearer = { maxPriorityFeePerGas: parseGwei('2'), maxFeePerGas: parseGwei('20') }
    const second = await own.sendTransaction({ ...fields, ...dearer, nonce: 1, value: 2n })
    await mined(await own.sendTransaction({ ...fields, nonce: 0, value: 3n }))
    const receipt = await mined(second)
    assert.equal(receipt.status, 'success')
    await assert.rejects(client.getTransactionReceipt({ hash: first }))
  })
})
