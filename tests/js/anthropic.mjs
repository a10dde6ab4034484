// Anthropic's JavaScript SDK as a program that does what it is told.
import Anthropic from "@anthropic-ai/sdk";
import { now, serve } from "./loop.mjs";

await serve(async (task) => {
  const client = new Anthropic({ baseURL: task.url, apiKey: task.key, maxRetries: 0, timeout: 60_000 });
  if (task.op === "models") {
    const models = [];
    for await (const found of client.models.list()) models.push(found.id);
    return { models };
  }
  if (task.op === "count") return { tokens: (await client.messages.countTokens(task.request)).input_tokens };
  if (task.op === "leave") return await leave(client, task.request);
  const ask = task.op === "streamed" ? streamed : whole;
  const { content, ...told } = await ask(client, task.request);
  if (!task.results) return told;
  const calls = content.filter((block) => block.type === "tool_use");
  const answered = calls.map((call, place) => {
    return { type: "tool_result", tool_use_id: call.id, content: task.results[place] };
  });
  const messages = [...task.request.messages, { role: "assistant", content }, { role: "user", content: answered }];
  const { content: _, ...second } = await ask(client, { ...task.request, messages, tool_choice: { type: "none" } });
  return second;
});

async function whole(client, request) {
  return toldOf(await client.messages.create(request));
}

async function streamed(client, request) {
  let pieces = 0;
  let argumentPieces = 0;
  const stream = client.messages.stream(request);
  stream.on("text", () => pieces++);
  stream.on("inputJson", () => argumentPieces++);
  const final = await stream.finalMessage();
  return { ...toldOf(final), pieces, argument_pieces: argumentPieces };
}

async function leave(client, request) {
  const stream = client.messages.stream(request);
  let read = 0;
  for await (const event of stream) {
    if (event.type === "content_block_delta" && event.delta.type === "text_delta" && ++read === 3) break;
  }
  stream.abort();
  return { read, left: now() };
}

function toldOf(answer) {
  const of = (type) => answer.content.filter((block) => block.type === type);
  return {
    content: answer.content,
    model: answer.model,
    text: of("text").map((block) => block.text).join(""),
    reasoning: of("thinking").map((block) => block.thinking).join(""),
    finish: answer.stop_reason,
    calls: of("tool_use").map((block) => ({ id: block.id, name: block.name, arguments: block.input })),
    usage: [answer.usage.input_tokens, answer.usage.output_tokens],
  };
}
