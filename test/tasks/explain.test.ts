import { expect, test } from "vitest";
import { type ReformerOptions, resolveConfig } from "../../src/config/config.js";
import { openDevice } from "../../src/engine/device.js";
import { WORD } from "../../src/layers/embedding.js";
import { initialValues, parameters } from "../../src/model/parameters.js";
import { explain } from "../../src/tasks/explain.js";
import type { TaskModel } from "../../src/tasks/reading.js";
import { characterTokenizer } from "../../src/text/character-tokenizer.js";
import { getDevice } from "../support/device.js";

/** Every letter once, so that a word vector belongs to one token. */
const TEXT = "abcdefgh";
const TOKENIZER = characterTokenizer(TEXT);
const IDS = TOKENIZER.encode(TEXT);

/** No hashing: a bucket that changes would be a jump, which no gradient sees. */
const OPTIONS: ReformerOptions = {
  vocabSize: TOKENIZER.vocabSize,
  hiddenSize: 32,
  numHeads: 2,
  headSize: 16,
  feedForwardSize: 32,
  layers: ["local", "full"],
  localChunkLength: 8,
  maxLength: 64,
  initializerRange: 0.3,
};

async function makeModel(changes: ReformerOptions): Promise<TaskModel> {
  const config = resolveConfig({ ...OPTIONS, ...changes });
  const device = await openDevice(config, await getDevice());
  for (const [i, p] of parameters(config).entries()) {
    device.base.write(device.weights.get(p.name), initialValues(p, i, 3));
  }
  return { config, tokenizer: TOKENIZER, seed: 5, ...device };
}

/** -log p of what `explain` explains, with the vector of `token` moved by a share of the way to the mean. */
async function lossAfter(
  model: TaskModel,
  words: Float32Array,
  token: number,
  share: number,
): Promise<number> {
  const { hiddenSize } = model.config;
  const moved = words.slice();
  for (let i = 0; i < hiddenSize; i++) {
    let mean = 0;
    for (const id of IDS) mean += (words[id * hiddenSize + i] as number) / IDS.length;
    const at = (IDS[token] as number) * hiddenSize + i;
    moved[at] = (words[at] as number) + share * (mean - (words[at] as number));
  }
  model.base.write(model.weights.get(WORD), moved);
  const { probability } = await explain(model, TEXT);
  model.base.write(model.weights.get(WORD), words);
  return -Math.log(probability);
}

test.each<[string, ReformerOptions]>([
  ["label", { head: "classification", numLabels: 3 }],
  ["next token", {}],
])("evidence for a %s is what the prediction loses per step towards the mean", async (_what, changes) => {
  const model = await makeModel(changes);
  try {
    const words = (await model.base.read(model.weights.get(WORD))) as Float32Array;
    const { tokens, probability } = await explain(model, TEXT);
    expect(probability).toBeGreaterThan(0);
    expect(tokens.map(({ text }) => text).join("")).toBe(TEXT);
    const step = 0.02;
    const largest = Math.max(...tokens.map(({ evidence }) => Math.abs(evidence)));
    expect(largest).toBeGreaterThan(0.01);
    for (const token of [0, 3, 7]) {
      const up = await lossAfter(model, words, token, step);
      const down = await lossAfter(model, words, token, -step);
      const slope = (up - down) / (2 * step);
      // Losses of f32 logits are good to about 1e-6, and the third derivative enters with step²/6.
      const bound = 1e-6 / step + largest * step;
      expect(Math.abs(slope - (tokens[token]?.evidence ?? Number.NaN)), `token ${token}`).toBeLessThan(bound);
    }
  } finally {
    model.base.dispose();
    model.gpu.dispose();
  }
});

test("heads that predict neither, labels that are not there, and labels of language models are refused by name", async () => {
  const embedder = await makeModel({ head: "none" });
  await expect(explain(embedder, TEXT)).rejects.toThrow("this model's head is none");
  const classifier = await makeModel({ head: "classification", labels: ["wet", "dry"] });
  await expect(explain(classifier, TEXT, { label: "hot" })).rejects.toThrow(
    'label is "hot", but the labels are wet, dry',
  );
  const writer = await makeModel({});
  await expect(explain(writer, TEXT, { label: "hot" })).rejects.toThrow("a language model has no labels");
  for (const { base, gpu } of [embedder, classifier, writer]) {
    base.dispose();
    gpu.dispose();
  }
});
