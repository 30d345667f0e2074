/** What one language model can be asked: a shipped one, or one that is trained on the spot and kept for the next question. */
import type { Hashing, HeadCoverage, Reformer, ReformerOptions, TrainOptions } from "../../../src/index.js";
import type { Bench } from "../bench.js";

/** Which model: an address of a shipped one, or what it is trained from. */
export interface Which {
  readonly url: string | null;
  readonly text: string;
  readonly config: ReformerOptions;
  readonly options: TrainOptions;
}

export type Question =
  | { readonly ask: "nothing" }
  | { readonly ask: "score"; readonly text: string }
  | {
      readonly ask: "choose";
      readonly before: string;
      readonly choices: readonly string[];
      readonly after: string;
    }
  | {
      readonly ask: "generate";
      readonly prompt: string;
      readonly tokens: number;
      readonly temperature: number;
      readonly seed: number;
    }
  | {
      readonly ask: "coverage";
      readonly text: string;
      readonly length: number;
      readonly rounds: readonly number[];
      readonly hashing: Hashing;
    }
  | { readonly ask: "explain"; readonly text: string }
  | { readonly ask: "evaluate"; readonly text: string; readonly length: number; readonly lsh: boolean };

export interface LanguageParams {
  readonly which: Which;
  readonly question: Question;
}

export type LanguageTold =
  | { readonly kind: "learning"; readonly step: number; readonly steps: number; readonly bits: number }
  | { readonly kind: "ready"; readonly parameters: number; readonly step: number }
  | {
      readonly kind: "score";
      readonly tokens: readonly { readonly text: string; readonly bits: number }[];
      readonly bitsPerByte: number;
    }
  /** What the text costs with each choice. */
  | { readonly kind: "choose"; readonly bits: readonly number[] }
  | { readonly kind: "piece"; readonly text: string; readonly tokens: number; readonly perSecond: number }
  | { readonly kind: "coverage"; readonly heads: readonly HeadCoverage[] }
  | {
      readonly kind: "explain";
      readonly target: string;
      readonly probability: number;
      readonly tokens: readonly { readonly text: string; readonly evidence: number }[];
    }
  | { readonly kind: "evaluate"; readonly bitsPerCharacter: number; readonly tokens: number };

export async function* language(
  bench: Bench,
  { which, question }: LanguageParams,
  signal: AbortSignal,
): AsyncGenerator<LanguageTold> {
  const key = which.url ?? JSON.stringify([which.config, which.options, which.text.length]);
  let model = bench.kept("writer", key);
  if (!model) {
    const made = which.url
      ? await bench.load(which.url, { signal })
      : await bench.create(which.config, { seed: 1, signal });
    try {
      if (!which.url) yield* learn(made, which, signal);
    } catch (error) {
      await made.dispose();
      throw error;
    }
    await bench.keep("writer", key, made);
    model = made;
  }
  const { parameters, step } = await model.describe();
  yield { kind: "ready", parameters, step };
  yield* answer(model, question, signal);
}

async function* learn(
  model: Reformer,
  { text, options }: Which,
  signal: AbortSignal,
): AsyncGenerator<LanguageTold> {
  for await (const told of model.train(text, { evaluateEvery: 0, checkpointEvery: 0, ...options, signal })) {
    yield { kind: "learning", step: told.step, steps: told.steps, bits: told.bitsPerCharacter };
  }
}

async function* answer(
  model: Reformer,
  question: Question,
  signal: AbortSignal,
): AsyncGenerator<LanguageTold> {
  switch (question.ask) {
    case "nothing":
      return;
    case "score": {
      const { tokens, bitsPerByte } = await model.score(question.text, { signal });
      yield { kind: "score", tokens, bitsPerByte };
      return;
    }
    case "choose": {
      const { before, choices, after } = question;
      const bits: number[] = [];
      for (const choice of choices) {
        bits.push((await model.score(before + choice + after, { signal })).bits);
      }
      yield { kind: "choose", bits };
      return;
    }
    case "generate": {
      const { prompt, tokens, temperature, seed } = question;
      const began = performance.now();
      let written = 0;
      for await (const { text } of model.generate(prompt, {
        maxNewTokens: tokens,
        temperature,
        seed,
        signal,
      })) {
        written++;
        yield {
          kind: "piece",
          text,
          tokens: written,
          perSecond: (1000 * written) / (performance.now() - began),
        };
      }
      return;
    }
    case "coverage": {
      const { text, length, rounds, hashing } = question;
      const heads = await model.coverage(text, { length, rounds, hashing, signal });
      yield { kind: "coverage", heads };
      return;
    }
    case "explain":
      yield { kind: "explain", ...(await model.explain(question.text, { signal })) };
      return;
    case "evaluate": {
      const { bitsPerCharacter, tokens } = await model.evaluate(question.text, {
        length: question.length,
        lsh: question.lsh,
        signal,
      });
      yield { kind: "evaluate", bitsPerCharacter, tokens };
      return;
    }
    default:
      return question satisfies never;
  }
}
