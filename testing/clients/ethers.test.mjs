// ethers v6 in its own style.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ethers } from 'ethers'
import { Counter, ending, MNEMONIC, RPC_URL, TestToken, WS_URL } from './common.mjs'

const provider = new (ending(ethers.JsonRpcProvider))(RPC_URL, undefined, { pollingInterval: 50, cacheTimeout: -1 })
const key = (index) => ethers.HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`)
const signer = new ethers.NonceManager(key(2).connect(provider))
const address = key(2).address
const friend = key(3).connect(provider)

const deploy = async ({ abi, bytecode }, ...args) => {
  const contract = await new ethers.ContractFactory(abi, bytecode, signer).deploy(...args)
  return contract.waitForDeployment()
}

describe('ethers', () => {
  let counter, token
  before(async () => {
    counter = await deploy(Counter, 5n)
    token = await deploy(TestToken, ethers.parseEther('1000'))
  })
  after(() => provider.end())

  test('reads the chain', async () => {
    assert.equal((await provider.getNetwork()).chainId, 31337n)
    const block = await provider.getBlock('latest', true)
    assert.equal(block.prefetchedTransactions.length, block.transactions.length)
    assert.ok((await provider.getBalance(address)) > ethers.parseEther('1'))
    const fees = await provider.getFeeData()
    assert.ok(fees.maxFeePerGas > 0n)
    assert.equal(await provider.getCode(address), '0x')
    assert.equal(await provider.getStorage(await counter.getAddress(), 0), ethers.zeroPadValue('0x05', 32))
  })

  test('sends value and waits for confirmations', async () => {
    const to = ethers.Wallet.createRandom().address
    const response = await signer.sendTransaction({ to, value: ethers.parseEther('2') })
    const receipt = await response.wait()
    assert.equal(receipt.status, 1)
    assert.equal(receipt.gasUsed, 21_000n)
    assert.equal(await provider.getBalance(to), ethers.parseEther('2'))
    assert.equal((await provider.getTransaction(response.hash)).blockNumber, receipt.blockNumber)
    const other = await provider.getSigner(key(3).address)
    const unlocked = await other.sendTransaction({ to, value: 1n })
    assert.equal((await unlocked.wait()).status, 1)
  })

  test('calls a contract: read, static call, write, event', async () => {
    const start = await counter.value()
    assert.equal(await counter.increment.staticCall(2n), start + 2n)
    assert.equal(await counter.value(), start)
    assert.ok((await counter.increment.estimateGas(2n)) > 21_000n)
    const receipt = await (await counter.increment(2n)).wait()
    assert.equal(await counter.value(), start + 2n)
    assert.equal(receipt.logs[0].fragment.name, 'Incremented')
    assert.equal(receipt.logs[0].args.value, start + 2n)
    const past = await counter.queryFilter(counter.filters.Incremented(address), receipt.blockNumber, receipt.blockNumber)
    assert.equal(past.length, 1)
    assert.deepEqual(await counter.queryFilter(counter.filters.Incremented(friend.address), 0, 'latest'), [])
  })

  test('names custom errors, reasons and panics', async () => {
    const error = await counter.increment.staticCall(11n).catch((error) => error)
    assert.equal(error.code, 'CALL_EXCEPTION')
    assert.equal(error.revert.name, 'TooMuch')
    assert.deepEqual([...error.revert.args], [11n, 10n])
    const words = await counter.refuse().catch((error) => error)
    assert.equal(words.reason, 'not today')
    const panic = await counter.overflow().catch((error) => error)
    assert.equal(panic.revert.name, 'Panic')
    // A write is refused by its gas estimate, before anything is sent.
    const write = await counter.increment(11n).catch((error) => error)
    assert.equal(write.code, 'CALL_EXCEPTION')
    signer.reset()
  })

  test('a failed transaction is reported by wait', async () => {
    const response = await counter.increment(11n, { gasLimit: 100_000n })
    const error = await response.wait().catch((error) => error)
    assert.equal(error.code, 'CALL_EXCEPTION')
    assert.equal(error.receipt.status, 0)
  })

  test('signs a permit (EIP-2612) that somebody else submits', async () => {
    const tokenAddress = await token.getAddress()
    const domain = await token.eip712Domain()
    const value = ethers.parseEther('3')
    const deadline = BigInt(2 ** 40)
    const types = {
      Permit: ['owner:address', 'spender:address', 'value:uint256', 'nonce:uint256', 'deadline:uint256'].map((field) => {
        const [name, type] = field.split(':')
        return { name, type }
      }),
    }
    const signature = ethers.Signature.from(
      await key(2).signTypedData(
        { name: domain.name, version: domain.version, chainId: domain.chainId, verifyingContract: tokenAddress },
        types,
        { owner: address, spender: friend.address, value, nonce: await token.nonces(address), deadline },
      ),
    )
    const { v, r, s } = signature
    const asFriend = token.connect(friend)
    assert.equal((await (await asFriend.permit(address, friend.address, value, deadline, v, r, s)).wait()).status, 1)
    assert.equal(await token.allowance(address, friend.address), value)
    await (await asFriend.transferFrom(address, friend.address, value)).wait()
    assert.equal(await token.balanceOf(friend.address), value)
    // The same permit twice is refused: its nonce is used.
    await assert.rejects(asFriend.permit.staticCall(address, friend.address, value, deadline, v, r, s))
  })

  test('listens to events by polling', async () => {
    const heard = new Promise((resolve) => counter.on('Incremented', (by, value, event) => resolve({ by, event })))
    await new Promise((resolve) => setTimeout(resolve, 300))
    const receipt = await (await counter.increment(1n)).wait()
    const { by, event } = await heard
    assert.equal(by, address)
    assert.equal(event.log.transactionHash, receipt.hash)
    await counter.removeAllListeners()
  })

  test('listens over WebSocket', async () => {
    const socket = new (ending(ethers.WebSocketProvider))(WS_URL)
    await socket.getNetwork()
    const block = new Promise((resolve) => socket.once('block', resolve))
    const log = new Promise((resolve) => counter.connect(socket).once('Incremented', (...args) => resolve(args.at(-1))))
    const pending = new Promise((resolve) => socket.once('pending', resolve))
    await new Promise((resolve) => setTimeout(resolve, 500))
    const receipt = await (await counter.increment(1n)).wait()
    assert.equal((await log).log.transactionHash, receipt.hash)
    assert.ok((await block) > 0)
    assert.match(await pending, /^0x[0-9a-f]{64}$/)
    await socket.end()
  })

  test('sends many at once in one batch, and all arrive', async () => {
    const responses = await Promise.all(Array.from({ length: 20 }, () => counter.increment(1n, { gasLimit: 100_000n })))
    const receipts = await Promise.all(responses.map((response) => response.wait()))
    assert.equal(receipts.filter((receipt) => receipt.status === 1).length, 20)
    assert.equal(new Set(receipts.map((receipt) => receipt.hash)).size, 20)
  })

  test('refusals have the codes that ethers knows', async () => {
    const poor = ethers.Wallet.createRandom().connect(provider)
    const unpaid = await poor.sendTransaction({ to: address, value: 1n, gasLimit: 21_000n }).catch((error) => error)
    assert.equal(unpaid.code, 'INSUFFICIENT_FUNDS')
    const late = await key(2).connect(provider).sendTransaction({ to: address, nonce: 0, gasLimit: 21_000n }).catch((error) => error)
    assert.equal(late.code, 'NONCE_EXPIRED')
  })
})
