import { css, html } from "lit";
import book from "../../docs/learning/book.json";
import { MARKS, type Source } from "../chapter/sources.js";
import { askWriter, bookParts, type Question, writerFacts } from "../chapter/writer.js";
import { barPlot } from "../figures/plot.js";
import { decimals, percent, rate, visible, whole } from "../format.js";
import type { Told } from "../lab/protocol.js";
import { en, zh } from "./13-writing.text.js";
import { slider } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

type Quality = Extract<Told<"quality">, { kind: "written" }>;
type Baseline = Extract<Told<"quality">, { kind: "baseline" }>["name"];

interface Row {
  readonly sample: number;
  readonly temperature: number;
  readonly bits: number | null;
  readonly quality: Quality | null;
  readonly speed: number;
}

const UNSEEN = { slow: 1500, fast: 60_000 };
const TOKENS = { slow: 64, fast: 400 };
const BASELINES: readonly Baseline[] = ["gzip", "order1", "order2", "order3"];

/** Writing, and how good it is. */
class WritingStation extends Station<Row> {
  static override styles = [
    ...Station.styles,
    css`
      .written {
        min-height: 4.5rem;
        margin-top: 0.75rem;
        padding: 0.75rem 1rem;
        border-radius: var(--radius);
        background: var(--sunken);
        font-family: var(--serif);
        white-space: pre-wrap;
        overflow-wrap: anywhere;
      }
      .written b {
        font-weight: 400;
        color: var(--muted);
      }
    `,
  ];
  readonly number = 13;
  #own: string | null = null;
  #temperature = 0.7;
  #written = "";
  /** What that goes on from, once there is something; the reader's beginning may be another one by now. */
  #begun: string | null = null;
  #learning = "";
  #bits: number | null = null;
  #baselines = new Map<Baseline, number>();

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #prompt(): string {
    return this.#own ?? this.#t.example;
  }

  async *#ask(question: Question, signal: AbortSignal) {
    for await (const told of askWriter(this.chapter, this.slow, question, signal)) {
      this.#learning =
        told.kind === "learning"
          ? this.#t.learning(whole(told.step), whole(told.steps), decimals(told.bits, 2))
          : "";
      yield told;
      this.requestUpdate();
    }
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { train, heldOut } = await bookParts(this.chapter);
    // The text first: it is what a reader waits for.
    const sample = this.rows.length + 1;
    await this.#write(sample, train, signal);
    const unseen = heldOut.slice(0, this.slow ? UNSEEN.slow : UNSEEN.fast);
    if (this.#bits === null) {
      const { length } = await writerFacts(this.slow);
      for await (const told of this.#ask({ ask: "evaluate", text: unseen, length, lsh: true }, signal))
        if (told.kind === "evaluate") this.#bits = told.bitsPerCharacter;
    }
    for (const row of this.rows) this.put({ ...row, bits: this.#bits });
    if (this.#baselines.size < BASELINES.length) {
      for await (const told of this.run("quality", { train, heldOut: unseen, written: "" }, signal)) {
        if (told.kind === "baseline") this.#baselines.set(told.name, told.bits);
        this.requestUpdate();
      }
    }
  }

  async #write(sample: number, train: string, signal: AbortSignal): Promise<void> {
    const temperature = this.#temperature;
    const tokens = this.slow ? TOKENS.slow : TOKENS.fast;
    const begun = this.#prompt;
    [this.#begun, this.#written] = [begun, ""];
    let row: Row = { sample, temperature, bits: this.#bits, quality: null, speed: 0 };
    for await (const told of this.#ask(
      { ask: "generate", prompt: begun, tokens, temperature, seed: sample },
      signal,
    )) {
      if (told.kind !== "piece") continue;
      this.#written += told.text;
      row = { ...row, speed: told.perSecond };
      this.put(row);
    }
    for await (const told of this.run("quality", { train, heldOut: "", written: this.#written }, signal))
      if (told.kind === "written") this.put({ ...row, quality: told });
  }

  protected words() {
    const { sentences, tryThis, caption } = this.#t;
    return { sentences, terms: ["bits", "perplexity"] as const, tryThis, caption };
  }
  protected override figureSources() {
    const measured = this.#bits === null ? [] : (["measured"] as const);
    const computed = this.#baselines.size === 0 ? [] : (["computed"] as const);
    return [...measured, ...computed, book] as const;
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how, sample } = this.#t;
    const measured = (
      key: string,
      label: string,
      value: (row: Row) => number | null | undefined,
      show: (v: number) => string,
      said: string,
    ): Column<Row> => ({ key, label, value, show, source: "measured", how: said });
    return [
      { key: "sample", label: c.sample, value: (row) => sample(whole(row.sample)) },
      {
        key: "temperature",
        label: c.temperature,
        value: (row) => row.temperature,
        show: (v) => decimals(v, 1),
      },
      measured(
        "bits",
        c.bits,
        (row) => row.bits,
        (v) => decimals(v, 3),
        how.bits,
      ),
      measured(
        "perplexity",
        c.perplexity,
        (row) => (row.bits === null ? null : 2 ** row.bits),
        (v) => decimals(v, 2),
        how.perplexity,
      ),
      measured("distinct-1", c.distinct1, (row) => row.quality?.distinct1, percent, how.distinct),
      measured("distinct-2", c.distinct2, (row) => row.quality?.distinct2, percent, how.distinct),
      measured("repetition-4", c.repetition, (row) => row.quality?.repetition4, percent, how.repetition),
      measured("copied", c.copied, (row) => row.quality?.copied, percent, how.copied),
      measured("longest copy", c.longest, (row) => row.quality?.longest, whole, how.copied),
      measured("tokens per second", c.speed, (row) => row.speed, rate, how.speed),
    ];
  }

  protected override controls() {
    const t = this.#t;
    return html`<div class="controls">
      <div class="field">
        <label for="prompt">${t.prompt}</label>
        <input id="prompt" type="text" maxlength="80" .value=${this.#prompt} @input=${(event: Event) => {
          this.#own = (event.target as HTMLInputElement).value;
        }} />
      </div>
      ${slider(
        t.temperature,
        this.#temperature,
        { min: 0, max: 1.5, step: 0.1, show: (v) => decimals(v, 1) },
        (value) => {
          this.#temperature = value;
          this.requestUpdate();
        },
      )}
      <button class="small" ?disabled=${!this.gpu} @click=${() => void this.begin()}>${t.write}</button>
      <span class="note" role="status">${this.#learning}</span>
    </div>`;
  }

  protected figure() {
    const t = this.#t;
    const bar = (source: Source, label: string, tone: string, bits: number) => ({
      label: `${MARKS[source]} ${label}`,
      note: t.bits(decimals(bits, 3)),
      parts: [{ tone, value: bits }],
    });
    const bars = [
      ...(this.#bits === null ? [] : [bar("measured", t.bars.model, "lsh", this.#bits)]),
      bar("recorded", t.bars.recorded, "lsh", book.result.heldOut),
      ...[...this.#baselines].map(([name, bits]) => bar("computed", t.bars[name], "quiet", bits)),
      ...book.result.compressed.map(({ compressor, afterTraining }) =>
        bar("recorded", t.bars.compressor(compressor), "quiet", afterTraining),
      ),
    ];
    const bitsOf = ({ parts }: (typeof bars)[number]) => parts[0]?.value ?? 0;
    return html`${barPlot({
      width: this.width,
      title: t.caption,
      bars: bars.sort((a, b) => bitsOf(a) - bitsOf(b)),
    })}
      <p class="written"><b>${this.#begun ?? this.#prompt}</b>${visible(this.#written)}</p>`;
  }
}
customElements.define("reformer-station-writing", WritingStation);
