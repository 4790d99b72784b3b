// Hardhat 3 with Ignition: a project as somebody would write it, deployed with nothing set but the address.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { ethers } from 'ethers'
import { RPC_URL } from './common.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
const project = path.join(here, 'hardhat')
const run = promisify(execFile)
const provider = new ethers.JsonRpcProvider(RPC_URL)

async function hardhat(...flags) {
  const cli = path.join(here, 'node_modules', 'hardhat', 'dist', 'src', 'cli.js')
  const env = { ...process.env, RPC_URL, HARDHAT_DISABLE_TELEMETRY_PROMPT: 'true', CI: 'true', NO_COLOR: '1' }
  const { stdout } = await run(process.execPath, [cli, ...flags], { cwd: project, env, timeout: 120_000 }).catch((error) => {
    throw new Error(`hardhat ${flags.join(' ')} failed\n${error.stdout}\n${error.stderr}`)
  })
  return stdout
}

describe('hardhat', () => {
  test('compiles, deploys with Ignition, and what it deployed works', async () => {
    // The contract that every client test deploys; Hardhat compiles only what lies in its own project.
    fs.copyFileSync(path.join(here, 'contracts', 'Counter.sol'), path.join(project, 'contracts', 'Counter.sol'))
    const deployments = path.join(project, 'ignition', 'deployments')
    fs.rmSync(deployments, { recursive: true, force: true })
    const said = await hardhat('ignition', 'deploy', 'ignition/modules/Project.ts', '--network', 'capstan')
    assert.match(said, /successfully deployed/)
    const addresses = JSON.parse(fs.readFileSync(path.join(deployments, 'chain-31337', 'deployed_addresses.json'), 'utf8'))
    const at = (name) => new ethers.Contract(addresses[`Project#${name}`], abiOf(name), provider)
    assert.equal(await at('Counter').value(), 7n)
    const owner = (await provider.send('eth_accounts', []))[6]
    assert.equal(await at('Coin').balanceOf(owner), ethers.parseEther('1000000'))
    assert.equal((await at('Coin').owner()).toLowerCase(), owner.toLowerCase())
    provider.destroy()
  })
})

function abiOf(name) {
  return JSON.parse(fs.readFileSync(path.join(project, 'artifacts', 'contracts', `${name}.sol`, `${name}.json`), 'utf8')).abi
}
