// What every client test shares. Each file works with accounts of its own, so that files run side by side.
import fs from 'node:fs'
import { getAddress } from 'viem'
import { artifacts } from './compile.mjs'

export const TARGET = process.env.TARGET ?? 'capstan'
export const RPC_URL = process.env.RPC_URL ?? 'http://127.0.0.1:8545'
export const WS_URL = process.env.WS_URL ?? RPC_URL.replace('http', 'ws')
export const MNEMONIC = 'test test test test test test test test test test test junk'
export const CHAIN_ID = 31337
export const MULTICALL3 = '0xcA11bde05977b3631167028862bE2a173976CA11'
export const CREATE2_FACTORY = '0x4e59b44847b379578588920cA78FbF26c0B4956C'

/// `capstan dev` gives the protocol to its first account. Several files use it, so the node numbers its transactions: viem sends
/// those of an account of this kind by eth_sendTransaction.
export const protocolOwner = { address: '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266', type: 'json-rpc' }

/// An ethers provider that ends when nothing waits for an answer. ethers asks some things and drops the promise (`eth_unsubscribe`, once
/// an event was heard), and `destroy` refuses whatever has not left yet: heard by nobody, that refusal ends the test's whole process.
export const ending = (Provider) =>
  class extends Provider {
    #waiting = new Set()

    send(method, params) {
      const answer = super.send(method, params)
      const answered = () => this.#waiting.delete(answer)
      this.#waiting.add(answer)
      answer.then(answered, answered)
      return answer
    }

    async end() {
      while (this.#waiting.size > 0) await Promise.allSettled(this.#waiting)
      await this.destroy()
    }
  }

/// For tests of what only Capstan has.
export const capstanOnly = { skip: TARGET !== 'capstan' && 'Capstan only' }

const compiled = artifacts()
export const { Counter, TestToken, Batcher, Borrower, FlashArbitrage, MarketBorrower } = compiled
/// Every interface of a native contract, as solc reads the generated Solidity.
export const solidityAbi = (name) => compiled[name].abi

/// Every ABI of a native contract, as `cargo xtask gen` writes it.
const abiFolder = new URL('../../abi/', import.meta.url)
export const nativeAbi = (name) => JSON.parse(fs.readFileSync(new URL(`${name}.json`, abiFolder), 'utf8'))
export const nativeNames = fs.readdirSync(abiFolder).map((file) => file.replace('.json', ''))

/// Native contracts that stand at one address, by name: {address, abi}.
export async function nativeAddresses(client) {
  const listed = await client.request({ method: 'capstan_contracts', params: [] })
  const known = listed.filter(({ name, address }) => address && nativeNames.includes(name))
  return Object.fromEntries(known.map(({ name, address }) => [name, { address: getAddress(address), abi: nativeAbi(name) }]))
}

/// What lists a token with a market and nothing else: it is no collateral.
export const listedAsset = (token) => ({
  token,
  border: { windowS: 86_400, shareBps: 10_000, floor: 2n ** 111n },
  feed: {
    description: 'TEST / USD', referencePrice: 10n ** 18n, quorum: 1, reacceptRounds: 3, bandBps: 500, bandWidenBpsPerMin: 100,
    confidenceBpsMax: 200, growthBpsPerYear: 0, staleMs: 60_000, smoothMs: 60_000, outageMs: 120_000, graceMs: 0, stillMs: 0,
  },
  market: {
    seed: 10n ** 18n, reserveFactorBps: 1_000, supplyCap: 2n ** 110n, borrowCap: 2n ** 110n, rateModel: 0, baseBps: 0,
    slope1Bps: 400, slope2Bps: 6_000, optimalBps: 9_000,
  },
  collateral: {
    initialBps: 0, maintenanceBps: 0, categoryInitialBps: 0, categoryMaintenanceBps: 0, discountMaxBps: 0, category: 0,
    isolated: false, depositCap: 0n,
  },
})
