// The unmodified JavaScript client before a real model: node model.mjs BASE_URL KEY MODEL.
import assert from 'node:assert/strict'
import OpenAI from 'openai'
import { VERSION } from 'openai/version'

const [baseURL, apiKey, model] = process.argv.slice(2)
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0 })
const messages = [{ role: 'system', content: 'You answer shortly.' }, { role: 'user', content: 'What is the capital of France?' }]
const ask = (more) => client.chat.completions.create({ model, messages, max_tokens: 40, temperature: 0, ...more })

const { data: whole, response } = await ask().withResponse()
const said = whole.choices[0].message.content
assert.ok(said.split(' ').length > 3, said)
assert.match(response.headers.get('x-capstan-receipt'), /^0x[0-9a-f]{64}$/)

let text = ''
let usage
for await (const chunk of await ask({ stream: true, stream_options: { include_usage: true } })) {
  text += chunk.choices[0]?.delta.content ?? ''
  usage = chunk.usage ?? usage
}
assert.equal(text, said)
assert.equal(usage.total_tokens, whole.usage.total_tokens)

const seeded = async (seed) => (await ask({ temperature: 1, seed })).choices[0].message.content
assert.equal(await seeded(7), await seeded(7))
// A client that leaves in the middle takes nothing with it: the next one is answered.
for await (const chunk of await ask({ stream: true, max_tokens: 2000, temperature: 1, seed: 1 })) { assert.ok(chunk); break }
const prompted = await client.completions.create({ model, prompt: '1, 2, 3, 4,', max_tokens: 4, temperature: 0 })
assert.match(prompted.choices[0].text, /5/)
// The client asks for base64 by itself.
const { data } = await client.embeddings.create({ model, input: ['a', 'b'] })
assert.equal(data.length, 2)
assert.ok(Math.abs(data[0].embedding.reduce((sum, x) => sum + x * x, 0) - 1) < 1e-3)
await assert.rejects(ask({ tools: [{ type: 'function', function: { name: 'look', parameters: {} } }] }), OpenAI.BadRequestError)
console.log('javascript', VERSION, 'agrees:', said.trim())
