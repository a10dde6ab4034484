// Ollama's JavaScript SDK as a program that does what it is told.
import { Ollama } from "ollama";
import { now, serve } from "./loop.mjs";

await serve(async (task) => {
  const client = new Ollama({ host: task.url, headers: { authorization: `Bearer ${task.key}` } });
  if (task.op === "models") return { models: (await client.list()).models.map((model) => model.model) };
  if (task.op === "embed") return { vectors: (await client.embed(task.request)).embeddings };
  if (task.op === "leave") return await leave(client, task.request);
  const ask = task.op === "streamed" ? streamed : whole;
  const { message, ...told } = await ask(client, task.request);
  if (!task.results) return told;
  const answered = message.tool_calls.map((call, place) => {
    return { role: "tool", tool_name: call.function.name, content: task.results[place] };
  });
  // There is no telling it not to call again but to offer nothing.
  const { tools, ...request } = task.request;
  const { message: _, ...second } = await ask(client, {
    ...request,
    messages: [...request.messages, message, ...answered],
  });
  return second;
});

async function whole(client, request) {
  const answer = await client.chat(request);
  return toldOf(answer, answer.message);
}

async function streamed(client, request) {
  const message = { role: "assistant", content: "", thinking: "", tool_calls: [] };
  let [pieces, last] = [0, null];
  for await (last of await client.chat({ ...request, stream: true })) {
    if (last.message.content) pieces++;
    message.content += last.message.content ?? "";
    message.thinking += last.message.thinking ?? "";
    message.tool_calls.push(...(last.message.tool_calls ?? []));
  }
  return { ...toldOf(last, message), pieces };
}

async function leave(client, request) {
  let read = 0;
  const stream = await client.chat({ ...request, stream: true });
  for await (const piece of stream) {
    if (piece.message.content && ++read === 3) break;
  }
  stream.abort();
  return { read, left: now() };
}

function toldOf(answer, message) {
  return {
    message,
    model: answer.model,
    text: message.content ?? "",
    reasoning: message.thinking ?? "",
    finish: answer.done_reason,
    calls: (message.tool_calls ?? []).map(({ function: call }) => ({ name: call.name, arguments: call.arguments })),
    usage: [answer.prompt_eval_count, answer.eval_count],
  };
}
