// Tokens per second of cached decoding, by the length of what is already written, beside a full forward pass per token.
import { Engine } from "../../src/engine/engine.js";
import type { ReformerOptions } from "../../src/types.js";
import { BenchModel } from "./model.js";
import { inTurns, median, type RunBench, range } from "./report.js";

const CONFIGS = {
  gpu: { hiddenSize: 256, numHeads: 4, headSize: 64, feedForwardSize: 1024 },
  software: { hiddenSize: 64, numHeads: 2, headSize: 32, feedForwardSize: 256 },
} as const;
/** 255 characters, each a token of its own: what is written comes piece by piece, and every piece is one token. */
const ALPHABET = String.fromCodePoint(...Array.from({ length: 255 }, (_, i) => 0x100 + i));
const LENGTHS = [256, 1024, 4096, 16_384, 65_536];
/** Tokens of a turn: long enough that groups of steps, which come back together, do not decide its time. */
const TOKENS = 64;
const TURNS = 9;
const FORWARDS = 3;

export const benchGenerate: RunBench = async function* ({ device, scale, log }) {
  const config = CONFIGS[scale];
  const maxNewTokens = 1 + TOKENS * (1 + TURNS);
  const optionsOf = (length: number): ReformerOptions => ({
    ...config,
    layers: ["local", "lsh", "local", "lsh"],
    numHashes: 2,
    maxLength: length + maxNewTokens,
  });
  const engines: Engine[] = [];
  try {
    const writers = [];
    for (const length of LENGTHS) {
      log(`reads ${length} tokens`);
      const engine = await Engine.create(optionsOf(length), {
        ...{ device, seed: 0, text: ALPHABET },
        tokenizer: { type: "characters" },
      });
      engines.push(engine);
      const start = performance.now();
      const prompt = ALPHABET.repeat(Math.ceil(length / ALPHABET.length)).slice(0, length);
      const tokens = engine.generate(prompt, { maxNewTokens, seed: 0 })[Symbol.asyncIterator]();
      await tokens.next();
      writers.push({ length, tokens, first: performance.now() - start });
    }
    log("writes, in turns");
    const times = await inTurns(
      writers.map(({ tokens }) => async () => {
        for (let i = 0; i < TOKENS; i++) {
          if ((await tokens.next()).done) throw new Error("a text ended before its time");
        }
      }),
      TURNS,
    );
    const rows = [];
    for (const [i, { length, first }] of writers.entries()) {
      log(`forward passes of ${length} tokens`);
      const model = await BenchModel.create(device, { ...optionsOf(length), vocabSize: 256 }, { length });
      const [forwards = []] = await inTurns([() => model.evaluate()], FORWARDS);
      model.dispose();
      const written = times[i] ?? [];
      const cached = (1000 * TOKENS) / median(written);
      const recomputed = 1000 / median(forwards);
      rows.push({
        "tokens before": length,
        "cached tokens/s": cached,
        range: range(written.map((ms) => 1 / ms)),
        "recomputed tokens/s": recomputed,
        ratio: cached / recomputed,
        "first token ms": first,
      });
    }
    yield {
      title: `Writing, 4 layers (local, LSH), width ${config.hiddenSize}, 2 rounds`,
      rows,
      notes: [
        "First token, once: plan, compile and read what is written before. Recomputed: one forward pass and loss per token.",
      ],
    };
  } finally {
    for (const engine of engines) await engine.dispose();
  }
};
