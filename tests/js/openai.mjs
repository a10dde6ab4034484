// An application that uses OpenAI's JavaScript SDK, for the end-to-end tests.
//
//   node openai.mjs whole|streamed|cancelled|models|error MODEL
//
// OPENAI_BASE_URL and OPENAI_API_KEY say where and as whom. Prints one line of JSON: what the SDK made of the answer.
import OpenAI from 'openai'

const [scenario, model] = process.argv.slice(2)
const client = new OpenAI({ maxRetries: 0 })
const ask = {
  model,
  max_tokens: 16,
  temperature: 0,
  messages: [{ role: 'user', content: 'Name a colour.' }],
}

const scenarios = {
  async whole() {
    const answer = await client.chat.completions.create(ask)
    return { text: answer.choices[0].message.content, model: answer.model, usage: answer.usage }
  },

  async streamed() {
    const stream = await client.chat.completions.create({ ...ask, stream: true, stream_options: { include_usage: true } })
    const seen = { text: '', chunks: 0, model: null, finish_reason: null, usage: null }
    for await (const chunk of stream) {
      const choice = chunk.choices[0]
      seen.chunks += 1
      seen.model = chunk.model
      seen.text += choice?.delta?.content ?? ''
      seen.finish_reason ??= choice?.finish_reason ?? null
      seen.usage ??= chunk.usage ?? null
    }
    return seen
  },

  // Reads three pieces of a long answer and leaves.
  async cancelled() {
    const stream = await client.chat.completions.create({ ...ask, max_tokens: 2000, stream: true })
    let chunks = 0
    for await (const _ of stream) {
      chunks += 1
      if (chunks === 3) break
    }
    return { chunks, aborted: stream.controller.signal.aborted }
  },

  async models() {
    const ids = []
    for await (const listed of client.models.list()) ids.push(listed.id)
    return { ids }
  },

  async error() {
    try {
      await client.chat.completions.create(ask)
    } catch (error) {
      if (!(error instanceof OpenAI.APIError)) throw error
      const { name, status, type, code, param, message } = error
      return { class: error.constructor.name, name, status, type, code, param, message }
    }
    throw new Error('an error was expected, and an answer came')
  },
}

if (!(scenario in scenarios)) throw new Error(`no such scenario: ${scenario}; known are ${Object.keys(scenarios)}`)
console.log(JSON.stringify(await scenarios[scenario]()))
