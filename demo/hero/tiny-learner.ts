import { css, html, nothing, svg } from "lit";
import { type Chapter, hasGpu } from "../chapter/chapter.js";
import { PageElement } from "../elements/page-element.js";
import { base, controls } from "../elements/styles.js";
import { bucketStyles } from "../figures/buckets.js";
import { figureStyles, linePlot } from "../figures/plot.js";
import { decimals, duration, percent, whole } from "../format.js";
import { GaveWay, RANK } from "../gpu-turn.js";
import type { Told } from "../lab/protocol.js";

type Told1 = Told<"duplication">;
type View = Extract<Told1, { kind: "view" }>;
type Start = Extract<Told1, { kind: "start" }>;

const PARAMS = { letters: 16, word: 15, rounds: 4, steps: 240 } as const;
/** A symbol that surprises by less is certain: its probability is above one half. */
const CERTAIN = 1;
/** Losses that one drawn point is the mean of. */
const SMOOTH = 8;

type Phase = "waiting" | "compiling" | "running" | "paused" | "done" | "failed" | "off";

/** A tiny Reformer that learns the duplication task by itself while nobody else wants the GPU. */
export class TinyLearner extends PageElement {
  static override styles = [
    base,
    controls,
    figureStyles,
    bucketStyles,
    css`
      h2 {
        font: 600 1.25rem / 1.25 var(--serif);
      }
      .note {
        margin-top: 0.375rem;
      }
      .bar {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 0.375rem 0.75rem;
        margin-block: 0.75rem;
        font-size: 0.875rem;
      }
      button {
        min-height: 1.875rem;
        padding-block: 0.25rem;
        font-size: 0.8125rem;
      }
      .plot {
        min-height: 190px;
      }
      .caption {
        margin-top: 0.75rem;
      }
      svg.strip {
        width: 100%;
        height: auto;
        font-size: 13px;
      }
      .arc {
        fill: none;
        stroke: var(--edge);
        stroke-width: 1;
      }
      .arc.right {
        stroke: var(--lsh);
        stroke-width: 1.75;
      }
      .figure text.letter {
        font: 600 13px var(--mono, ui-monospace, monospace);
        fill: var(--ink);
      }
      .figure text.letter.sure {
        fill: var(--lsh);
      }
      .numbers {
        display: flex;
        flex-wrap: wrap;
        gap: 0 1.25rem;
        font-size: 0.8125rem;
        color: var(--muted);
        font-variant-numeric: tabular-nums;
      }
    `,
  ];

