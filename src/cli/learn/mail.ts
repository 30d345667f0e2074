// Mail or junk: whole messages, headers first, classified by a model that reads 4,096 tokens of them, beside naive Bayes on
// the same tokens, the same model on 512 and 256 tokens, and one of full attention. The first becomes one that the page ships.
import { Engine } from "../../engine/engine.js";
import { memoryStore } from "../../io/memory-store.js";
import type { FineTuneOptions, ReformerOptions } from "../../types.js";
import { keepModel } from "./keep.js";
import { type LabelReport, labelReport, reportLine } from "./label-report.js";
import { CORPUS, LABELS, type Mail, readMails, STRIPPED, splitMails } from "./mail-corpus.js";
import { fitNaiveBayes } from "./naive-bayes.js";
import { readRecord, record } from "./record.js";

const MODEL: ReformerOptions = {
  head: "classification",
  labels: LABELS,
  classifierPooling: "mean", // the first token of a long mail sees little of it
  causal: false,
  hiddenSize: 64,
  numHeads: 1,
  headSize: 32,
  feedForwardSize: 64,
  layers: ["local", "lsh"],
  localChunkLength: 32,
  localChunksAfter: 1,
  lshChunkLength: 32,
  lshChunksAfter: 1,
  numHashes: 1,
  numBuckets: 64,
  hiddenDropout: 0.05,
  initializerRange: 0.05,
  axialInitStd: 0.02,
};
const TRAINING: FineTuneOptions = {
  steps: 800,
  batchSize: 4,
  learningRate: 4e-3,
  schedule: "cosine",
  warmupSteps: 20,
  evaluateEvery: 200,
  patience: 5,
};
interface Variant {
  readonly name: string;
  readonly tokens: number;
  readonly model?: ReformerOptions;
  readonly training?: Partial<FineTuneOptions>;
}
/** The same 3,200 mails in the same order, each read once. */
const VARIANTS: readonly [Variant, ...Variant[]] = [
  { name: "local, LSH", tokens: 4096 },
  { name: "local, LSH", tokens: 512 },
  { name: "local, LSH", tokens: 256 },
  { name: "full", tokens: 512, model: { layers: ["full", "full"] }, training: { backward: "stored" } },
];
const VOCABULARY = 4096;
const SEED = 1;
/** Characters of each training mail that the pieces of the vocabulary are made from. */
const VOCABULARY_CHARS = 1024;
/** A text of n tokens is no longer than 16·n characters. */
const CHARS_PER_TOKEN = 16;
/** Test mails that come with the page, by their places: short, fit for any reader, from no private person. */
const SHOWN = [22, 29, 37, 53, 97, 120, 122, 144];
/** Validation mails of the evaluations that stop the run early. */
const VALIDATED = 192;

/** How a variant is called in reports, and asked for. */
const titleOf = ({ name, tokens }: { readonly name: string; readonly tokens: number }) =>
  `${name}, ${tokens} tokens`;

interface Baseline {
  readonly tokens: number;
  readonly test: LabelReport;
}

interface Run {
  readonly name: string;
  readonly tokens: number;
  readonly parameters: number;
  readonly minutes: number;
  /** Of the weights that were kept. */
  readonly bestStep: number;
  readonly points: readonly { step: number; minutes: number; train: number; validation: number }[];
  readonly test: LabelReport;
}

/**
 * Trains all variants, or the one of this title beside what is recorded of the others, and measures them on the same tenth;
 * true where the first beats naive Bayes on its tokens.
 */
