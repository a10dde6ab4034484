// What the client programs share: a task per line on standard input, what came of it per line of output.
import { createInterface } from "node:readline";

export async function serve(take) {
  for await (const line of createInterface({ input: process.stdin })) {
    let told;
    try {
      told = await take(JSON.parse(line));
    } catch (raised) {
      // Ollama's SDK has it under another name.
      const status = raised.status ?? raised.status_code ?? null;
      told = { error: { classes: classesOf(raised), status, message: String(raised.message) } };
    }
    process.stdout.write(JSON.stringify(told) + "\n");
  }
}

function classesOf(raised) {
  const names = [];
  for (let each = Object.getPrototypeOf(raised); each; each = Object.getPrototypeOf(each)) {
    names.push(each.constructor.name);
  }
  return names;
}

export const now = () => Date.now() * 1e6;
