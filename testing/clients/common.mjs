// What every client test shares. Each file works with accounts of its own, so that files run side by side.
import fs from 'node:fs'
import { artifacts } from './compile.mjs'

export const TARGET = process.env.TARGET ?? 'capstan'
export const RPC_URL = process.env.RPC_URL ?? 'http://127.0.0.1:8545'
export const WS_URL = process.env.WS_URL ?? RPC_URL.replace('http', 'ws')
export const MNEMONIC = 'test test test test test test test test test test test junk'
export const CHAIN_ID = 31337
export const MULTICALL3 = '0xcA11bde05977b3631167028862bE2a173976CA11'
export const CREATE2_FACTORY = '0x4e59b44847b379578588920cA78FbF26c0B4956C'

/// For tests of what only Capstan has.
export const capstanOnly = { skip: TARGET !== 'capstan' && 'Capstan only' }

const compiled = artifacts()
export const { Counter, TestToken, Batcher, Borrower, MarketBorrower } = compiled
/// Every interface of a native contract, as solc reads the generated Solidity.
export const solidityAbi = (name) => compiled[name].abi

/// Every ABI of a native contract, as `cargo xtask gen` writes it.
const abiFolder = new URL('../../abi/', import.meta.url)
export const nativeAbi = (name) => JSON.parse(fs.readFileSync(new URL(`${name}.json`, abiFolder), 'utf8'))
export const nativeNames = fs.readdirSync(abiFolder).map((file) => file.replace('.json', ''))
