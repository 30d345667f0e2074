/** A classifier of short texts: a shipped one, or a tiny one that learns from the reader's own examples. */
import type { LabelScore, ReformerOptions } from "../../../src/index.js";
import type { Bench } from "../bench.js";

export interface Labelled {
  readonly text: string;
  readonly label: string;
}

export interface ClassifierParams {
  readonly url: string | null;
  readonly labels: readonly string[];
  readonly train: readonly Labelled[];
  readonly heldOut: readonly Labelled[];
  readonly config: ReformerOptions;
  readonly steps: number;
  /** What to classify and explain afterwards. */
  readonly text: string;
}

export type ClassifierTold =
  | { readonly kind: "learning"; readonly step: number; readonly steps: number; readonly loss: number }
  | {
      readonly kind: "tested";
      readonly text: string;
      readonly label: string;
      readonly scores: readonly LabelScore[];
      readonly milliseconds: number;
    }
  | {
      readonly kind: "explained";
      readonly target: string;
      readonly probability: number;
      readonly tokens: readonly { readonly text: string; readonly evidence: number }[];
    };

/** Bytes, and the pieces learned from the examples. */
const VOCABULARY = 400;

export async function* classifier(
  bench: Bench,
  { url, labels, train, heldOut, config, steps, text }: ClassifierParams,
  signal: AbortSignal,
): AsyncGenerator<ClassifierTold> {
  const key = url ?? JSON.stringify([labels, train, config, steps]);
  let model = bench.kept("classifier", key);
  if (!model) {
    // Pieces of words: a few examples cannot teach it to spell.
    const tokenizer = { type: "bpe", vocabSize: VOCABULARY } as const;
    const head = {
      vocabSize: VOCABULARY,
      head: "classification",
      labels,
      numLabels: labels.length,
      causal: false,
    } as const;
    const made = url
      ? await bench.load(url, { signal })
      : await bench.create(
          { ...config, ...head },
          { seed: 1, signal, tokenizer, text: train.map((one) => one.text).join("\n") },
        );
    try {
      if (!url) {
        const options = {
          steps,
          batchSize: 8,
          learningRate: 5e-3,
          evaluateEvery: 0,
          checkpointEvery: 0,
          heldOut,
          signal,
        };
        for await (const { step, loss } of made.fineTune(train, options))
          yield { kind: "learning", step, steps, loss };
      }
    } catch (error) {
      await made.dispose();
      throw error;
    }
    await bench.keep("classifier", key, made);
    model = made;
    // The first call compiles; it is not what a text takes.
    await model.classify(text, { signal });
  }
  // The reader's text comes first: others only measure.
  yield { kind: "explained", ...(await model.explain(text, { signal })) };
  for (const one of heldOut) {
    const began = performance.now();
    const scores = await model.classify(one.text, { signal });
    yield { kind: "tested", ...one, scores, milliseconds: performance.now() - began };
  }
}
