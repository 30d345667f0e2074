// Tokens per second of cached decoding, by the length of what is already written, beside a full forward pass per token.
import { Engine } from "../../src/engine/engine.js";
import type { ReformerOptions } from "../../src/types.js";
import { BenchModel } from "./model.js";
import { median, type Row, type RunBench } from "./report.js";

const SIZES = {
  gpu: {
    config: { hiddenSize: 256, numHeads: 4, headSize: 64, feedForwardSize: 1024 },
    lengths: [256, 1024, 4096, 16_384, 65_536],
    tokens: 128,
  },
  software: {
    config: { hiddenSize: 64, numHeads: 2, headSize: 32, feedForwardSize: 256 },
    lengths: [256, 1024, 4096, 16_384, 65_536],
    tokens: 24,
  },
} as const;
const REPEATS = 3;

export const benchGenerate: RunBench = async function* ({ device, scale, log }) {
  const { config, lengths, tokens } = SIZES[scale];
  const rows: Row[] = [];
  for (const length of lengths) {
    log(`after ${length} tokens`);
    const options: ReformerOptions = {
      ...config,
      layers: ["local", "lsh", "local", "lsh"],
      numHashes: 2,
      maxLength: 2 * length,
    };
    const engine = await Engine.create(options, { device, seed: 0 });
    const prompt = "whale ".repeat(length).slice(0, length);
    const firsts: number[] = [];
    const rates: number[] = [];
    try {
      for (let i = 0; i < REPEATS; i++) {
        const start = performance.now();
        let first = 0;
        let count = 0;
        for await (const _ of engine.generate(prompt, { maxNewTokens: tokens, seed: i })) {
          count++;
          first ||= performance.now();
        }
        firsts.push(first - start);
        rates.push((1000 * (count - 1)) / (performance.now() - first));
      }
    } finally {
      await engine.dispose();
    }
    const model = await BenchModel.create(device, { ...options, vocabSize: 256 }, { length });
    await model.evaluate();
    const forwards: number[] = [];
    for (let i = 0; i < REPEATS; i++) {
      const start = performance.now();
      await model.evaluate();
      forwards.push(performance.now() - start);
    }
    model.dispose();
    const cached = median(rates);
    const recomputed = 1000 / median(forwards);
    rows.push({
      "tokens before": length,
      "cached tokens/s": cached,
      "recomputed tokens/s": recomputed,
      ratio: cached / recomputed,
      "first token ms": median(firsts),
    });
  }
  yield {
    title: `Writing, 4 layers (local, LSH), width ${config.hiddenSize}, 2 rounds`,
    rows,
    notes: [
      "First token: plan, compile and read what is written before. Recomputed: one forward pass and loss per token.",
    ],
  };
};
