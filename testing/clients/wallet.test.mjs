// What a browser wallet asks its node, by the method list of MetaMask, through an EIP-1193 provider as a page sees it.
//
// The wallet keeps the keys; the node sees raw transactions. Requests carry the origin of a browser extension.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createPublicClient, createWalletClient, custom, encodeFunctionData, parseEther, webSocket } from 'viem'
import { mnemonicToAccount } from 'viem/accounts'
import { foundry } from 'viem/chains'
import { capstanOnly, Counter, MNEMONIC, RPC_URL, WS_URL } from './common.mjs'

const EXTENSION = 'chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn'
const account = mnemonicToAccount(MNEMONIC, { addressIndex: 8 })
const friend = mnemonicToAccount(MNEMONIC, { addressIndex: 9 })

async function node(method, params, origin = EXTENSION) {
  const response = await fetch(RPC_URL, {
    method: 'POST',
    headers: { 'content-type': 'application/json', origin },
    body: JSON.stringify({ jsonrpc: '2.0', id: 7, method, params }),
  })
  assert.equal(response.status, 200)
  const { error, result } = await response.json()
  if (error) throw Object.assign(new Error(error.message), { code: error.code, data: error.data })
  return result
}

/// The wallet: it answers what concerns keys and permissions, and asks the node for all else.
const ethereum = {
  async request({ method, params = [] }) {
    switch (method) {
      case 'eth_accounts':
      case 'eth_requestAccounts':
        return [account.address]
      case 'wallet_switchEthereumChain':
        if (params[0].chainId !== (await this.request({ method: 'eth_chainId' }))) throw Object.assign(new Error('unknown chain'), { code: 4902 })
        return null
      case 'personal_sign':
        return account.signMessage({ message: { raw: params[0] } })
      case 'eth_signTypedData_v4':
        return account.signTypedData(JSON.parse(params[1]))
      case 'eth_sendTransaction':
        return this.sendTransaction(params[0])
      default:
        return node(method, params)
    }
  },

  /// As MetaMask does: look at the newest block for the fee market, estimate, count, sign, send raw.
  async sendTransaction({ from, to, value, data, gas }) {
    const ask = (method, ...params) => this.request({ method, params })
    const chainId = await ask('eth_chainId')
    assert.equal(await ask('net_version'), String(Number(chainId)))
    const block = await ask('eth_getBlockByNumber', 'latest', false)
    assert.ok(block.baseFeePerGas, 'without it MetaMask falls back to legacy transactions')
    await ask('eth_gasPrice')
    const history = await ask('eth_feeHistory', '0x5', 'latest', [10, 50, 90])
    const tip = BigInt(history.reward.at(-1)?.[1] ?? 0)
    if (to) await ask('eth_getCode', to, 'latest')
    await ask('eth_getBalance', from, 'latest')
    const limit = gas ?? (await ask('eth_estimateGas', { from, to, value, data }))
    const raw = await account.signTransaction({
      type: 'eip1559', chainId: Number(chainId), to, data, value: value && BigInt(value),
      nonce: Number(await ask('eth_getTransactionCount', from, 'pending')),
      gas: BigInt(limit), maxPriorityFeePerGas: tip, maxFeePerGas: tip + 2n * BigInt(block.baseFeePerGas),
    })
    return ask('eth_sendRawTransaction', raw)
  },
}

const client = createPublicClient({ chain: foundry, transport: custom(ethereum), pollingInterval: 50 })
const wallet = createWalletClient({ chain: foundry, transport: custom(ethereum) })
const mined = (hash) => client.waitForTransactionReceipt({ hash, timeout: 10_000 })

