import { css, html, nothing, svg } from "lit";
import { type Family, hashCost } from "../chapter/hash-cost.js";
import { askWriter, bookParts, writerFacts } from "../chapter/writer.js";
import { placeLabels } from "../figures/labels.js";
import { finePercent, percent, short, whole } from "../format.js";
import { en, zh } from "./11-future.text.js";
import { slider } from "./inputs.js";
import { phrasesOf, Station } from "./station.js";
import type { Column } from "./table.js";

interface Point {
  readonly family: Family;
  readonly rounds: number;
}
interface Row {
  /** A paper's place in the list, or a point measured here. */
  readonly paper: number | null;
  readonly point: Point | null;
  readonly cost: number | null;
  readonly coverage: number | null;
}

const FAMILIES = Object.keys(en.names) as Family[];
const FIRST: readonly Point[] = FAMILIES.map((family) => ({ family, rounds: 2 }));
/** Of the families' points. */
const TONES = ["lsh", "tone-2", "tone-6", "tone-3", "tone-5"];
const LENGTH = { slow: 128, fast: 1024 };
/** Where the papers stand, in the order of the list. */
const LINKS = ["2010.05315", "2003.05997", "2306.01160", "2310.05869", "2410.16179", "2510.04008"].map(
  (number) => `https://arxiv.org/abs/${number}`,
);

/** Cost against quality of hashing schemes. */
class FutureStation extends Station<Row> {
  static override styles = [
    ...Station.styles,
    css`
      .leader {
        stroke: var(--tone);
        stroke-width: 1;
        opacity: 0.6;
      }
    `,
  ];
  readonly number = 11;
  #family: Family = "rotations";
  #rounds = 4;
  #points: readonly Point[] = FIRST;
  #learning = "";

