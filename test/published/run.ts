// `npm run published`: the published models in full size, with weights drawn at random, loaded by their names from a hub on
// this machine; then a forward pass and some new tokens.
import { Reformer } from "../../src/index.js";
import { PUBLISHED, type PublishedName, serveHub } from "../support/published.js";

const TEXT = "he was the street and the street was he ".repeat(6);

export async function main(_args: readonly string[], { signal }: { signal: AbortSignal }): Promise<number> {
  let wrong = 0;
  for (const name of Object.keys(PUBLISHED) as PublishedName[]) if (!(await check(name, signal))) wrong++;
  return wrong > 0 ? 1 : 0;
}

async function check(name: PublishedName, signal: AbortSignal): Promise<boolean> {
  const { settings, parameters } = PUBLISHED[name];
  const { server, fetch } = await serveHub(name);
  const seconds = timer();
  const model = await Reformer.load(name, { worker: "none", fetch, signal });
  try {
    const loaded = seconds();
    const found = (await model.describe()).parameters;
    const { bits, tokens } = await model.score(TEXT, { signal });
    const scored = seconds();
    await model.generate("he was ", { maxNewTokens: 8, seed: 1, signal }).text();
    const perToken = bits / tokens.length;
    // Weights drawn at random say little: a token costs about the logarithm of the vocabulary.
    const right = found === parameters && Math.abs(perToken - Math.log2(settings.vocab_size)) < 1;
    console.log(
      `${right ? "pass" : "FAIL"}  ${name}: ${found} parameters (published: ${parameters}), loaded in ${loaded.toFixed(1)} s, ` +
        `${tokens.length} tokens in ${scored.toFixed(1)} s at ${perToken.toFixed(2)} bits, 8 new ones in ${seconds().toFixed(1)} s`,
    );
    return right;
  } finally {
    await model.dispose();
    await server[Symbol.asyncDispose]();
  }
}

/** Seconds since the last call. */
function timer(): () => number {
  let last = performance.now();
  return () => {
    const before = last;
    last = performance.now();
    return (last - before) / 1000;
  };
}
