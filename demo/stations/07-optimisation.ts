import { html, nothing } from "lit";
import { modelOf } from "../chapter/models.js";
import { bookParts } from "../chapter/writer.js";
import { linePlot } from "../figures/plot.js";
import { decimals, milliseconds, percent, small, whole } from "../format.js";
import { RANK } from "../gpu-turn.js";
import type { TrainOptions } from "../runtime.js";
import { en, zh } from "./07-optimisation.text.js";
import { choice, slider } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

type Run = keyof (typeof en)["runs"];

interface Row {
  readonly run: Run;
  readonly curve: readonly (readonly [step: number, bits: number])[];
  readonly rates: readonly (readonly [step: number, rate: number])[];
  /** Bits per character of text that the run has not read. */
  readonly heldOut: number | null;
  readonly norm: number;
  readonly ms: number | null;
  readonly problem: string | null;
  readonly over: boolean;
}

const SIZES = {
  slow: { hiddenSize: 32, length: 64, batchSize: 1, steps: 32, budget: 8000, heldOut: 1000 },
  fast: { hiddenSize: 128, length: 512, batchSize: 4, steps: 200, budget: 8000, heldOut: 20_000 },
} as const;
const RUNS: readonly Run[] = ["cosine", "constant", "root", "free", "dropout", "decay"];
/** Share of activations that dropout zeroes, and what weight decay takes of the weights for each unit of the rate. */
const [DROPOUT, DECAY] = [0.1, 0.1];
/** What the run that is made to diverge multiplies the learning rate with. */
const WILD = 200;
/** Steps that one drawn point, and the last number, are the mean of. */
const MEAN = 8;

/** Runs side by side: schedule, clipping, weight decay. */
class OptimisationStation extends Station<Row> {
  readonly number = 7;
  #rate = -2.25;
  #wild = false;
  #what: "curves" | "rates" = "curves";

