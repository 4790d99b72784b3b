// Foundry's cast, the program, against the node.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { binary } from './node.mjs'
import { Counter, RPC_URL } from './common.mjs'

// Accounts 4 and 5 of the well-known mnemonic.
const KEY = '0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a'
const ACCOUNT = '0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65'
const FRIEND = '0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc'

const run = promisify(execFile)
const cast = async (...flags) => {
  const [verb, ...rest] = flags
  const { stdout } = await run(binary('cast'), [verb, '--rpc-url', RPC_URL, ...rest], { env: { NO_COLOR: '1', PATH: process.env.PATH } })
  return stdout.trim()
}
const json = async (...flags) => JSON.parse(await cast(...flags, '--json'))

describe('cast', () => {
  let counter
  before(async () => {
    const receipt = await json('send', '--private-key', KEY, '--create', Counter.bytecode + '5'.padStart(64, '0'))
    counter = receipt.contractAddress
  })

  test('asks about the chain', async () => {
    assert.equal(await cast('chain-id'), '31337')
    assert.ok(BigInt(await cast('block-number')) >= 0n)
    assert.ok(BigInt(await cast('balance', ACCOUNT)) > 10n ** 18n)
    assert.ok(BigInt(await cast('gas-price')) > 0n)
    assert.ok(BigInt(await cast('base-fee')) >= 0n)
    assert.match(await cast('client'), /./)
    const block = await json('block', 'latest')
    assert.match(block.hash, /^0x[0-9a-f]{64}$/)
    assert.equal(await cast('rpc', 'eth_chainId'), '"0x7a69"')
    assert.ok(Number(await cast('nonce', ACCOUNT)) >= 1)
  })

  test('sends value and asks for the receipt', async () => {
    const receipt = await json('send', '--private-key', KEY, FRIEND, '--value', '0.5ether')
    assert.equal(receipt.status, '0x1')
    const again = await json('receipt', receipt.transactionHash)
    assert.equal(again.blockHash, receipt.blockHash)
    const transaction = await json('tx', receipt.transactionHash)
    assert.equal(BigInt(transaction.value), 5n * 10n ** 17n)
  })

  test('sends from an unlocked account and an old-fashioned one', async () => {
    const unlocked = await json('send', '--unlocked', '--from', FRIEND, ACCOUNT, '--value', '1')
    assert.equal(unlocked.status, '0x1')
    const legacy = await json('send', '--legacy', '--private-key', KEY, FRIEND, '--value', '1')
    assert.equal(legacy.type, '0x0')
  })

  test('calls, estimates, sends to a contract', async () => {
    assert.equal(await cast('call', counter, 'value()(uint256)'), '5')
    assert.ok(Number(await cast('estimate', '--from', ACCOUNT, counter, 'increment(uint256)', '2')) > 21_000)
    const receipt = await json('send', '--private-key', KEY, counter, 'increment(uint256)', '2')
    assert.equal(receipt.logs.length, 1)
    assert.equal(await cast('call', counter, 'value()(uint256)'), '7')
    assert.equal(BigInt(await cast('storage', counter, '0')), 7n)
    const list = await json('access-list', '--from', ACCOUNT, counter, 'increment(uint256)', '2')
    assert.equal(list.accessList[0].address.toLowerCase(), counter.toLowerCase())
    const failed = await cast('call', '--from', ACCOUNT, counter, 'increment(uint256)', '11').catch((error) => error)
    assert.match(failed.stderr, /revert/)
  })

  test('finds logs', async () => {
    const receipt = await json('send', '--private-key', KEY, counter, 'increment(uint256)', '1')
    const logs = await json('logs', '--address', counter, '--from-block', String(BigInt(receipt.blockNumber)), 'Incremented(address indexed,uint256)')
    assert.ok(logs.some((log) => log.transactionHash === receipt.transactionHash))
  })

  test('proves storage', async () => {
    const proof = await json('proof', counter, '0x0')
    assert.equal(proof.storageProof.length, 1)
    assert.ok(proof.accountProof.length > 0)
    assert.equal(BigInt(proof.storageProof[0].value), BigInt(await cast('storage', counter, '0')))
  })

  test('traces a transaction with the call tracer, struct logs and state differences', async () => {
    const receipt = await json('send', '--private-key', KEY, counter, 'increment(uint256)', '1')
    const trace = async (options) => JSON.parse(await cast('rpc', 'debug_traceTransaction', receipt.transactionHash, JSON.stringify(options)))
    const call = await trace({ tracer: 'callTracer', tracerConfig: { withLog: true } })
    assert.equal(call.to.toLowerCase(), counter.toLowerCase())
    assert.equal(call.logs.length, 1)
    assert.equal(BigInt(call.gasUsed), BigInt(receipt.gasUsed))
    const steps = await trace({})
    assert.ok(steps.structLogs.some((step) => step.op === 'SSTORE'))
    const state = await trace({ tracer: 'prestateTracer', tracerConfig: { diffMode: true } })
    assert.ok(Object.keys(state.post).includes(counter.toLowerCase()))
    const selectors = await trace({ tracer: '4byteTracer' })
    assert.ok(typeof selectors === 'object')
  })

  test('the developer verbs that cast users know', async () => {
    assert.ok(JSON.parse(await cast('rpc', 'anvil_nodeInfo')))
    await cast('rpc', 'anvil_setBalance', '0x00000000000000000000000000000000000000aa', '0x64')
    assert.equal(await cast('balance', '0x00000000000000000000000000000000000000aa'), '100')
  })
})
