// Creation codes of the peers of the exchange, by name: build/rooms.json. Uniswap's are those that its packages hold;
// our harness and Balancer's arithmetic are compiled here.
import { build, folder } from '../solidity.mjs'

const place = folder(import.meta.url)
const artifact = (name) => JSON.parse(place.read('node_modules', `${name}.json`)).bytecode.replace(/^0x/, '')
const v3 = (name) => artifact(`@uniswap/v3-core/artifacts/contracts/${name}.sol/${name}`)

build(place, 'rooms', ['PeerTrader.sol', 'PeerStable.sol'], { output: 'bytecode', evmVersion: 'istanbul' }, (code) => ({
  UniswapV2Factory: artifact('@uniswap/v2-core/build/UniswapV2Factory'),
  UniswapV2Pair: artifact('@uniswap/v2-core/build/UniswapV2Pair'),
  UniswapV2Router02: artifact('@uniswap/v2-periphery/build/UniswapV2Router02'),
  UniswapV3Factory: v3('UniswapV3Factory'),
  UniswapV3Pool: v3('UniswapV3Pool'),
  PeerCoin: code('PeerTrader.sol', 'PeerCoin'),
  PeerTrader: code('PeerTrader.sol', 'PeerTrader'),
  PeerStable: code('PeerStable.sol', 'PeerStable'),
}))