export async function learnMail(signal: AbortSignal, only?: string): Promise<boolean> {
  const chosen = VARIANTS.filter((variant) => only === undefined || titleOf(variant) === only);
  if (chosen.length === 0) {
    throw new Error(`No variant "${only}": needed is one of ${VARIANTS.map(titleOf).join("; ")}.`);
  }
  const split = splitMails(await readMails(signal), SEED);
  const spam = (mails: readonly Mail[]) => mails.filter(({ label }) => label === "spam").length;
  const counts = Object.fromEntries(
    Object.entries(split).map(([part, mails]) => [part, { mails: mails.length, spam: spam(mails) }]),
  );
  console.log(
    Object.entries(counts)
      .map(([part, n]) => `${part} ${n.mails} mails, ${n.spam} spam`)
      .join("; "),
  );
  const vocabularyText = split.train.map(({ text }) => text.slice(0, VOCABULARY_CHARS)).join("\n");
  const recorded = only === undefined ? undefined : await readRecord<Recorded>("mail");
  const settings = { model: MODEL, training: TRAINING, vocabulary: VOCABULARY, seed: SEED };
  if (recorded) checkSettings(settings, recorded);
  const runs: Run[] = (recorded?.runs ?? []).filter((run) => titleOf(run) !== only);
  const baselines: Baseline[] = [...(recorded?.baselines ?? [])];
  let adapterName = "";
  for (const variant of chosen) {
    const { name, tokens } = variant;
    const model = await Engine.create(
      { ...MODEL, ...variant.model, maxLength: tokens },
      {
        seed: SEED,
        text: vocabularyText, // the pieces, too, come from training mails alone
        tokenizer: { type: "bpe", vocabSize: VOCABULARY },
        openStore: async () => memoryStore(),
        signal,
      },
    );
    const { adapter, parameters } = await model.describe();
    adapterName = adapter.description;
    const cut = (mails: readonly Mail[]) =>
      mails.map(({ text, label }) => {
        const ids = model.tokenizer.encode(text.slice(0, CHARS_PER_TOKEN * tokens)).subarray(0, tokens);
        return { text: model.tokenizer.decode(ids), label };
      });
    const train = cut(split.train);
    const test = cut(split.test);
    const lengths = split.test.map(({ text }) => model.tokenizer.encode(text).length);
    if (!baselines.some((one) => one.tokens === tokens)) {
      const bayes = fitNaiveBayes(
        train.map(({ text }) => text),
        train.map(({ label }) => label === "spam"),
      );
      const report = labelReport(
        test.map(({ text, label }, i) => ({
          positive: label === "spam",
          probability: bayes.probability(text),
          tokens: lengths[i] ?? 0,
        })),
      );
      baselines.push({ tokens, test: report });
      console.log(reportLine(`naive Bayes, ${tokens} tokens`, report));
    }
    const training = await trainModel(
      model,
      train,
      cut(split.validation.slice(0, VALIDATED)),
      variant,
      signal,
    );
    // What is shipped is what is measured: weights in half precision.
    const files = await model.files({ dtype: "float16" });
    await model.dispose();
    const asked = await Engine.load({ files }, { openStore: async () => memoryStore(), signal });
    const predictions = [];
    // Pipelines are made in the first calls; what is measured are the others.
    for (const { text } of test.slice(0, 2)) await asked.classify([text], { signal });
    for (const [i, { text, label }] of test.entries()) {
      const start = performance.now();
      const [scores = []] = await asked.classify([text], { signal });
      const milliseconds = performance.now() - start;
      const probability = scores.find((one) => one.label === "spam")?.score ?? Number.NaN;
      predictions.push({ positive: label === "spam", probability, tokens: lengths[i] ?? 0, milliseconds });
    }
    await asked.dispose();
    const report = labelReport(predictions);
    console.log(reportLine(titleOf(variant), report));
    runs.push({ name, tokens, parameters, ...training, test: report });
    runs.sort((a, b) => placeOf(a) - placeOf(b));
    await recordRuns();
    if (variant !== VARIANTS[0]) continue;
    const shown = SHOWN.map((place) => split.test[place]);
    const examples = new TextEncoder().encode(`${JSON.stringify(shown, null, 2)}\n`);
    await keepModel(
      "mail",
      { ...files, "examples.json": examples },
      { ...recipe(), bayes: baselines[0], result: runs[0] },
    );
  }
  return (runs[0]?.test.accuracy ?? 0) > (baselines[0]?.test.accuracy ?? 1);

  function recipe() {
    const data = { corpus: CORPUS, stripped: STRIPPED, split: counts };
    return { adapter: adapterName, command: "npm run learn -- mail", ...data, ...settings };
  }

  /** After each variant, so that what is measured is kept. */
  async function recordRuns(): Promise<void> {
    await record(
      "mail",
      { ...recipe(), variants: VARIANTS, baselines, runs },
      {
        title: "Mail or junk: 192 validation mails",
        x: "step",
        y: "loss (nats per mail)",
        curves: runs.map(({ name, tokens, points }) => ({
          label: `${name}, ${tokens} tokens`,
          points: points.map((p) => [p.step, p.validation] as const),
        })),
      },
    );
  }
}

interface Recorded {
  readonly runs: readonly Run[];
  readonly baselines: readonly Baseline[];
}

/** Runs of other settings cannot stand beside those of today's. */
function checkSettings(settings: object, recorded: object): void {
  for (const [name, value] of Object.entries(settings)) {
    if (JSON.stringify(Reflect.get(recorded, name)) === JSON.stringify(value)) continue;
    throw new Error(`The recorded runs had another ${name}: run all variants again.`);
  }
}

const placeOf = (run: Pick<Run, "name" | "tokens">) =>
  VARIANTS.findIndex((variant) => titleOf(variant) === titleOf(run));

/** Trains with early stopping; the model has its best weights then. */
async function trainModel(
  model: Engine,
  train: readonly Mail[],
  heldOut: readonly Mail[],
  { name, tokens, training }: Variant,
  signal: AbortSignal,
): Promise<Pick<Run, "minutes" | "bestStep" | "points">> {
  const start = performance.now();
  const minutes = () => (performance.now() - start) / 60_000;
  const points: Run["points"][number][] = [];
  let losses: number[] = [];
  const options = { ...TRAINING, ...training, length: tokens, heldOut, signal };
  for await (const { step, loss, heldOut: measured, tokensPerSecond } of model.fineTune(train, options)) {
    losses.push(loss);
    if (!measured) continue;
    const mean = losses.reduce((sum, x) => sum + x, 0) / losses.length;
    losses = [];
    points.push({ step, minutes: minutes(), train: mean, validation: measured.loss });
    console.log(
      `${name}, ${tokens} tokens, step ${step}: loss ${mean.toFixed(3)}, validation ${measured.loss.toFixed(3)}, right ${((measured.accuracy ?? 0) * 100).toFixed(1)} %, ${minutes().toFixed(1)} min, ${Math.round(tokensPerSecond)} tokens/s`,
    );
  }
  const [best] = [...points].sort((a, b) => a.validation - b.validation);
  return { minutes: minutes(), bestStep: best?.step ?? 0, points };
}