  declare chapter: Chapter;
  #phase: Phase = "off";
  #width = 480;
  #problem = "";
  #losses: (readonly [number, number])[] = [];
  #start: Start | null = null;
  #view: View | null = null;
  #step = 0;
  #seed = 1;
  #began = 0;
  #seconds = 0;
  #abort: AbortController | null = null;
  #onScreen = false;
  readonly #resized = new ResizeObserver(() => {
    const width = Math.floor(this.renderRoot.querySelector(".plot")?.clientWidth ?? 0);
    if (width > 0 && width !== this.#width) {
      this.#width = width;
      this.requestUpdate();
    }
  });
  readonly #watched = new IntersectionObserver((entries) => {
    this.#onScreen = entries.at(-1)?.isIntersecting ?? false;
  });
  readonly #onHidden = () => {
    if (document.hidden) this.#pause();
  };
  readonly #onKey = (event: KeyboardEvent) => {
    const focused = event.composedPath()[0];
    const free = focused === document.body || focused === document.documentElement;
    if (event.key !== " " || event.repeat || !free || !this.#onScreen || event.defaultPrevented) return;
    if (this.#phase === "off" || this.#phase === "failed") return;
    event.preventDefault();
    this.#toggle();
  };

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resized.observe(this);
    this.#watched.observe(this);
    document.addEventListener("keydown", this.#onKey);
    document.addEventListener("visibilitychange", this.#onHidden);
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
    this.#watched.disconnect();
    document.removeEventListener("keydown", this.#onKey);
    document.removeEventListener("visibilitychange", this.#onHidden);
    this.#abort?.abort();
  }

  /** The page found out about the GPU: it starts, unless the reader would rather not. */
  adapterFound(): void {
    const saves = (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (hasGpu(this.chapter) && !saves && !still && !document.hidden) void this.#learn();
    else this.#set(hasGpu(this.chapter) ? "paused" : "off");
  }

  async #learn(): Promise<void> {
    const { lab, turn } = this.chapter;
    if (!lab) return;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#set("waiting");
    while (!abort.signal.aborted) {
      try {
        await turn.use(
          "hero",
          RANK.hero,
          async (signal) => {
            [this.#losses, this.#start, this.#step] = [[], null, 0];
            this.#set("compiling");
            this.#began = performance.now();
            let sum: number[] = [];
            for await (const told of lab.run("duplication", { ...PARAMS, seed: this.#seed }, signal)) {
              if (told.kind === "start") this.#start = told;
              else if (told.kind === "view") this.#view = told;
              else {
                if (this.#step === 0) {
                  performance.mark("first-learning-step");
                  this.#began = performance.now();
                }
                this.#step = told.step;
                sum.push(told.bits);
                if (sum.length === SMOOTH || told.step === 1) {
                  this.#losses.push([told.step, sum.reduce((a, b) => a + b, 0) / sum.length]);
                  sum = [];
                }
                this.#phase = "running";
              }
              this.requestUpdate();
            }
          },
          abort.signal,
        );
        this.#seconds = (performance.now() - this.#began) / 1000;
        return this.#set("done");
      } catch (error) {
        if (abort.signal.aborted) return;
        if (error instanceof GaveWay) {
          this.#set("waiting");
          continue;
        }
        this.#problem = error instanceof Error ? error.message : String(error);
        return this.#set("failed");
      }
    }
  }

  #pause(): void {
    if (this.#phase !== "waiting" && this.#phase !== "compiling" && this.#phase !== "running") return;
    this.#abort?.abort();
    this.#set("paused");
  }
  #toggle(): void {
    if (this.#phase === "paused") void this.#learn();
    else if (this.#phase === "done") {
      this.#seed++;
      void this.#learn();
    } else this.#pause();
  }
  #set(phase: Phase): void {
    this.#phase = phase;
    this.requestUpdate();
  }

  override render() {
    const t = this.t.hero.learner;
    const { adapter } = this.chapter;
    const names = { paused: t.start, done: t.again } as Partial<Record<Phase, string>>;
    return html`
      <h2>${t.title}</h2>
      <p class="note">${t.note}</p>
      <div class="bar">
        ${
          this.#phase === "off" || this.#phase === "failed"
            ? nothing
            : html`<button class="primary" @click=${() => this.#toggle()}>${names[this.#phase] ?? t.pause}</button>`
        }
        <span role="status">${adapter === null ? this.t.adapter.looking : this.#status()}</span>
        ${this.#phase === "running" ? html`<span class="note keys">${t.key}</span>` : nothing}
      </div>
      <div class="plot">${this.#curve()}</div>
      ${this.#strip()}
    `;
  }

  #status(): string {
    const t = this.t.hero.learner;
    switch (this.#phase) {
      case "waiting":
        return t.waiting;
      case "compiling":
        return t.compiling;
      case "running":
        return t.running(whole(this.#step), whole(PARAMS.steps));
      case "paused":
        return t.paused;
      case "done":
        return t.done(whole(this.#step), duration(this.#seconds));
      case "failed":
        return this.#problem;
      case "off":
        return t.noGpu;
      default:
        return this.#phase satisfies never;
    }
  }

  #curve() {
    const t = this.t.hero.learner;
    const floor = this.#start?.floor ?? (Math.log2(PARAMS.letters) * PARAMS.word) / (2 * (PARAMS.word + 1));
    return linePlot({
      width: this.#width,
      height: 190,
      title: `${t.bits}: ${this.#losses.at(-1)?.[1].toFixed(2) ?? "–"}`,
      x: { label: t.step, show: whole, include: [0, PARAMS.steps] },
      y: { label: t.bits, show: (v) => decimals(v, 1), include: [floor, 4.5] },
      series: [{ label: t.loss, tone: "lsh", points: this.#losses, dots: false }],
      lines: [{ y: floor, label: t.floor, tone: "quiet" }],
    });
  }

  #strip() {
    const view = this.#view;
    if (!view) return nothing;
    const t = this.t.hero.learner;
    const { tokens, buckets, surprise, looksAt, met } = view;
    const half = tokens.length / 2;
    const cell = 20;
    const width = tokens.length * cell;
    const copied = surprise.slice(half + 1);
    const sure = copied.filter((bits) => bits < CERTAIN).length / Math.max(1, copied.length);
    return html`
      <p class="note caption">${t.strip}</p>
      <svg class="figure strip" viewBox="0 0 ${width} 112" role="img" aria-label="${t.met(percent(met))}; ${t.right(percent(sure))}">
        ${tokens.map((letter, i) => {
          const x = i * cell;
          const to = looksAt[i] ?? -1;
          const [from, end] = [x + cell / 2, to * cell + cell / 2];
          const wide = Math.abs(from - end) / 2;
          const sureHere = i > half && (surprise[i] ?? 9) < CERTAIN;
          return svg`
            ${
              i > half - 1 && to >= 0
                ? svg`<path class="arc ${to === i + 1 - half ? "right" : ""}" d="M${from} 74A${wide} ${Math.min(66, wide)} 0 0 0 ${end} 74"></path>`
                : nothing
            }
            <rect class="bucket b${(buckets[i] ?? 0) % 16}" x=${x + 1} y="76" width=${cell - 2} height="20" rx="3"></rect>
            <text class="letter ${sureHere ? "sure" : ""}" x=${x + cell / 2} y="91" text-anchor="middle">${letter}</text>`;
        })}
        <text x=${(half * cell) / 2} y="109" text-anchor="middle">${t.first}</text>
        <text x=${1.5 * half * cell} y="109" text-anchor="middle">${t.copy}</text>
      </svg>
      <p class="numbers"><span>${t.met(percent(met))}</span><span>${t.right(percent(sure))}</span>${
        this.#start ? html`<span>${t.parameters(whole(this.#start.parameters))}</span>` : nothing
      }</p>
    `;
  }
}
