// The unmodified JavaScript client: node chat.mjs BASE_URL KEY POOR_KEY.
import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { VERSION } from 'openai/version'

const [baseURL, apiKey, poor] = process.argv.slice(2)
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 })
const messages = (content) => ({ model: 'm', messages: [{ role: 'user', content }], max_tokens: 50 })
const ask = (content, more) => client.chat.completions.create({ ...messages(content), ...more })

const models = []
for await (const model of client.models.list()) models.push(model.id)
assert.deepEqual(models.sort(), ['free/m:1', 'm'])

const { data: whole, response } = await ask('count 3').withResponse()
assert.equal(whole.choices[0].message.content, 'w0 w1 w2 ')
assert.equal(response.headers.get('x-capstan-cost'), '0.008usd')
assert.match(response.headers.get('x-capstan-receipt'), /^0x[0-9a-f]{64}$/)

let text = ''
for await (const chunk of await ask('count 30', { stream: true })) text += chunk.choices[0].delta.content ?? ''
assert.equal(text, Array.from({ length: 30 }, (_, at) => `w${at} `).join(''))

const chunks = []
for await (const chunk of await ask('count 4', { stream: true, stream_options: { include_usage: true } })) chunks.push(chunk)
assert.equal(chunks.at(-1).usage.completion_tokens, 4)
assert.equal(chunks.at(-1).capstan.cost, '0.009usd')

const prompted = await client.completions.create({ model: 'm', prompt: 'count 2', max_tokens: 9 })
assert.equal(prompted.choices[0].text, 'w0 w1 ')
const embedded = await client.embeddings.create({ model: 'm', input: ['a', 'b'], encoding_format: 'float' })
assert.deepEqual(embedded.data.map((row) => row.embedding), [[0.5, -0.25], [0.5, -0.25]])

let heard = ''
await assert.rejects(async () => {
  for await (const chunk of await ask('count 9 cut 5', { stream: true })) heard += chunk.choices[0].delta.content ?? ''
}, (error) => error instanceof OpenAI.APIError && error.code === 'upstream_cut')
assert.equal(heard, 'w0 w1 w2 w3 w4 ')

const other = (key) => new OpenAI({ baseURL, apiKey: key, maxRetries: 0 })
await assert.rejects(other(poor).chat.completions.create(messages('count 3')), (error) =>
  error.status === 402 && error.code === 'over_budget' && /over budget/.test(error.message))
await assert.rejects(other('sk-none').models.list(), OpenAI.AuthenticationError)
console.log('javascript', VERSION, 'agrees')
