// Trains a sequence-to-sequence model on pairs that are made up as they are needed, and measures it on fresh ones: a
// target counts where all of its tokens are right, decoded one after another as a user's would be.
import { type ReformerConfig, type ReformerOptions, resolveConfig, startToken } from "../../config/config.js";
import { convertTokens } from "../../generate/pairs.js";
import type { Random } from "../../random.js";
import { PreparedPlan } from "../../scheduler/run.js";
import { EVALUATE, evaluateWindows, initialiseWindows, planEvaluation } from "../../train/evaluation.js";
import type { TrainOptions } from "../../types.js";
import { type Picture, record } from "./record.js";
import { drawPairs, framed, pairSource, type TokenPair } from "./seq-data.js";
import { TaskModel } from "./task-model.js";

/** A part of the training: pairs no longer than `source` and `target` tokens, without their ends. */
export interface Stage {
  readonly draw: (random: Random) => TokenPair;
  readonly source: number;
  readonly target: number;
  readonly training: TrainOptions;
}

export interface PairTask {
  readonly name: string;
  readonly title: string;
  readonly config: ReformerOptions;
  /** One after another, each with a fresh optimiser. The last one's pairs are those that are measured. */
  readonly stages: readonly Stage[];
  readonly seed: number;
  /** Share of whole targets that must be right. */
  readonly bar: number;
  /** Fresh pairs to measure on. */
  readonly fresh: number;
  /** A pair as it is written in the report. */
  readonly show: (pair: TokenPair) => { readonly source: string; readonly target: string };
  /** What else the report says of a pair, to count right ones by. */
  readonly kindOf: (pair: TokenPair) => string;
}

/** Seed of the fresh pairs: training uses others. */
const FRESH_SEED = 1000;
const BATCH = 32;
const SHOWN = 8;

/** True where the bar is reached. */
export async function learnPairs(task: PairTask, signal: AbortSignal): Promise<boolean> {
  const config = resolveConfig(task.config);
  const end = startToken(config);
  const model = await TaskModel.create(config, task.seed);
  const losses: [step: number, loss: number][] = [];
  const start = performance.now();
  let before = 0;
  for (const { draw, source, target, training } of task.stages) {
    const lengths = { length: source + 1, targetLength: target + 1 };
    const steps = model.train(pairSource(draw, end), { ...training, ...lengths, signal });
    for await (const { step, loss } of steps) {
      if (step % 10 === 0) losses.push([before + step, loss]);
      if (step % 100 === 0) console.log(`step ${before + step}: loss ${loss.toFixed(4)}`);
    }
    before += training.steps;
  }
  const minutes = (performance.now() - start) / 60_000;
  const last = task.stages.at(-1) as Stage;
  const pairs = drawPairs(last.draw, task.fresh, FRESH_SEED);
  const whole = await wholeTargets(model, pairs, last, signal);
  const tokens = await tokenAccuracy(model, last, end, signal);
  const kinds = countKinds(task, pairs, whole);
  const share = shareOf(whole);
  console.log(`${(share * 100).toFixed(2)} % of ${pairs.length} fresh targets are right`);
  const percent = (accuracy: number) => `${(accuracy * 100).toFixed(2)} %`;
  console.log(`tokens right, given all before them: ${percent(tokens.accuracy)}`);
  console.log(`the same without the LSH layers' output: ${percent(tokens.withoutLsh)}`);
  const wrong = whole.flatMap(({ right, got }, i) => {
    const pair = pairs[i] as TokenPair;
    return right ? [] : [{ ...task.show(pair), got: task.show({ ...pair, target: got }).target }];
  });
  const numbers = {
    adapter: model.adapter.description,
    model: task.config,
    stages: task.stages.map(({ draw: _, ...stage }) => stage),
    seed: task.seed,
    minutes,
    fresh: pairs.length,
    whole: share,
    tokens,
    bar: task.bar,
    kinds,
    examples: pairs.slice(0, SHOWN).map(task.show),
    wrong: wrong.slice(0, SHOWN),
    losses,
  };
  const picture: Picture = {
    title: task.title,
    x: "step",
    y: "loss (nats per token)",
    curves: [{ label: "training", points: losses }],
    levels: [],
  };
  model.dispose();
  await record(task.name, numbers, picture);
  return share >= task.bar;
}

interface Measured {
  readonly right: boolean;
  readonly got: readonly number[];
}

/** Decodes greedily and compares whole targets. */
async function wholeTargets(
  model: TaskModel,
  pairs: readonly TokenPair[],
  { source, target }: Stage,
  signal: AbortSignal,
): Promise<Measured[]> {
  const { gpu, base, weights, planner } = model.opened;
  const config: ReformerConfig = model.config;
  const end = startToken(config);
  const measured: Measured[] = [];
  for (let first = 0; first < pairs.length; first += BATCH) {
    const part = pairs.slice(first, first + BATCH);
    const sources = part.map((pair) => framed(pair.source, source + 1, end));
    const options = { maxNewTokens: target + 1, seed: model.seed, signal };
    const targets = await convertTokens({ config, gpu, base, weights, planner }, sources, options);
    part.forEach((pair, row) => {
      const got = targets[row] ?? [];
      measured.push({ got, right: got.join() === pair.target.join() });
    });
  }
  return measured;
}

/** Share of right tokens of fresh targets, each predicted from all before it, with the LSH layers and with their output zeroed. */
async function tokenAccuracy(
  model: TaskModel,
  { draw, source, target }: Stage,
  end: number,
  signal: AbortSignal,
): Promise<{ readonly of: number; readonly accuracy: number; readonly withoutLsh: number }> {
  const { gpu, base, weights, planner } = model.opened;
  const shape = { batchSize: BATCH, length: source + 1, targetLength: target + 1, streams: "f32" } as const;
  const { plan, windows } = planEvaluation(model.config, shape, weights, planner.profile);
  const prepared = await PreparedPlan.create(gpu, plan, { shared: base, signal });
  try {
    initialiseWindows(prepared, windows);
    const made = pairSource(draw, end);
    const batches = Array.from({ length: 4 }, (_, i) => made.batch(i, shape, FRESH_SEED));
    const measure = (run: number) =>
      evaluateWindows(prepared, windows, run, batches, { seed: model.seed, signal });
    const { accuracy, tokens } = await measure(EVALUATE.all);
    return { of: tokens, accuracy, withoutLsh: (await measure(EVALUATE.withoutLsh)).accuracy };
  } finally {
    prepared.dispose();
  }
}

const shareOf = (measured: readonly Measured[]) =>
  measured.filter(({ right }) => right).length / measured.length;

/** Right targets and all of them, by kind. */
function countKinds({ kindOf }: PairTask, pairs: readonly TokenPair[], measured: readonly Measured[]) {
  const kinds = new Map<string, { right: number; of: number }>();
  pairs.forEach((pair, i) => {
    const kind = kindOf(pair);
    const { right, of } = kinds.get(kind) ?? { right: 0, of: 0 };
    kinds.set(kind, { right: right + Number(measured[i]?.right), of: of + 1 });
  });
  return Object.fromEntries([...kinds].sort(([a], [b]) => a.localeCompare(b, "en", { numeric: true })));
}
