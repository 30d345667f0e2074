import { html, nothing } from "lit";
import { modelOf } from "../chapter/models.js";
import { barPlot } from "../figures/plot.js";
import { decimals, milliseconds, percent, rate, short, whole } from "../format.js";
import { en, zh } from "./06-training.text.js";
import { choice } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

type Part = keyof (typeof en)["parts"];

interface Row {
  readonly part: Part;
  readonly dispatches: number;
  readonly ms: number | null;
  readonly flops: number;
}

const SIZES = {
  slow: { hiddenSize: 32, lengths: [128, 256, 512], repeats: 1 },
  fast: { hiddenSize: 256, lengths: [1024, 4096, 16_384], repeats: 3 },
} as const;
const PARTS = Object.keys(en.parts) as Part[];

function partOf(label: string, kernel: string): Part {
  if (/adam|adafactor|global-norm/.test(label)) return "optimizer";
  if (/embedding/.test(label)) return "embedding";
  if (!label.startsWith("layer")) return "head";
  const feedForward = label.includes("feed-forward");
  if (label.includes(".backward.")) return feedForward ? "backFeedForward" : "back";
  if (feedForward) return "feedForward";
  if (/hash|rotations|balance|centre/.test(kernel)) return "hash";
  if (/sort/.test(kernel)) return "sort";
  return /attention|key-scale/.test(kernel) ? "attend" : "projection";
}

/** Where the time of one training step goes. */
class TrainingStation extends Station<Row> {
  readonly number = 6;
  #backward: "reversible" | "stored" = "reversible";
  #length = 0;

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #size() {
    return this.slow ? SIZES.slow : SIZES.fast;
  }
  get #tokens(): number {
    const lengths: readonly number[] = this.#size.lengths;
    return lengths.includes(this.#length) ? this.#length : (lengths[1] ?? 256);
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { hiddenSize, repeats } = this.#size;
    const length = this.#tokens;
    const config = modelOf({ length, depth: 2, hiddenSize }, "local", "lsh");
    const training = { length, repeats, backward: this.#backward };
    for await (const told of this.run("architecture", { config, training }, signal)) {
      this.rows = PARTS.flatMap((part) => {
        const own = told.dispatches.filter(({ label, kernel }) => partOf(label, kernel) === part);
        const sum = (pick: (one: (typeof own)[number]) => number) =>
          own.reduce((total, one) => total + pick(one), 0);
        return own.length === 0
          ? []
          : [
              {
                part,
                dispatches: own.length,
                ms: told.timed ? sum(({ nanoseconds }) => nanoseconds ?? 0) / 1e6 : null,
                flops: sum(({ flops }) => flops),
              },
            ];
      });
      this.requestUpdate();
    }
  }

  get #timed(): boolean {
    return this.rows.some(({ ms }) => (ms ?? 0) > 0);
  }
  #weight(row: Row): number {
    return this.#timed ? (row.ms ?? 0) : row.flops;
  }
  get #whole(): number {
    return this.rows.reduce((sum, row) => sum + this.#weight(row), 0);
  }

  protected words() {
    const { sentences, tryThis, caption, captionWork } = this.#t;
    const terms = ["backpropagation", "activations", "projection", "feedForward"] as const;
    return {
      sentences,
      terms,
      tryThis,
      caption: this.rows.length > 0 && !this.#timed ? captionWork : caption,
    };
  }
  protected override figureSources() {
    return this.#timed ? (["measured"] as const) : (["computed"] as const);
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how, parts, units } = this.#t;
    const timed = how.time(whole(this.#tokens), whole(this.#size.hiddenSize));
    const source = this.#timed ? "measured" : "computed";
    return [
      { key: "part", label: c.part, value: ({ part }) => parts[part] },
      {
        key: "dispatches",
        label: c.dispatches,
        value: (row) => row.dispatches,
        show: whole,
        source: "measured",
        how: how.dispatches,
      },
      {
        key: "milliseconds",
        label: c.time,
        value: ({ ms }) => ms,
        show: milliseconds,
        source: "measured",
        how: timed,
      },
      {
        key: "share",
        label: c.share,
        value: (row) => this.#weight(row) / this.#whole,
        show: percent,
        source,
      },
      {
        key: "flops",
        label: c.flops,
        value: ({ flops }) => flops,
        show: (v) => units(decimals(v / 1e6, 2)),
        source: "computed",
        how: how.flops,
      },
      {
        key: "rate",
        label: c.rate,
        value: ({ ms, flops }) => (ms ? flops / ms / 1e6 : null),
        show: rate,
        source: "measured",
        how: how.rate,
      },
    ];
  }

  protected override controls() {
    const t = this.#t;
    if (!this.gpu) return nothing; // what was recorded was of one setting
    return html`<div class="controls">
      ${choice(
        t.backward,
        this.#backward,
        [
          ["reversible", t.modes.reversible],
          ["stored", t.modes.stored],
        ],
        (backward) => {
          this.#backward = backward;
          void this.begin();
        },
      )}
      ${choice<number>(
        t.length,
        this.#tokens,
        this.#size.lengths.map((n) => [n, `${short(n)} ${t.length.toLowerCase()}`] as const),
        (length) => {
          this.#length = length;
          void this.begin();
        },
      )}
    </div>`;
  }

  protected figure() {
    const { parts, step, units, bar } = this.#t;
    const tone = (part: Part) =>
      part === "hash" || part === "sort" || part === "attend"
        ? "lsh"
        : part.startsWith("back")
          ? "other"
          : "quiet";
    const note = (row: Row) =>
      this.#timed ? milliseconds(row.ms ?? 0) : units(decimals(row.flops / 1e6, 2));
    return html`${barPlot({
      width: this.width,
      title: step(this.#timed ? milliseconds(this.#whole) : units(decimals(this.#whole / 1e6, 1))),
      bars: this.rows.map((row) => ({
        label: bar(parts[row.part], percent(this.#weight(row) / this.#whole)),
        note: note(row),
        parts: [{ tone: tone(row.part), value: this.#weight(row) }],
      })),
    })}`;
  }
}
customElements.define("reformer-station-training", TrainingStation);
