// OpenAI's JavaScript SDK against the gateway: whole, streamed, error, models list, and leaving in mid-stream.
import OpenAI from "openai";

const client = new OpenAI({ baseURL: process.argv[2], apiKey: "unused", maxRetries: 0 });
const messages = [{ role: "user", content: "hello" }];
const model = process.argv[3] ?? "gpt-4o-mini";
const options = { model, messages, temperature: 0, seed: 7, max_tokens: 24 };

const whole = await client.chat.completions.create(options);
let streamed = "";
for await (const chunk of await client.chat.completions.create({ ...options, stream: true })) {
  streamed += chunk.choices[0]?.delta?.content ?? "";
}

let error = null;
try {
  await client.chat.completions.create({ ...options, model: "nobody-serves-this" });
} catch (raised) {
  error = { name: raised.constructor.name, status: raised.status };
}

const models = [];
for await (const found of client.models.list()) models.push(found.id);

const long = await client.chat.completions.create({ ...options, max_tokens: 3000, stream: true });
let cancelledAfter = 0;
for await (const chunk of long) {
  if (chunk.choices[0]?.delta?.content && ++cancelledAfter === 3) {
    long.controller.abort();
    break;
  }
}

console.log(JSON.stringify({ whole: whole.choices[0].message.content, streamed, error, models, cancelledAfter }));
