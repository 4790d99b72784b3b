// Pages of docs/ are true: see guides.mjs for how a page is read.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, test } from 'node:test'
import { capstanOnly } from './common.mjs'
import { blocks, follow, missing, programs } from './guides.mjs'

const docs = new URL('../../docs/', import.meta.url)
const page = (name) => fileURLToPath(new URL(name, docs))

describe('guides', { ...capstanOnly, concurrency: true }, () => {
  for (const name of ['ten-minutes.md', 'operators.md', 'administrators.md']) {
    test(`${name} runs as it stands, and prints what it shows`, async () => {
      const { wrong, commands, outputs } = await follow(page(name), programs())
      assert.deepEqual(wrong, [], wrong.join('\n\n'))
      assert.ok(commands >= 5 && outputs >= 3, `${name}: ${commands} blocks of commands, ${outputs} of output`)
    })
  }

  test('the contract of solidity.md is the one that is tested', () => {
    const shown = blocks(fs.readFileSync(page('solidity.md'), 'utf8')).filter(({ info }) => info === 'solidity')
    const kept = fs.readFileSync(new URL('contracts/FlashArbitrage.sol', import.meta.url), 'utf8')
    assert.ok(shown.some(({ text }) => text === kept.trimEnd()), 'docs/solidity.md shows another FlashArbitrage.sol: copy it there')
  })

  test('a page that shows what is not printed is found', () => {
    assert.equal(missing('a 1 c\nd', 'x\na 1 c\nd'), undefined)
    assert.equal(missing('a ... c\n...\nd', 'x\na 1 c\ny\nd  '), undefined)
    assert.equal(missing('d\na 1 c', 'x\na 1 c\nd'), 'a 1 c')
    assert.equal(missing('health 1.66', 'health 1.67'), 'health 1.66')
    assert.equal(missing('health 1.6', 'health 1.66'), 'health 1.6')
  })
})
