// Creation codes of the peers of the lending tests, by name: build/rooms.json.
import { build } from './solidity.mjs'

const contracts = { PeerAave: 'PeerAave.sol', PeerMorpho: 'PeerShares.sol', PeerAsset: 'PeerShares.sol', PeerVault: 'PeerShares.sol' }

build('rooms', ['PeerAave.sol', 'PeerShares.sol'], { output: 'bytecode' }, (code) =>
  Object.fromEntries(Object.entries(contracts).map(([name, file]) => [name, code(file, name)])),
)