describe('a browser wallet', () => {
  test('connects, sends value, deploys and writes to a contract', async () => {
    const [from] = await wallet.requestAddresses()
    await wallet.switchChain({ id: 31337 })
    const sent = await mined(await wallet.sendTransaction({ account: from, to: friend.address, value: parseEther('1') }))
    assert.equal(sent.status, 'success')
    const deployed = await mined(await wallet.deployContract({ account: from, ...Counter, args: [1n] }))
    const data = encodeFunctionData({ abi: Counter.abi, functionName: 'increment', args: [2n] })
    const written = await mined(await wallet.sendTransaction({ account: from, to: deployed.contractAddress, data }))
    assert.equal(written.logs.length, 1)
    assert.equal(await client.readContract({ address: deployed.contractAddress, abi: Counter.abi, functionName: 'value' }), 3n)
  })

  test('shows why a transaction would fail before it is signed', async () => {
    const [from] = await wallet.getAddresses()
    const poor = { from, to: friend.address, value: '0xffffffffffffffffffffffff' }
    await assert.rejects(ethereum.request({ method: 'eth_sendTransaction', params: [poor] }), /insufficient funds/i)
  })

  test('signs messages and typed data that anybody can check', async () => {
    const [from] = await wallet.requestAddresses()
    const message = '0x636170737461' // bytes, as pages send them
    const signature = await ethereum.request({ method: 'personal_sign', params: [message, from] })
    assert.ok(await client.verifyMessage({ address: from, message: { raw: message }, signature }))
    const typed = {
      domain: { name: 'wallet', chainId: 31337 },
      types: { Note: [{ name: 'text', type: 'string' }] },
      primaryType: 'Note',
      message: { text: 'hello' },
    }
    const json = JSON.stringify({ ...typed, types: { ...typed.types, EIP712Domain: [{ name: 'name', type: 'string' }, { name: 'chainId', type: 'uint256' }] } })
    const signed = await ethereum.request({ method: 'eth_signTypedData_v4', params: [from, json] })
    assert.ok(await client.verifyTypedData({ ...typed, address: from, signature: signed }))
  })

  test('a page that asks for another chain is told so by the wallet', async () => {
    const other = { method: 'wallet_switchEthereumChain', params: [{ chainId: '0x1' }] }
    await assert.rejects(ethereum.request(other), { code: 4902 })
  })

  // The methods of MetaMask's published API that it passes on to the node, with arguments as its pages send them.
  test('every method that MetaMask passes on is answered', async () => {
    const sent = await mined(await wallet.sendTransaction({ account: account.address, to: friend.address, value: 1n }))
    const { transactionHash, to, blockHash, transactionIndex } = sent
    const [number, index] = [sent.blockNumber, transactionIndex].map((n) => `0x${n.toString(16)}`)
    const range = { fromBlock: number, toBlock: number }
    const logs = await node('eth_newFilter', [range])
    const passedOn = {
      eth_blockNumber: [], eth_chainId: [], eth_coinbase: [], eth_gasPrice: [], eth_maxPriorityFeePerGas: [],
      net_version: [], web3_clientVersion: [], eth_syncing: [],
      eth_call: [{ to, data: '0x' }, 'latest'],
      eth_estimateGas: [{ from: account.address, to, value: '0x1' }],
      eth_feeHistory: ['0x2', 'latest', [50]],
      eth_getBalance: [account.address, 'latest'],
      eth_getBlockByHash: [blockHash, false],
      eth_getBlockByNumber: ['latest', true],
      eth_getBlockTransactionCountByHash: [blockHash],
      eth_getBlockTransactionCountByNumber: [number],
      eth_getCode: [to, 'latest'],
      eth_getFilterChanges: [logs],
      eth_getFilterLogs: [logs],
      eth_getLogs: [range],
      eth_getProof: [to, [], 'latest'],
      eth_getStorageAt: [to, '0x0', 'latest'],
      eth_getTransactionByBlockHashAndIndex: [blockHash, index],
      eth_getTransactionByBlockNumberAndIndex: [number, index],
      eth_getTransactionByHash: [transactionHash],
      eth_getTransactionCount: [account.address, 'latest'],
      eth_getTransactionReceipt: [transactionHash],
      eth_getUncleCountByBlockHash: [blockHash],
      eth_getUncleCountByBlockNumber: [number],
      eth_newBlockFilter: [],
      eth_newPendingTransactionFilter: [],
      eth_uninstallFilter: [logs],
    }
    for (const [method, params] of Object.entries(passedOn)) {
      const result = await node(method, params)
      assert.ok(result !== undefined && result !== null, `${method} is answered by ${result}`)
    }
  })

  // What concerns keys and permissions is the wallet's own. A page that asks the node is told that it is not a wallet.
  test('what only a wallet can answer is not answered by the node', capstanOnly, async () => {
    const own = [
      'wallet_addEthereumChain', 'wallet_switchEthereumChain', 'wallet_watchAsset', 'wallet_getPermissions',
      'wallet_requestPermissions', 'wallet_revokePermissions', 'wallet_sendCalls', 'wallet_getCallsStatus',
      'wallet_getCapabilities', 'wallet_registerOnboarding', 'wallet_scanQRCode', 'wallet_requestExecutionPermissions',
      'wallet_getGrantedExecutionPermissions', 'wallet_getSupportedExecutionPermissions',
      'eth_decrypt', 'eth_getEncryptionPublicKey',
    ]
    for (const method of own) await assert.rejects(node(method, []), { code: -32601 }, method)
  })

  test('hears of new blocks over a socket', async () => {
    const socket = createPublicClient({ chain: foundry, transport: webSocket(WS_URL) })
    const heard = new Promise((resolve, reject) => {
      const unwatch = socket.watchBlockNumber({
        onBlockNumber: (number) => { unwatch(); resolve(number) },
        onError: reject,
      })
    })
    const sent = await mined(await wallet.sendTransaction({ account: account.address, to: friend.address, value: 1n }))
    assert.ok((await heard) <= sent.blockNumber + 10n)
    const transport = await socket.transport.getRpcClient()
    transport.close()
  })

  test('a page of this machine may ask, a strange page may not', capstanOnly, async () => {
    const preflight = (origin) =>
      fetch(RPC_URL, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
      })
    const local = await preflight('http://localhost:3000')
    assert.equal(local.headers.get('access-control-allow-origin'), 'http://localhost:3000')
    const strange = await preflight('https://example.org')
    assert.equal(strange.headers.get('access-control-allow-origin'), null)
  })
})
