// Why this label, or this next word? Evidence of a token: by how many nats the logarithm of the prediction's probability
// would fall, to first order, if the token's embedding were the mean of those of the text (gradient × difference).
import { ConfigError } from "../errors.js";
import { WORD } from "../layers/embedding.js";
import { finalStates, logitsOf } from "../layers/head.js";
import { headLoss, headShapes } from "../layers/heads.js";
import { layerBackward } from "../layers/reversible-block.js";
import { type ParameterArena, parameterArena, streamPair } from "../model/memory.js";
import { Arena } from "../scheduler/recording.js";
import type { ExplainOptions, Explanation } from "../types-tasks.js";
import { classify } from "./classify.js";
import { encodeCut, largest, type RecordOutputs, read, type TaskModel } from "./reading.js";

/** Views of rows begin at multiples of it. */
const BLOCK = 64;

/**
 * Evidence of every token for a label of a classification head, or for the next token of a language model.
 * @throws {ConfigError} where the head predicts neither, or the label is not one of the model's
 */
export async function explain(
  model: TaskModel,
  text: string,
  options: ExplainOptions = {},
): Promise<Explanation> {
  const { config, tokenizer } = model;
  const { signal } = options;
  const tokens = await encodeCut(model, text, signal);
  const single = config.head === "classification" && config.problemType === "single-label";
  if (!single && config.head !== "language-model") {
    throw new ConfigError(
      `explain() needs a language model or a single-label classification head, but this model's head is ${config.head}.`,
      { field: "head" },
    );
  }
  if (!single && options.label !== undefined) {
    throw new ConfigError(
      `label is "${options.label}", but a language model has no labels: it is explained for its most probable next token.`,
      { field: "label" },
    );
  }
  const target = single ? await labelOf(model, text, options) : await nextToken(model, tokens, signal);
  const { loss, gradient } = await inputGradient(model, tokens, target, signal);
  const words = await wordVectors(model, tokens);
  const { hiddenSize } = config;
  const mean = new Float64Array(hiddenSize);
  words.forEach((value, i) => {
    (mean[i % hiddenSize] as number) += value / tokens.length;
  });
  const decoder = tokenizer.decoder();
  return {
    target: single ? (config.labels[target] as string) : tokenizer.decode([target]),
    probability: Math.exp(-loss),
    tokens: Array.from(tokens, (token, t) => {
      let fall = 0;
      for (let i = 0; i < hiddenSize; i++) {
        const at = t * hiddenSize + i;
        fall -= (gradient[at] as number) * ((words[at] as number) - (mean[i] as number));
      }
      return { text: decoder.push(token), evidence: fall };
    }),
  };
}

async function labelOf(model: TaskModel, text: string, { label, signal }: ExplainOptions): Promise<number> {
  const { labels } = model.config;
  const wanted = label ?? (await classify(model, [text], { topK: 1, signal }))[0]?.[0]?.label ?? "";
  const found = labels.indexOf(wanted);
  if (found >= 0) return found;
  throw new ConfigError(`label is "${wanted}", but the labels are ${labels.join(", ")}.`, { field: "label" });
}

/** The most probable next token. */
async function nextToken(
  model: TaskModel,
  tokens: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { vocabSize } = model.config;
  const start = Math.floor((tokens.length - 1) / BLOCK) * BLOCK;
  const record: RecordOutputs = (context, streams, { output }) => {
    const count = Math.min(BLOCK, context.length - start);
    logitsOf(
      context,
      finalStates(context, streams, start, count),
      count,
      output("logits", [count, vocabSize]),
    );
  };
  const logits = (await read(model, [tokens], record, { signal })).get("logits") as Float32Array;
  const row = tokens.length - 1 - start;
  return largest(logits.subarray(row * vocabSize, (row + 1) * vocabSize), 1)[0] as number;
}

/** Loss of predicting `target`, and its gradient with respect to the embeddings [tokens, hiddenSize]. */
async function inputGradient(
  model: TaskModel,
  tokens: Uint32Array,
  target: number,
  signal: AbortSignal | undefined,
): Promise<{ readonly loss: number; readonly gradient: Float64Array }> {
  const { config, planner } = model;
  const record: RecordOutputs = (context, streams, { output, input }, _ids, stored) => {
    const { length } = context;
    const gradients: ParameterArena = parameterArena(config, "gradients", "gradients");
    const back = { ...context, gradient: gradients.get };
    const shapes = headShapes(config, 1, length);
    const inputs = new Arena("targets", "state");
    const targets = inputs.tensor("targets", shapes.targets, "i32");
    const weights = shapes.scores && inputs.tensor("target weights", shapes.losses);
    const scores = shapes.scores && context.recording.tensor("scores", shapes.scores);
    // A language model is asked at the last token only, a classifier once.
    const asked = shapes.scores
      ? [target]
      : Array.from({ length }, (_, i) => (i === tokens.length - 1 ? target : -100));
    input(targets, Int32Array.from(asked));
    if (weights) input(weights, new Int32Array(new Float32Array([1]).buffer));
    const dx = streamPair(config, ["dx1", "dx2"], length, planner.profile.maxStorageBufferBindingSize, "f32");
    const losses = output("losses", shapes.losses);
    headLoss(back, streams, { targets, losses, weights, scores }, 0, dx);
    for (let layer = config.layers.length - 1; layer >= 0; layer--) {
      const kind = config.layers[layer];
      if (kind) layerBackward(back, layer, kind, streams, dx, stored[layer]);
    }
    for (const name of ["x1", "x2"] as const) {
      for (const [i, slab] of dx[name].slabs.entries()) {
        context.recording.copy(slab, output(`${name}.${i}`, slab.shape));
      }
    }
  };
  const results = await read(model, [tokens], record, { signal, store: true });
  const gradient = new Float64Array(tokens.length * config.hiddenSize);
  for (const name of ["x1", "x2"]) {
    let at = 0;
    for (let i = 0; results.has(`${name}.${i}`); i++) {
      for (const value of results.get(`${name}.${i}`) as Float32Array) {
        if (at < gradient.length) (gradient[at] as number) += value;
        at++;
      }
    }
  }
  const loss = (results.get("losses") as Float32Array).reduce((sum, x) => sum + x, 0);
  return { loss, gradient };
}

/** Word embeddings of the tokens [tokens, hiddenSize]. */
async function wordVectors({ config, base, weights }: TaskModel, tokens: Uint32Array): Promise<Float32Array> {
  const { hiddenSize } = config;
  const table = await base.read(weights.get(WORD));
  const vectors = new Float32Array(tokens.length * hiddenSize);
  for (const [i, token] of tokens.entries()) {
    vectors.set(table.subarray(token * hiddenSize, (token + 1) * hiddenSize), i * hiddenSize);
  }
  return vectors;
}
