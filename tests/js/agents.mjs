// The Vercel AI SDK as a program: loops of tools, whole and streamed, by each of its ways to ask.
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, isStepCount, stepCountIs, streamText, tool } from "ai";
import { z } from "zod";
import { serve } from "./loop.mjs";

const TURNS = 5;
const atMost = stepCountIs ?? isStepCount;

await serve(async (task) => {
  const openai = createOpenAI({ baseURL: `${task.url}/v1`, apiKey: "none" });
  const anthropic = createAnthropic({ baseURL: `${task.url}/v1`, apiKey: "none" });
  const models = {
    "ai, chat": openai.chat(task.model),
    "ai, responses": openai.responses(task.model),
    "ai, anthropic": anthropic(task.model),
  };
  const results = {};
  for (const [name, model] of Object.entries(models)) {
    results[name] = await loop(task, model, false);
    results[`${name}, streamed`] = await loop(task, model, true);
  }
  return results;
});

async function loop(task, model, streamed) {
  const queue = [{ behaviour: { calls: 1 }, times: TURNS - 1 }];
  await fetch(`${task.sim}/sim/script`, { method: "POST", body: JSON.stringify({ queue }) });
  let calls = 0;
  const weather = tool({
    description: "Tells the weather of a city",
    inputSchema: z.object({ city: z.string() }),
    execute: async ({ city }) => (calls++, `It rains in ${city}.`),
  });
  const asked = {
    model,
    prompt: "What is the weather in Oslo, Rome, Lima and Cairo?",
    tools: { weather },
    stopWhen: atMost(TURNS + 1),
    maxRetries: 0,
  };
  try {
    if (!streamed) return { said: (await generateText(asked)).text, calls };
    let failed;
    const result = streamText({ ...asked, onError: ({ error }) => (failed = error) });
    const said = await result.text;
    if (failed) throw failed;
    return { said, calls };
  } catch (raised) {
    return { failed: String(raised.stack ?? raised).slice(0, 1500) };
  }
}
