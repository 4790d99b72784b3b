// The whole of Aave v3 with PeerPool.sol, for `cargo xtask bench credit`: build/pool.json holds code by name, and the
// libraries by the addresses to which the others are linked. It takes about 20 s.
import { build, folder } from '../solidity.mjs'

const logic = '@aave-dao/aave-v3-origin/src/contracts/protocol/libraries/logic/'
const names = ['BorrowLogic', 'SupplyLogic', 'FlashLoanLogic', 'LiquidationLogic', 'PoolLogic', 'ConfiguratorLogic']
const address = (at) => `0x${(0x11b00 + at).toString(16).padStart(40, '0')}`
const libraries = Object.fromEntries(names.map((name, at) => [`${logic}${name}.sol`, { [name]: address(at) }]))
const options = { output: 'deployedBytecode', evmVersion: 'shanghai', libraries }

build(folder(import.meta.url), 'pool', ['PeerPool.sol'], options, (code) => ({
  libraries: Object.fromEntries(names.map((name, at) => [address(at), code(`${logic}${name}.sol`, name)])),
  pool: code('PeerPool.sol', 'PeerPool'),
  driver: code('PeerPool.sol', 'PeerDriver'),
}))
