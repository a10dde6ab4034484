// Google's JavaScript SDK as a program that does what it is told.
import { GoogleGenAI } from "@google/genai";
import { now, serve } from "./loop.mjs";

await serve(async (task) => {
  const client = new GoogleGenAI({ apiKey: task.key, httpOptions: { baseUrl: task.url, timeout: 60_000 } });
  if (task.op === "models") {
    const models = [];
    for await (const found of await client.models.list()) models.push(found.name.replace(/^models\//, ""));
    return { models };
  }
  if (task.op === "embed") {
    const found = await client.models.embedContent(task.request);
    return { vectors: found.embeddings.map((one) => one.values) };
  }
  if (task.op === "count") return { tokens: (await client.models.countTokens(task.request)).totalTokens };
  if (task.op === "leave") return await leave(client, task.request);
  const ask = task.op === "streamed" ? streamed : whole;
  const { parts, ...told } = await ask(client, task.request);
  if (!task.results) return told;
  const calls = parts.filter((part) => part.functionCall).map((part) => part.functionCall);
  const answered = calls.map(({ name, id }, place) => {
    return { functionResponse: { name, id, response: { result: task.results[place] } } };
  });
  const contents = [...task.request.contents, { role: "model", parts }, { role: "user", parts: answered }];
  const config = { ...task.request.config, toolConfig: { functionCallingConfig: { mode: "NONE" } } };
  const { parts: _, ...second } = await ask(client, { ...task.request, contents, config });
  return second;
});

async function whole(client, request) {
  return toldOf([await client.models.generateContent(request)]);
}

async function streamed(client, request) {
  const answers = [];
  for await (const piece of await client.models.generateContentStream(request)) answers.push(piece);
  const told = toldOf(answers);
  return { ...told, pieces: partsOf(answers).filter((part) => part.text).length };
}

async function leave(client, request) {
  const controller = new AbortController();
  const config = { ...request.config, abortSignal: controller.signal };
  const stream = await client.models.generateContentStream({ ...request, config });
  let read = 0;
  for await (const piece of stream) {
    if (piece.candidates?.[0]?.content?.parts?.[0]?.text && ++read === 3) break;
  }
  controller.abort();
  return { read, left: now() };
}

function partsOf(answers) {
  return answers.flatMap((answer) => answer.candidates ?? []).flatMap((candidate) => candidate.content?.parts ?? []);
}

function toldOf(answers) {
  const parts = partsOf(answers);
  const last = answers.at(-1);
  const said = (thought) => parts.filter((part) => part.text && Boolean(part.thought) === thought);
  const reason = answers.flatMap((answer) => answer.candidates ?? []).findLast((candidate) => candidate.finishReason);
  const usage = last.usageMetadata;
  return {
    parts: parts.filter((part) => part.text || part.functionCall || part.thoughtSignature),
    model: last.modelVersion,
    text: said(false).map((part) => part.text).join(""),
    reasoning: said(true).map((part) => part.text).join(""),
    finish: { STOP: "stop", MAX_TOKENS: "length" }[reason.finishReason] ?? reason.finishReason,
    calls: parts.filter((part) => part.functionCall).map(({ functionCall: call }) => {
      return { name: call.name, arguments: call.args };
    }),
    usage: [usage.promptTokenCount, (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0)],
  };
}