  get #t() {
    return phrasesOf({ en, zh }, this);
  }

  #options(run: Run): TrainOptions {
    const { length, batchSize, steps } = this.slow ? SIZES.slow : SIZES.fast;
    const common = {
      steps,
      length,
      batchSize,
      learningRate: 10 ** this.#rate,
      warmupSteps: Math.round(steps / 10),
    };
    switch (run) {
      case "cosine":
        return { ...common, schedule: "cosine" };
      case "dropout":
        return { ...common, schedule: "cosine" };
      case "decay":
        return { ...common, schedule: "cosine", weightDecay: DECAY };
      case "constant":
        return { ...common, schedule: "constant", warmupSteps: 0 };
      case "root":
        return { ...common, schedule: "inverse-square-root" };
      case "free":
        return { ...common, schedule: "cosine", clipNorm: 0 };
      case "wild":
        return {
          ...common,
          schedule: "constant",
          warmupSteps: 0,
          clipNorm: 0,
          learningRate: WILD * common.learningRate,
        };
      default:
        return run satisfies never;
    }
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { hiddenSize, length, budget, heldOut: kept } = this.slow ? SIZES.slow : SIZES.fast;
    const book = await bookParts(this.chapter);
    const [text, heldOut] = [book.train.slice(0, 200_000), book.heldOut.slice(0, kept)];
    const names: readonly Run[] = this.#wild ? ["wild"] : RUNS;
    this.#wild = false;
    const runs = names.map((run) => ({
      name: run,
      config: {
        ...modelOf({ length, depth: 2, hiddenSize }, "local", "lsh"),
        ...(run === "dropout" && { hiddenDropout: DROPOUT }),
      },
      options: this.#options(run),
    }));
    const known = new Map<Run, Row>();
    for await (const told of this.run("training", { text, heldOut, runs, seed: 1, budget }, signal)) {
      const run = told.run as Run;
      const row = known.get(run) ?? {
        run,
        curve: [],
        rates: [],
        heldOut: null,
        norm: 0,
        ms: null,
        problem: null,
        over: false,
      };
      const next: Row =
        told.kind === "step"
          ? {
              ...row,
              curve: [...row.curve, [told.step, told.bits]],
              rates: [...row.rates, [told.step, told.learningRate]],
              norm: Math.max(row.norm, told.gradientNorm),
            }
          : { ...row, heldOut: told.heldOut, ms: told.milliseconds, problem: told.problem, over: true };
      known.set(run, next);
      this.put(next);
    }
  }

  protected words() {
    const { schedule, regularisation, compared, tryThis, caption, captionRate } = this.#t;
    const sentences = [schedule, regularisation(percent(DROPOUT)), compared];
    const terms = ["gradient", "backpropagation", "regularisation", "bits"] as const;
    return { sentences, terms, tryThis, caption: this.#what === "curves" ? caption : captionRate };
  }
  protected override figureSources() {
    return this.#what === "curves" ? (["measured"] as const) : (["computed"] as const); // by the schedule
  }
  #nameOf(run: Run): string {
    const { runs } = this.#t;
    if (run === "decay") return runs.decay(decimals(DECAY, 1));
    return run === "dropout" ? runs.dropout(decimals(DROPOUT, 1)) : runs[run];
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how, fine, late, diverged } = this.#t;
    const { steps, heldOut: kept } = this.slow ? SIZES.slow : SIZES.fast;
    const bits = (v: number) => decimals(v, 3);
    const last = ({ curve }: Row) => {
      const end = curve.slice(-MEAN);
      return end.length === 0 ? null : end.reduce((sum, [, b]) => sum + b, 0) / end.length;
    };
    return [
      { key: "run", label: c.run, value: ({ run }) => this.#nameOf(run) },
      { key: "steps", label: c.steps, value: ({ curve }) => curve.length, show: whole, source: "measured" },
      {
        key: "first",
        label: c.first,
        value: ({ curve }) => curve[0]?.[1],
        show: bits,
        source: "measured",
        how: how.bits,
      },
      { key: "last", label: c.last, value: last, show: bits, source: "measured", how: how.bits },
      {
        key: "held out",
        label: c.heldOut,
        value: ({ heldOut }) => heldOut,
        show: bits,
        source: "measured",
        how: how.heldOut(whole(kept)),
      },
      {
        key: "norm",
        label: c.norm,
        value: ({ norm }) => norm,
        show: (v) => decimals(v, 2),
        source: "measured",
        how: how.norm,
      },
      {
        key: "milliseconds",
        label: c.ms,
        value: ({ ms }) => ms,
        show: milliseconds,
        source: "measured",
        how: how.ms,
      },
      {
        key: "problem",
        label: c.problem,
        value: ({ problem, over, curve }) =>
          problem ? diverged : over ? (curve.length < steps ? late : fine) : "…",
      },
    ];
  }

  protected override controls() {
    const t = this.#t;
    const measures = html`
      ${slider(t.rate, this.#rate, { min: -4, max: -1, step: 0.25, show: (v) => small(10 ** v) }, (value) => {
        this.#rate = value;
        this.requestUpdate();
      })}
      <button class="small" @click=${() => {
        this.#wild = true;
        void this.begin(RANK.asked);
      }}>${t.diverge}</button>`;
    return html`<div class="controls">
      ${choice(
        t.what,
        this.#what,
        [
          ["curves", t.curves],
          ["rates", t.rates],
        ],
        (what) => {
          this.#what = what;
          this.requestUpdate();
        },
      )}
      ${this.gpu ? measures : nothing}
    </div>`;
  }

  protected figure() {
    const t = this.#t;
    const tones = ["tone-0", "tone-2", "tone-6", "tone-3", "tone-1", "tone-7", "tone-5"];
    const all = [...RUNS, "wild"] as const;
    const curves = this.#what === "curves";
    const { steps } = this.slow ? SIZES.slow : SIZES.fast;
    return linePlot({
      width: this.width,
      title: curves ? t.curves : t.rates,
      x: { label: t.step, show: whole, include: [0, steps] },
      y: {
        label: curves ? t.axis : t.rateAxis,
        show: curves ? (v) => decimals(v, 1) : small,
        include: curves ? [8] : [0],
      },
      series: this.rows
        .filter(({ run }) => curves || run !== "wild")
        .map((row) => ({
          label: this.#nameOf(row.run),
          tone: tones[all.indexOf(row.run)] ?? "quiet",
          points: curves ? means(row.curve) : row.rates,
          dots: false,
        })),
    });
  }
}

/** Means of as many points as one drawn point stands for; what is not finite is left out. */
function means(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const width = Math.max(1, Math.ceil(points.length / 24));
  const drawn: (readonly [number, number])[] = [];
  for (let i = 0; i < points.length; i += width) {
    const part = points.slice(i, i + width).filter(([, value]) => Number.isFinite(value));
    if (part.length === 0) continue;
    drawn.push([
      part.at(-1)?.[0] ?? 0,
      Math.min(12, part.reduce((sum, [, value]) => sum + value, 0) / part.length),
    ]);
  }
  return drawn;
}
customElements.define("reformer-station-optimisation", OptimisationStation);
