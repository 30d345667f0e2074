import { html } from "lit";
import { askWriter, bookParts, type Question } from "../chapter/writer.js";
import { linePlot } from "../figures/plot.js";
import { tokenCells, tokenStyles } from "../figures/tokens.js";
import { decimals, finePercent, percent, visible, whole } from "../format.js";
import type { Told } from "../lab/protocol.js";
import { en, zh } from "./10-hashing.text.js";
import { choice } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

type Family = keyof (typeof en)["names"];
type Why = Extract<Told<"language">, { kind: "explain" }>;

interface Row {
  readonly family: Family;
  readonly shares: readonly { readonly rounds: number; readonly mean: number }[];
}

const FAMILIES = Object.keys(en.names) as Family[];
const ROUNDS = [1, 2, 4, 8];
/** Tokens of the passage: more would take longer, as exact attention is what is compared with. */
const LENGTH = { slow: 128, fast: 1024 };

/** Families of hashing, measured by what they find for a trained model; and why it expects what it expects next. */
class HashingStation extends Station<Row> {
  static override styles = [...Station.styles, ...tokenStyles];
  readonly number = 10;
  #what: "coverage" | "why" = "coverage";
  #own: string | null = null;
  #why: Why | null = null;
  #learning = "";

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #length(): number {
    return this.slow ? LENGTH.slow : LENGTH.fast;
  }
  get #text(): string {
    return this.#own ?? this.#t.example;
  }

  async *#ask(question: Question, signal: AbortSignal) {
    for await (const told of askWriter(this.chapter, this.slow, question, signal)) {
      this.#learning = told.kind === "learning" ? this.#t.learning(whole(told.step), whole(told.steps)) : "";
      yield told;
      this.requestUpdate();
    }
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    if (this.#what === "why") {
      this.#why = null; // it may be of another text
      for await (const told of this.#ask({ ask: "explain", text: this.#text }, signal))
        if (told.kind === "explain") this.#why = told;
      return;
    }
    const length = this.#length;
    const text = (await bookParts(this.chapter)).heldOut.slice(0, 2 * length);
    for (const family of FAMILIES) {
      const question = { ask: "coverage", text, length, rounds: ROUNDS, hashing: family } as const;
      for await (const told of this.#ask(question, signal)) {
        if (told.kind !== "coverage") continue;
        const shares = ROUNDS.map((rounds) => {
          const heads = told.heads.filter((head) => head.kind === "lsh" && head.rounds === rounds);
          return { rounds, mean: heads.reduce((sum, { mean }) => sum + mean, 0) / Math.max(1, heads.length) };
        });
        this.put({ family, shares });
        if (family === "rotations") this.chapter.findings.set({ coverage: shares });
      }
    }
  }

  protected words() {
    const { sentences, tryThis, captionCoverage, captionWhy, captionWhyFirst } = this.#t;
    const why = this.#why
      ? captionWhy(visible(this.#why.target), percent(this.#why.probability))
      : captionWhyFirst;
    const terms = ["coverage", "rotation", "bucket", "round"] as const;
    return { sentences, terms, tryThis, caption: this.#what === "coverage" ? captionCoverage : why };
  }
  protected override figureSources() {
    return this.#what === "coverage" || this.#why ? (["measured"] as const) : [];
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, names, compared, how } = this.#t;
    return [
      {
        key: "family",
        label: c.family,
        value: ({ family }) => (family === "balanced" ? compared(names[family]) : names[family]),
      },
      ...ROUNDS.map(
        (rounds): Column<Row> => ({
          key: `rounds ${rounds}`,
          label: c.rounds(whole(rounds)),
          value: ({ shares }) => shares.find((share) => share.rounds === rounds)?.mean,
          show: finePercent,
          source: "measured",
          how: rounds === 1 ? how.coverage(whole(this.#length)) : undefined,
        }),
      ),
    ];
  }

  protected override controls() {
    const t = this.#t;
    return html`<div class="controls">
      ${choice(
        t.what,
        this.#what,
        [
          ["coverage", t.coverage],
          ["why", t.why],
        ],
        (what) => {
          this.#what = what;
          if (what === "why" && !this.#why) void this.begin();
          this.requestUpdate();
        },
      )}
      ${
        this.#what === "why"
          ? html`<div class="field wide">
                <label for="so-far">${t.text}</label>
                <textarea id="so-far" rows="1" maxlength="120" .value=${this.#text} @input=${(
                  event: Event,
                ) => {
                  this.#own = (event.target as HTMLTextAreaElement).value;
                }}></textarea>
              </div>
              <button class="small" ?disabled=${!this.gpu} @click=${() => void this.begin()}>${t.ask}</button>`
          : ""
      }
      <span class="note" role="status">${this.#learning}</span>
    </div>`;
  }

  protected figure() {
    const t = this.#t;
    if (this.#what === "why") {
      const tokens = this.#why?.tokens ?? [...this.#text].map((text) => ({ text, evidence: 0 }));
      const most = Math.max(1e-9, ...tokens.map(({ evidence }) => Math.abs(evidence)));
      return tokenCells(
        tokens.map(({ text, evidence }) => ({
          text,
          tint: evidence / most,
          note: this.#why ? t.evidence(decimals(evidence, 3)) : "",
        })),
        this.width,
        t.why,
      );
    }
    return linePlot({
      width: this.width,
      title: t.coverage,
      x: { label: t.rounds, log: true, ticks: ROUNDS, show: whole, include: [1, 8] },
      y: { label: t.axis, show: percent, include: [1] },
      series: this.rows.map(({ family, shares }) => ({
        label: t.names[family],
        tone: ["lsh", "tone-2", "tone-6", "tone-3", "tone-5"][FAMILIES.indexOf(family)] ?? "quiet",
        points: shares.map(({ rounds, mean }) => [rounds, mean] as const),
      })),
    });
  }
}
customElements.define("reformer-station-hashing", HashingStation);
