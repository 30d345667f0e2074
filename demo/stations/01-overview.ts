import { html } from "lit";
import { modelOf, ROOMY } from "../chapter/models.js";
import { barPlot } from "../figures/plot.js";
import { bytes, milliseconds, short, whole } from "../format.js";
import type { MemoryUse } from "../runtime.js";
import { en, zh } from "./01-overview.text.js";
import { slider } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

const VARIANTS = ["transformer", "lsh", "reversible", "reformer"] as const;
type Variant = (typeof VARIANTS)[number];

interface Row {
  readonly variant: Variant;
  readonly memory: MemoryUse | null;
  /** Of a training step, and the layers of the model that took it. */
  readonly timed: { readonly ms: number | null; readonly depth: number } | null;
}

const SIZES = {
  slow: { hiddenSize: 32, length: 128, steps: 4, budget: 1200 },
  fast: { hiddenSize: 256, length: 2048, steps: 12, budget: 2000 },
} as const;
/** The width of the models that memory is planned for. */
const WIDTH = 256;
/** The most layers of those that are timed. */
const MOST_TIMED = { slow: 2, fast: 8 };
const PAPER = "https://arxiv.org/abs/2001.04451";
const usesLsh = (variant: Variant) => variant === "lsh" || variant === "reformer";
const isReversible = (variant: Variant) => variant === "reversible" || variant === "reformer";

/** Reformer against Transformer: what each of the two ideas saves. */
class OverviewStation extends Station<Row> {
  readonly number = 1;
  #power = 12;
  #depth = 6;
  readonly #timed = new Map<Variant, Row["timed"]>();
  #asked = 0;

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #size() {
    return this.slow ? SIZES.slow : SIZES.fast;
  }

  protected override async compute(): Promise<void> {
    const asked = ++this.#asked;
    const length = 2 ** this.#power;
    const shape = { length, depth: this.#depth, hiddenSize: WIDTH };
    for (const variant of VARIANTS) {
      const backward = isReversible(variant) ? "reversible" : "stored";
      const config = modelOf(shape, usesLsh(variant) ? "lsh" : "full");
      const memory = await this.chapter.planMemory(config, { length, backward }, ROOMY).catch(() => null);
      if (asked !== this.#asked) return; // the sliders have moved on
      this.put({ variant, memory, timed: this.#timed.get(variant) ?? null });
    }
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { hiddenSize, length, steps, budget } = this.#size;
    const text = (await this.chapter.text()).slice(0, 40 * length);
    const depth = Math.min(this.#depth, this.slow ? MOST_TIMED.slow : MOST_TIMED.fast);
    const runs = VARIANTS.map((variant) => ({
      name: variant,
      config: modelOf({ length, depth, hiddenSize }, usesLsh(variant) ? "lsh" : "full"),
      options: { steps, length, backward: isReversible(variant) ? "reversible" : "stored" } as const,
    }));
    for await (const told of this.run("training", { text, runs, seed: 1, budget }, signal)) {
      if (told.kind !== "run") continue;
      const variant = told.run as Variant;
      const timed = { ms: told.milliseconds, depth };
      this.#timed.set(variant, timed);
      const known = this.rows.find((row) => row.variant === variant);
      this.put({ variant, memory: known?.memory ?? null, timed });
    }
  }

  protected words() {
    const { sentences, paper, cited, tryThis, caption } = this.#t;
    const source = html`${cited[0]}<cite><a href=${PAPER} lang="en">${paper}</a></cite>${cited[1]}`;
    const terms = ["token", "attention", "lsh", "bucket", "round", "chunk", "activations"] as const;
    return { sentences: [...sentences, source], terms, tryThis, caption };
  }
  protected override figureSources() {
    return ["computed"] as const;
  }

  #pairs(variant: Variant): number {
    const length = 2 ** this.#power;
    const { lshChunkLength = 64, numHashes = 2 } = modelOf({ length, depth: 1, hiddenSize: WIDTH }, "lsh");
    return usesLsh(variant) ? length * numHashes * 2 * lshChunkLength : length ** 2;
  }

  protected columns(): readonly Column<Row>[] {
    const t = this.#t;
    const { columns: c, how, complexity, variants, withLayers } = t;
    const heads = WIDTH / 64;
    return [
      { key: "model", label: c.variant, value: ({ variant }) => variants[variant] },
      {
        key: "attention",
        label: c.attention,
        value: ({ variant }) => (usesLsh(variant) ? complexity.lsh : complexity.full),
      },
      {
        key: "activations",
        label: c.activations,
        value: ({ variant }) => (isReversible(variant) ? complexity.reversible : complexity.stored),
      },
      {
        key: "memory",
        label: c.memory,
        value: ({ memory }) => memory?.total,
        show: bytes,
        source: "computed",
        how: how.memory,
      },
      {
        key: "scores",
        label: c.scores,
        value: ({ variant }) => 4 * heads * this.#depth * this.#pairs(variant),
        show: bytes,
        source: "computed",
        how: how.scores,
      },
      {
        key: "pairs",
        label: c.pairs,
        value: ({ variant }) => this.#pairs(variant),
        show: short,
        source: "computed",
        how: how.pairs,
      },
      {
        key: "milliseconds",
        label: c.ms(whole(this.#size.length)),
        value: ({ timed }) => timed?.ms,
        show: (ms, { timed }) => withLayers(milliseconds(ms), whole(timed?.depth ?? 0)),
        source: "measured",
        how: how.ms(whole(this.slow ? MOST_TIMED.slow : MOST_TIMED.fast)),
      },
      { key: "timed layers", label: t.depth, value: ({ timed }) => timed?.depth, only: "exported" },
    ];
  }

  protected override controls() {
    const t = this.#t;
    return html`<div class="controls">
      ${slider(t.length, this.#power, { min: 9, max: 16, show: (v) => t.tokens(short(2 ** v)) }, (power) => {
        this.#power = power;
        void this.compute();
      })}
      ${slider(t.depth, this.#depth, { min: 1, max: 24, show: whole }, (depth) => {
        this.#depth = depth;
        void this.compute();
      })}
    </div>`;
  }

  protected figure() {
    const { variants, parts } = this.#t;
    const { named } = this.t.chapter;
    return barPlot({
      width: this.width,
      title: this.#t.columns.memory,
      bars: VARIANTS.map((variant) => {
        const memory = this.rows.find((row) => row.variant === variant)?.memory;
        const parameters = memory ? memory.weights + memory.gradients + memory.optimizer : 0;
        return {
          label: variants[variant],
          note: memory ? bytes(memory.total) : "",
          parts: [
            { tone: "quiet", value: parameters, label: named(parts.parameters, bytes(parameters)) },
            {
              tone: usesLsh(variant) ? "lsh" : "full",
              value: (memory?.total ?? 0) - parameters,
              label: named(parts.activations, bytes((memory?.total ?? 0) - parameters)),
            },
          ],
        };
      }),
    });
  }
}
customElements.define("reformer-station-overview", OverviewStation);