  get #t() {
    return phrasesOf({ en, zh }, this);
  }
  get #length(): number {
    return this.slow ? LENGTH.slow : LENGTH.fast;
  }

  protected override compute(): void {
    for (const paper of en.papers.keys()) this.put({ paper, point: null, cost: null, coverage: null });
  }

  protected override async measure(signal: AbortSignal): Promise<void> {
    const length = this.#length;
    const { headSize, chunkLength } = await writerFacts(this.slow);
    const text = (await bookParts(this.chapter)).heldOut.slice(0, 2 * length);
    for (const point of this.#points) {
      if (this.rows.some((row) => row.point === point && row.coverage !== null)) continue;
      const question = {
        ask: "coverage",
        text,
        length,
        rounds: [point.rounds],
        hashing: point.family,
      } as const;
      for await (const told of askWriter(this.chapter, this.slow, question, signal)) {
        this.#learning =
          told.kind === "learning" ? this.#t.learning(whole(told.step), whole(told.steps)) : "";
        if (told.kind === "coverage") {
          const heads = told.heads.filter(({ kind }) => kind === "lsh");
          const coverage = heads.reduce((sum, { mean }) => sum + mean, 0) / Math.max(1, heads.length);
          const others = this.rows.filter((row) => row.point);
          this.rows = [
            ...others,
            {
              paper: null,
              point,
              cost: hashCost(point.family, point.rounds, { length, headSize, chunkLength }),
              coverage,
            },
            ...this.rows.filter((row) => !row.point),
          ];
        }
        this.requestUpdate();
      }
    }
  }

  protected words() {
    const { sentences, tryThis, caption } = this.#t;
    const terms = ["coverage", "bucket", "round", "perplexity"] as const;
    return { sentences, terms, tryThis, caption };
  }
  protected override figureSources() {
    return this.rows.some(({ point }) => point) ? (["measured", "computed"] as const) : [];
  }

  #nameOf({ paper, point }: Row): string {
    const t = this.#t;
    return point ? t.point(t.names[point.family], whole(point.rounds)) : (t.papers[paper ?? 0]?.[0] ?? "");
  }

  protected columns(): readonly Column<Row>[] {
    const { columns: c, how, here, compared, paper, papers } = this.#t;
    return [
      {
        key: "method",
        label: c.method,
        value: (row) => this.#nameOf(row),
        link: ({ paper: nth }) => (nth === null ? undefined : LINKS[nth]),
      },
      {
        key: "operations",
        label: c.cost,
        value: ({ cost }) => cost,
        show: whole,
        source: "computed",
        how: how.cost,
      },
      {
        key: "coverage",
        label: c.coverage,
        value: ({ coverage }) => coverage,
        show: finePercent,
        source: "measured",
        how: how.coverage,
      },
      {
        key: "reported",
        label: c.result,
        value: (row) => (row.paper === null ? null : papers[row.paper]?.[1]),
        source: "reported",
        how: how.result,
      },
      {
        key: "status",
        label: c.status,
        value: ({ point }) => (!point ? paper : point.family === "balanced" ? compared : here),
      },
    ];
  }

  protected override controls() {
    const t = this.#t;
    return html`<div class="controls">
      <div class="field">
        <label for="family">${t.family}</label>
        <select id="family" @change=${(event: Event) => {
          this.#family = (event.target as HTMLSelectElement).value as Family;
        }}>
          ${FAMILIES.map((family) => html`<option value=${family} .selected=${family === this.#family}>${t.names[family]}</option>`)}
        </select>
      </div>
      ${slider(t.rounds, this.#rounds, { min: 1, max: 16, show: whole }, (rounds) => {
        this.#rounds = rounds;
        this.requestUpdate();
      })}
      <button class="small" ?disabled=${!this.gpu} @click=${() => {
        const known = this.#points.some(
          ({ family, rounds }) => family === this.#family && rounds === this.#rounds,
        );
        if (!known) this.#points = [...this.#points, { family: this.#family, rounds: this.#rounds }];
        void this.begin();
      }}>${t.add}</button>
      <span class="note" role="status">${this.#learning}</span>
    </div>`;
  }

  protected figure() {
    const t = this.#t;
    const points = this.rows.filter((row) => row.point && row.cost !== null && row.coverage !== null);
    const [width, height, left, top] = [this.width, 300, 46, 24];
    const [right, bottom] = [width - 20, height - 36];
    const costs = [...points.map(({ cost }) => cost ?? 1), 64, 2048];
    const [low, high] = [Math.log2(Math.min(...costs)) - 0.3, Math.log2(Math.max(...costs)) + 0.5];
    const least = Math.max(
      0,
      Math.floor(10 * Math.min(0.5, ...points.map(({ coverage }) => coverage ?? 1)) - 0.5) / 10,
    );
    const x = (cost: number) => left + ((Math.log2(cost) - low) / (high - low)) * (right - left);
    const y = (share: number) => bottom - ((share - least) / (1 - least)) * (bottom - top);
    const marks = Array.from({ length: 24 }, (_, i) => 2 ** i).filter(
      (v) => Math.log2(v) >= low && Math.log2(v) <= high,
    );
    const shares = Array.from({ length: 11 }, (_, i) => i / 10).filter((share) => share >= least - 1e-9);
    const dots = points.map((row) => ({
      x: x(row.cost ?? 1),
      y: y(row.coverage ?? 0),
      text: this.#nameOf(row),
    }));
    const labels = placeLabels(dots, { left, right: width, top: top - 6, bottom });
    return svg`<svg class="figure" width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img" aria-label="${t.quality}, ${t.cost}">
      ${shares.map((share) => svg`<line class="grid" x1=${left} x2=${right} y1=${y(share)} y2=${y(share)}></line><text x=${left - 6} y=${y(share) + 4} text-anchor="end">${percent(share)}</text>`)}
      ${marks.map((mark) => svg`<text x=${x(mark)} y=${bottom + 16} text-anchor="middle">${short(mark)}</text>`)}
      <text x="0" y="12">${t.quality}</text>
      <text x=${right} y=${height - 4} text-anchor="end">${t.cost}</text>
      ${points.map((row, i) => {
        const [dot, label] = [dots[i], labels[i]];
        if (!dot || !label) return nothing;
        const tone = TONES[FAMILIES.indexOf(row.point?.family ?? "rotations")] ?? "quiet";
        const leader = label.leader
          ? svg`<line class="leader" x1=${label.leader[0]} y1=${label.leader[1]} x2=${dot.x} y2=${dot.y}></line>`
          : nothing;
        return svg`<g class=${tone}>${leader}<circle class="dot" cx=${dot.x} cy=${dot.y} r="5"></circle><text class="named" x=${label.x} y=${label.y}>${dot.text}</text></g>`;
      })}
    </svg>`;
  }
}
customElements.define("reformer-station-future", FutureStation);
