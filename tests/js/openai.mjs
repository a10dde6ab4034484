// OpenAI's JavaScript SDK as a program that does what it is told.
import OpenAI from "openai";
import { now, serve } from "./loop.mjs";

await serve(async (task) => {
  const client = new OpenAI({ baseURL: `${task.url}/v1`, apiKey: task.key, maxRetries: 0, timeout: 60_000 });
  if (task.op === "models") {
    const models = [];
    for await (const found of client.models.list()) models.push(found.id);
    return { models };
  }
  if (task.op === "embed") {
    const found = await client.embeddings.create(task.request);
    return { vectors: found.data.map((one) => one.embedding) };
  }
  if (task.op === "leave") return await leave(client, task.request);
  const ask = task.op === "streamed" ? streamed : whole;
  const { message, ...told } = await ask(client, task.request);
  if (!task.results) return told;
  const answered = message.tool_calls.map((call, place) => {
    return { role: "tool", tool_call_id: call.id, content: task.results[place] };
  });
  const messages = [...task.request.messages, message, ...answered];
  const { message: _, ...second } = await ask(client, { ...task.request, messages, tool_choice: "none" });
  return second;
});

async function whole(client, request) {
  return toldOf(await client.chat.completions.create(request));
}

async function streamed(client, request) {
  let pieces = 0;
  let argumentPieces = 0;
  const stream = client.chat.completions.stream({ ...request, stream_options: { include_usage: true } });
  stream.on("content.delta", () => pieces++);
  stream.on("tool_calls.function.arguments.delta", () => argumentPieces++);
  // The helper keeps but the last piece of what OpenAI's own API does not send.
  let reasoning = "";
  stream.on("chunk", (chunk) => (reasoning += chunk.choices[0]?.delta?.reasoning_content ?? ""));
  const final = await stream.finalChatCompletion();
  return { ...toldOf(final), reasoning, pieces, argument_pieces: argumentPieces };
}

async function leave(client, request) {
  const stream = client.chat.completions.stream(request);
  let read = 0;
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta?.content && ++read === 3) break;
  }
  stream.abort();
  return { read, left: now() };
}

function toldOf(answer) {
  const [{ message, finish_reason: finish }] = answer.choices;
  return {
    message,
    model: answer.model,
    text: message.content ?? "",
    reasoning: message.reasoning_content ?? "",
    finish,
    calls: (message.tool_calls ?? []).map((call) => {
      return { id: call.id, name: call.function.name, arguments: JSON.parse(call.function.arguments) };
    }),
    usage: answer.usage && [answer.usage.prompt_tokens, answer.usage.completion_tokens],
    thought: answer.usage?.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}
