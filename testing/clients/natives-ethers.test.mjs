// Native contracts through ethers: typed data, errors by name, events, roles.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { ethers } from 'ethers'
import { capstanOnly, ending, MNEMONIC, nativeAbi, RPC_URL } from './common.mjs'

const provider = new (ending(ethers.JsonRpcProvider))(RPC_URL, undefined, { pollingInterval: 50, cacheTimeout: -1 })
const key = (index) => ethers.HDNodeWallet.fromPhrase(MNEMONIC, undefined, `m/44'/60'/0'/0/${index}`)
const owner = key(14), friend = key(15)
const asOwner = new ethers.NonceManager(owner.connect(provider)), asFriend = new ethers.NonceManager(friend.connect(provider))
const done = async (sent) => (await sent).wait()

describe('native contracts by ethers', capstanOnly, () => {
  const at = {}
  let token
  before(async () => {
    for (const { name, address } of await provider.send('capstan_contracts', [])) {
      if (address && name !== 'create2') at[name] = new ethers.Contract(ethers.getAddress(address), nativeAbi(name), asOwner)
    }
    const made = await done(at.tokenFactory.createToken('Ethers Dollar', 'ED', 18, owner.address, 0))
    const { args } = made.logs.map((log) => at.tokenFactory.interface.parseLog(log)).find((log) => log?.name === 'TokenCreated')
    token = new ethers.Contract(args.token, nativeAbi('token'), asOwner)
    await done(token.mint(owner.address, 1_000n))
  })
  after(() => provider.end())

  test('moves a token and reads its events', async () => {
    const receipt = await done(token.transfer(friend.address, 10n))
    assert.deepEqual([...receipt.logs[0].args], [owner.address, friend.address, 10n])
    assert.equal(await token.balanceOf(friend.address), 10n)
    const past = await token.queryFilter(token.filters.Transfer(null, friend.address), receipt.blockNumber)
    assert.equal(past.length, 1)
  })

  test('a permit signed as typed data counts once, for tokens and for the coin', async () => {
    const fields = { owner: 'address', spender: 'address', value: 'uint256', nonce: 'uint256', deadline: 'uint256' }
    const types = { Permit: Object.entries(fields).map(([name, type]) => ({ name, type })) }
    const deadline = BigInt(2 ** 40)
    for (const contract of [token, at.ether]) {
      const { name, version, chainId, verifyingContract } = await contract.eip712Domain()
      assert.equal(await contract.DOMAIN_SEPARATOR(), ethers.TypedDataEncoder.hashDomain({ name, version, chainId, verifyingContract }))
      const message = { owner: owner.address, spender: friend.address, value: 5n, nonce: await contract.nonces(owner.address), deadline }
      const { v, r, s } = ethers.Signature.from(await owner.signTypedData({ name, version, chainId, verifyingContract }, types, message))
      const permit = [owner.address, friend.address, 5n, deadline, v, r, s]
      await done(contract.connect(asFriend).permit(...permit))
      assert.equal(await contract.allowance(owner.address, friend.address), 5n)
      const to = ethers.Wallet.createRandom().address
      await done(contract.connect(asFriend).transferFrom(owner.address, to, 5n))
      assert.equal(await contract.balanceOf(to), 5n)
      const again = await contract.connect(friend.connect(provider)).permit.staticCall(...permit).catch((error) => error)
      assert.equal(again.revert?.name, 'ERC2612InvalidSigner')
    }
  })

  test('errors have names and numbers, those of other contracts too', async () => {
    const refused = async (contract, verb, ...args) => {
      const error = await contract.connect(friend.connect(provider))[verb].staticCall(...args).catch((error) => error)
      assert.equal(error.code, 'CALL_EXCEPTION', String(error))
      return [error.revert?.name, [...(error.revert?.args ?? [])]]
    }
    const balance = await token.balanceOf(friend.address)
    assert.deepEqual(await refused(token, 'transfer', owner.address, 99n), ['ERC20InsufficientBalance', [friend.address, balance, 99n]])
    assert.deepEqual(await refused(token, 'burn', 1n), ['AdminMissingRole', [await token.getAddress(), 2n, friend.address]])
    assert.deepEqual(await refused(at.flash, 'flashFee', friend.address, 1n), ['FlashTokenUnsupported', [friend.address]])
    const taken = await at.admin.ownerOf(at.admin.target)
    assert.deepEqual(await refused(at.admin, 'offerOwnership', at.admin.target, friend.address), ['AdminNotOwner', [at.admin.target, friend.address, taken]])
    // ethers itself sends no coins to such a verb, so this one goes by hand.
    const data = token.interface.encodeFunctionData('transfer', [owner.address, 0n])
    const paid = await provider.call({ to: token.target, data, value: 1n, from: friend.address }).catch((error) => error)
    const { name, args } = token.interface.parseError(paid.data)
    assert.deepEqual([name, [...args]], ['NativeNotPayable', [1n]])
  })

  test('reads of many contracts in one multicall', async () => {
    const calls = [token, at.ether].map((contract) => ({
      target: contract.target, allowFailure: false, callData: contract.interface.encodeFunctionData('symbol'),
    }))
    const answers = await at.multicall.aggregate3.staticCall(calls)
    assert.deepEqual(answers.map(({ returnData }) => token.interface.decodeFunctionResult('symbol', returnData)[0]), ['ED', 'ETH'])
  })
})
