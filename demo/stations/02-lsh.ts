import { css, html, nothing, svg } from "lit";
import { bucketStyles } from "../figures/buckets.js";
import { bestPartners, type Hashed, hashWords, recall, worstPartners } from "../figures/lsh.js";
import { widthOf } from "../figures/text-width.js";
import { wordsOf, wordVector } from "../figures/words.js";
import { milliseconds, percent, whole } from "../format.js";
import { en, zh } from "./02-lsh.text.js";
import { slider } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

interface Row {
  readonly rounds: number;
  readonly recall: number;
  readonly pairs: number;
  readonly share: number;
  readonly ms: number | null;
  readonly fullMs: number | null;
}

const ROUNDS = [1, 2, 4, 8];
const [WORDS, PARTNERS, CHUNK] = [48, 3, 6];
const SIZES = {
  slow: { length: 1024, heads: 1, headSize: 32, chunkLength: 32, budget: 2000 },
  fast: { length: 16_384, heads: 4, headSize: 64, chunkLength: 64, budget: 2000 },
} as const;
/** Height of a row of chips and of a chip, in CSS pixels. */
const [LINE, CHIP] = [34, 26];

/** Hash, sort, chunk, attend: the reader's own words. */
class LshStation extends Station<Row> {
  static override styles = [
    ...Station.styles,
    ...bucketStyles,
    css`
      .chip {
        transition: transform 0.6s;
        cursor: pointer;
      }
      .chip text {
        fill: var(--ink);
        font-size: 13px;
      }
      .chip.followed rect {
        stroke: var(--ink);
        stroke-width: 2;
      }
      .chip.met rect {
        stroke: var(--lsh);
        stroke-width: 2;
      }
      .cell {
        fill: color-mix(in oklch, var(--lsh) 38%, var(--paper));
      }
      .ring {
        fill: none;
        stroke: var(--full);
        stroke-width: 1.25;
      }
      .row {
        fill: none;
        stroke: var(--ink);
      }
      .board {
        fill: var(--sunken);
      }
      .steps {
        display: flex;
        flex-wrap: wrap;
        gap: 0.375rem;
      }
    `,
  ];
  readonly number = 2;
  #own: string | null = null;
  #step = 3;
  #rounds = 2;
  #buckets = 8;
  #seed = 1;
  #followed = 1;
  #times = new Map<number, number | null>();

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #size() {
    return this.slow ? SIZES.slow : SIZES.fast;
  }
  get #words(): string[] {
    return wordsOf(this.#own ?? this.#t.text, WORDS);
  }

  protected override compute(): void {
    const vectors = this.#words.map((word) => wordVector(word));
    const partners = bestPartners(vectors, PARTNERS);
    const strangers = worstPartners(vectors, PARTNERS);
    const unlike = new Map<number, number>();
    const all = vectors.length ** 2;
    const row = (rounds: number, found: Omit<Row, "rounds" | "ms" | "fullMs">): Row => ({
      rounds,
      ...found,
      ms: rounds === 0 ? null : (this.#times.get(rounds) ?? null),
      fullMs: rounds === 0 ? (this.#times.get(0) ?? null) : null,
    });
    const rows = [
      ...ROUNDS.map((rounds) => {
        const hashed = hashWords(vectors, { rounds, buckets: this.#buckets, chunk: CHUNK, seed: this.#seed });
        unlike.set(rounds, recall(hashed, strangers));
        return row(rounds, {
          recall: recall(hashed, partners),
          pairs: hashed.pairs,
          share: hashed.pairs / Math.max(1, all),
        });
      }),
      row(0, { recall: 1, pairs: all, share: 1 }),
    ];
    for (const one of rows) this.put(one);
    const { findings } = this.chapter;
    const found = rows.map(({ rounds, recall: share }) => ({
      ...{ rounds, share, unlike: unlike.get(rounds) ?? 1, partners: PARTNERS },
    }));
    findings.set({ recall: found.filter(({ rounds }) => rounds > 0) });
    this.requestUpdate();
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const { length, ...sizes } = this.#size;
    const cases = [...ROUNDS, 0].map((rounds) => ({ rounds, length }));
    for await (const told of this.run("attention", { ...sizes, cases }, signal)) {
      this.#times.set(told.rounds, told.milliseconds);
      this.compute();
    }
  }

  protected words() {
    const { sentences, tryThis, caption } = this.#t;
    const terms = ["attention", "lsh", "rotation", "bucket", "round", "chunk"] as const;
    return { sentences, terms, tryThis, caption: caption(whole(PARTNERS)) };
  }
  protected override figureSources() {
    return ["computed"] as const;
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how, full } = this.#t;
    const { length, heads, headSize } = this.#size;
    const timed = how.ms(whole(length), whole(heads), whole(headSize));
    return [
      { key: "rounds", label: c.rounds, value: ({ rounds }) => (rounds === 0 ? full : whole(rounds)) },
      {
        key: "recall",
        label: c.recall,
        value: (row) => row.recall,
        show: percent,
        source: "computed",
        how: how.recall(whole(PARTNERS)),
      },
      {
        key: "pairs",
        label: c.pairs,
        value: (row) => row.pairs,
        show: whole,
        source: "computed",
        how: how.pairs,
      },
      {
        key: "share",
        label: c.share,
        value: (row) => row.share,
        show: percent,
        source: "computed",
        how: how.share,
      },
      {
        key: "milliseconds",
        label: c.time(whole(length)),
        value: (row) => row.ms ?? row.fullMs,
        show: milliseconds,
        source: "measured",
        how: timed,
      },
    ];
  }

  protected override controls() {
    const t = this.#t;
    const rerun = () => this.compute();
    return html`<div class="controls">
      <div class="field wide">
        <label for="text">${t.textLabel}</label>
        <textarea id="text" rows="2" lang=${this.language} .value=${this.#own ?? t.text} @input=${(
          event: Event,
        ) => {
          this.#own = (event.target as HTMLTextAreaElement).value;
          this.#followed = Math.min(this.#followed, Math.max(0, this.#words.length - 1));
          this.compute();
        }}></textarea>
      </div>
      <div class="steps" role="group" aria-label=${this.t.chapter.titles[1] ?? ""}>
        ${t.steps.map(
          (name, i) =>
            html`<button class="small" aria-pressed=${i === this.#step ? "true" : "false"} @click=${() => {
              this.#step = i;
              this.requestUpdate();
            }}>${name}</button>`,
        )}
      </div>
      ${slider(t.rounds, this.#rounds, { min: 1, max: 8, show: whole }, (v) => {
        this.#rounds = v;
        rerun();
      })}
      ${slider(t.buckets, this.#buckets, { min: 2, max: 16, step: 2, show: whole }, (v) => {
        this.#buckets = v;
        rerun();
      })}
      <div class="field">
        <label for="follow">${t.word}</label>
        <select id="follow" @change=${(event: Event) => this.#follow(Number((event.target as HTMLSelectElement).value))}>
          ${this.#words.map((word, i) => html`<option value=${i} .selected=${i === this.#followed}>${i + 1} ${word}</option>`)}
        </select>
      </div>
      <button class="small" @click=${() => {
        this.#seed++;
        this.compute();
      }}>${t.redraw}</button>
    </div>`;
  }

  #follow(word: number): void {
    this.#followed = word;
    this.requestUpdate();
  }

  protected figure() {
    const words = this.#words;
    if (words.length < 2) return nothing;
    const vectors = words.map((word) => wordVector(word));
    const hashed = hashWords(vectors, {
      rounds: this.#rounds,
      buckets: this.#buckets,
      chunk: CHUNK,
      seed: this.#seed,
    });
    const chips = this.#chips(words, hashed);
    const board = this.#step === 3 ? this.#board(words, vectors, hashed, chips.height + 18) : null;
    const height = chips.height + (board ? board.height + 24 : 0) + 22;
    return html`<p class="note">${this.#t.stepNote[this.#step]}</p><svg class="figure" width=${this.width} height=${height} viewBox="0 0 ${this.width} ${height}" role="img" aria-label="${this.#t.stepNote[this.#step]} ${percent(recall(hashed, bestPartners(vectors, PARTNERS)))}">
      ${chips.drawing} ${board?.drawing ?? nothing}
    </svg>`;
  }

  /** The words in the order of the step, in lines like text; chunks are set apart. */
  #chips(words: readonly string[], { buckets, order, meets }: Hashed) {
    const sorted = this.#step > 0;
    const places = sorted ? (order[0] ?? []) : words.map((_, i) => i);
    const chunked = this.#step > 1;
    const met = meets[this.#followed];
    const at = new Map<number, { x: number; y: number; wide: number }>();
    let [x, y] = [0, 8];
    for (const [slot, token] of places.entries()) {
      const wide = widthOf(words[token] ?? "", "bold") + 14;
      if (chunked && slot > 0 && slot % CHUNK === 0) x += 14;
      if (x + wide > this.width && x > 0) [x, y] = [0, y + LINE];
      at.set(token, { x, y, wide });
      x += wide + 4;
    }
    const drawing = words.map((word, token) => {
      const place = at.get(token) ?? { x: 0, y: 0, wide: 0 };
      const kind = token === this.#followed ? "followed" : this.#step === 3 && met?.has(token) ? "met" : "";
      return svg`<g class="chip ${kind}" .style=${`transform: translate(${place.x}px, ${place.y}px)`} @click=${() => this.#follow(token)}>
        <rect class="b${buckets[0]?.[token] ?? 0}" width=${place.wide} height=${CHIP} rx="4"></rect>
        <text x=${place.wide / 2} y="18" text-anchor="middle">${word}</text>
      </g>`;
    });
    return { drawing, height: y + CHIP };
  }

  /** Queries down, keys across: who meets whom, and whom full attention would favour. */
  #board(words: readonly string[], vectors: readonly Float32Array[], { meets }: Hashed, top: number) {
    const cell = Math.min(22, (this.width - 2) / words.length, 420 / words.length);
    const side = cell * words.length;
    const square = (i: number, j: number) => `M${j * cell} ${i * cell}h${cell - 1}v${cell - 1}h${1 - cell}z`;
    const cells = words.map((_, i) => [...(meets[i] ?? [])].map((j) => square(i, j)).join("")).join("");
    const r = cell * 0.34;
    const rings = bestPartners(vectors, PARTNERS)
      .map((list, i) =>
        list
          .map(
            (j) =>
              `M${(j + 0.5) * cell - r} ${(i + 0.5) * cell - 0.5}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`,
          )
          .join(""),
      )
      .join("");
    return {
      height: side,
      drawing: svg`<g transform="translate(1, ${top + 12})">
        <rect class="board" width=${side} height=${side}></rect>
        <path class="cell" d=${cells}></path>
        <path class="ring" d=${rings}></path>
        <rect class="row" y=${this.#followed * cell - 0.5} width=${side} height=${cell}></rect>
      </g>`,
    };
  }
}
customElements.define("reformer-station-lsh", LshStation);
