/** The paper's task: a word of random letters is said twice, and the model must write the second copy. */
import { attentionOf, candidatesOf, type Reformer } from "../../../src/index.js";
import type { Bench } from "../bench.js";

export interface DuplicationParams {
  /** Letters of the alphabet that words are made of. */
  readonly letters: number;
  /** Letters of a word; a power of two less one. */
  readonly word: number;
  readonly rounds: number;
  readonly steps: number;
  /** Steps of the run to take now; a later call with the same seed takes the next ones. */
  readonly most: number;
  readonly seed: number;
}

export type DuplicationTold =
  | {
      readonly kind: "start";
      /** The step that the run has reached: 0, or where it goes on from. */
      readonly step: number;
      readonly seconds: number;
      readonly parameters: number;
      /** Bits per symbol of a model that copies perfectly: the first word cannot be guessed. */
      readonly floor: number;
    }
  | { readonly kind: "step"; readonly step: number; readonly bits: number }
  | ({ readonly kind: "view"; readonly step: number } & DuplicationView);

/** What the model does with one word that it has never seen. */
export interface DuplicationView {
  readonly tokens: readonly string[];
  /** Bits by which each symbol surprised it; 0 for the first, which was given. */
  readonly surprise: readonly number[];
  /** Bucket of every symbol in the first round, head 0. */
  readonly buckets: readonly number[];
  /** Share of the symbols of the copy that meet the one they have to look up, over all heads and rounds. */
  readonly met: number;
  /** Where each symbol looks most, head 0; -1: nowhere but itself. */
  readonly looksAt: readonly number[];
}

const SEPARATOR = "·";
const BATCH = 16;
/** Sequences of the text, and of its held-out tail, which nobody reads. */
const [SEQUENCES, TAIL] = [4096, 64];
const RUN = "memory:duplication";

/** A small generator, the same everywhere (mulberry32). */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function sequence(next: () => number, { letters, word }: DuplicationParams): string {
  const w = Array.from({ length: word }, () => String.fromCharCode(97 + Math.floor(next() * letters))).join(
    "",
  );
  return `${SEPARATOR}${w}${SEPARATOR}${w}`;
}

/** Takes steps, looking at itself now and then. The model stays open, so that the run can go on. */
export async function* duplication(
  bench: Bench,
  params: DuplicationParams,
  signal: AbortSignal,
): AsyncGenerator<DuplicationTold> {
  const { word, letters, rounds, steps, most, seed } = params;
  const length = 2 * (word + 1);
  const next = random(seed);
  const text = Array.from({ length: SEQUENCES + TAIL }, () => sequence(next, params)).join("");
  const fresh = sequence(random(seed + 1), params);
  const began = performance.now();
  const key = JSON.stringify([word, letters, rounds, steps, seed]);
  let model = bench.kept("learner", key);
  if (!model) {
    model = await create(bench, params, text, signal);
    await bench.keep("learner", key, model);
  }
  const { parameters, step: reached } = await model.describe();
  const seconds = (performance.now() - began) / 1000;
  yield { kind: "start", step: reached, seconds, parameters, floor: (Math.log2(letters) * word) / length };
  yield await look(model, fresh, reached, params);
  const until = Math.min(steps, reached + most);
  for (let done = reached; done < until; ) {
    const stop = Math.min(until, done + Math.max(25, Math.round(done / 4)));
    let last = stop; // none is told where the checkpoint has them all
    const run = model.train(text, {
      ...{ steps, batchSize: BATCH, length, stride: length, heldOut: TAIL / (SEQUENCES + TAIL) },
      ...{ learningRate: 1e-2, schedule: "cosine", warmupSteps: Math.round(steps / 10), weightDecay: 0.1 },
      // A checkpoint where it stops: no step after it has begun by then.
      ...{ evaluateEvery: 0, checkpointEvery: most === 1 ? 1 : stop, checkpoint: `${RUN} ${seed}` },
    });
    // Not aborted, which would leave steps untold that had begun, and that the run goes on from.
    const leave = () => run.stop();
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      for await (const { step, loss } of run) {
        last = step;
        yield { kind: "step", step, bits: loss / Math.LN2 };
        if (step >= stop || most === 1) break;
      }
    } finally {
      signal.removeEventListener("abort", leave);
    }
    if (signal.aborted) return;
    done = last;
    yield await look(model, fresh, done, params);
  }
}

function create(
  bench: Bench,
  { word, rounds, seed }: DuplicationParams,
  text: string,
  signal: AbortSignal,
): Promise<Reformer> {
  const length = 2 * (word + 1);
  return bench.create(
    {
      ...{
        hiddenSize: 32,
        numHeads: 2,
        headSize: 16,
        feedForwardSize: 32,
        layers: ["lsh"],
        numHashes: rounds,
      },
      ...{
        lshChunkLength: 8,
        numBuckets: 8,
        acrossBuckets: false,
        duplicates: "once",
        initializerRange: 0.1,
      },
      ...{ maxLength: length, positions: { type: "learned", maxLength: length } },
    },
    { seed, tokenizer: { type: "characters" }, text, signal },
  );
}

async function look(
  model: Reformer,
  text: string,
  step: number,
  { word }: DuplicationParams,
): Promise<DuplicationTold> {
  const { tokens } = await model.score(text);
  const heads = [await model.inspect(text, { layer: 0 }), await model.inspect(text, { layer: 0, head: 1 })];
  const [first] = heads;
  if (!first) throw new Error("the model has no head");
  let met = 0;
  for (let token = word + 1; token < 2 * word + 1; token++) {
    const wanted = token - word; // it says what follows
    if (heads.some((head) => candidatesOf(head, token).has(wanted))) met++;
  }
  const symbols = [...text];
  return {
    ...{ kind: "view", step, tokens: symbols, met: met / word },
    surprise: [0, ...tokens.map(({ bits }) => bits)],
    buckets: [...first.buckets.slice(0, symbols.length)],
    looksAt: symbols.map((_, token) => {
      const [most] = attentionOf(first, token);
      return most && most.key !== token ? most.key : -1;
    }),
  };
}
