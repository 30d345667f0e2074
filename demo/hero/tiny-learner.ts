import { css, html, nothing, svg, type TemplateResult } from "lit";
import { adapterName, type Chapter, hasGpu } from "../chapter/chapter.js";
import { MARKS, type Origin, type Source } from "../chapter/sources.js";
import { PageElement } from "../elements/page-element.js";
import { problemText } from "../elements/problem-text.js";
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

type Phase = "waiting" | "compiling" | "running" | "paused" | "hidden" | "done" | "failed" | "off";

const savesData = () => (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;
const wantsLessMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

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
  #problem: Error | null = null;
  #losses: (readonly [number, number])[] = [];
  #start: Start | null = null;
  #view: View | null = null;
  #step = 0;
  #seed = 1;
  #seconds = 0;
  #recorded: Origin | null = null;
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
  /** A hidden page learns nothing; seen again it goes on, unless the reader had paused. */
  readonly #onHidden = () => {
    if (document.hidden) this.#pause("hidden");
    else if (this.#phase === "hidden") void this.#learn();
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
    if (!hasGpu(this.chapter)) return void this.#showRecorded();
    if (this.#recorded) [this.#recorded, this.#start, this.#view, this.#losses] = [null, null, null, []];
    if (savesData() || wantsLessMotion()) this.#set("paused");
    else if (document.hidden) this.#set("hidden");
    else void this.#learn();
  }

  async #showRecorded(): Promise<void> {
    this.#set("off");
    const { adapter, date, start, view, losses } = (await import("../recorded/hero.json")).default;
    this.#recorded = { adapter, date };
    this.#start = start as Start;
    this.#view = view as View;
    this.#losses = losses as [number, number][];
    this.requestUpdate();
  }

  /** What it has learned, as `recorded/hero.json` keeps it. */
  recording(): object {
    const date = new Date().toISOString().slice(0, 10);
    const [start, view, losses] = [this.#start, this.#view, this.#losses];
    return { adapter: adapterName(this.chapter.adapter), date, start, view, losses };
  }

  /** Begins, or goes on from the step it has reached, for so many steps. */
  async #learn(most: number = PARAMS.steps): Promise<void> {
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
            this.#set("compiling");
            let began = performance.now();
            try {
              const params = { ...PARAMS, seed: this.#seed, most };
              for await (const told of lab.run("duplication", params, signal)) {
                if (told.kind === "start") began = performance.now();
                this.#take(told);
              }
            } finally {
              this.#seconds += (performance.now() - began) / 1000;
            }
          },
          abort.signal,
        );
        return this.#set(this.#step < PARAMS.steps ? "paused" : "done");
      } catch (error) {
        if (abort.signal.aborted) return;
        if (error instanceof GaveWay) {
          this.#set("waiting");
          continue;
        }
        this.#problem = error instanceof Error ? error : new Error(String(error));
        return this.#set("failed");
      }
    }
  }

  #take(told: Told1): void {
    if (told.kind === "view") this.#view = told;
    else if (told.kind === "start") {
      this.#start = told;
      this.#step = told.step;
      this.#losses = this.#losses.filter(([step]) => step <= told.step); // none, where it begins afresh
      if (told.step === 0) this.#seconds = 0;
    } else {
      if (this.#step === 0) performance.mark("first-learning-step");
      this.#step = told.step;
      this.#losses = [...this.#losses, [told.step, told.bits]];
      this.#phase = "running";
    }
    this.requestUpdate();
  }

  #pause(phase: "paused" | "hidden"): void {
    if (this.#phase !== "waiting" && this.#phase !== "compiling" && this.#phase !== "running") return;
    this.#abort?.abort();
    this.#set(phase);
  }
  #toggle(): void {
    if (this.#phase === "done") this.#seed++;
    if (this.#phase === "done" || this.#phase === "paused" || this.#phase === "hidden") void this.#learn();
    else this.#pause("paused");
  }
  #set(phase: Phase): void {
    this.#phase = phase;
    this.requestUpdate();
  }

  override render() {
    const t = this.t.hero.learner;
    const { adapter } = this.chapter;
    const goes = this.#step === 0 ? t.start : t.resume;
    const names = { paused: goes, hidden: goes, done: t.again } as Partial<Record<Phase, string>>;
    return html`
      <h2>${t.title}</h2>
      <p class="note">${t.note}</p>
      <div class="bar">
        ${
          this.#phase === "off" || this.#phase === "failed"
            ? nothing
            : html`<button class="primary" @click=${() => this.#toggle()}>${names[this.#phase] ?? t.pause}</button>`
        }
        ${this.#phase === "paused" ? html`<button @click=${() => void this.#learn(1)}>${t.step}</button>` : nothing}
        <span role="status">${adapter === null ? this.t.adapter.looking : this.#status()}</span>
        ${this.#phase === "running" ? html`<span class="note keys">${t.key}</span>` : nothing}
      </div>
      <div class="plot">${this.#curve()}</div>
      ${this.#strip()} ${this.#sources()}
    `;
  }

  /** Where the numbers come from; the line of a perfect copy is computed. */
  #sources() {
    if (this.#losses.length === 0) return nothing;
    const t = this.t.chapter;
    const recorded = this.#recorded;
    const source: Source = recorded ? "recorded" : "measured";
    const said = recorded
      ? t.recordedNote(recorded.adapter, recorded.date)
      : t.measuredOn(adapterName(this.chapter.adapter));
    return html`<p class="numbers">
      <span>${MARKS[source]} ${said}</span><span>${MARKS.computed} ${this.t.hero.learner.floor}: ${t.computedNote}</span>
    </p>`;
  }

  #status(): string | TemplateResult {
    const t = this.t.hero.learner;
    switch (this.#phase) {
      case "waiting":
        return t.waiting;
      case "compiling":
        return t.compiling;
      case "running":
        return t.running(whole(this.#step), whole(PARAMS.steps));
      case "hidden":
        return t.hidden;
      case "paused":
        if (this.#step > 0) return t.paused(whole(this.#step));
        return savesData() ? t.saveData : wantsLessMotion() ? t.lessMotion : t.ready;
      case "done":
        return t.done(whole(this.#step), duration(this.#seconds));
      case "failed": {
        if (!this.#problem) return "";
        const { title, remedy } = problemText(this.#problem, this.t);
        return html`${title}. ${remedy} <span lang="en">${this.#problem.message}</span>`;
      }
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
      x: { label: t.axis, show: whole, include: [0, PARAMS.steps] },
      y: { label: t.bits, show: (v) => decimals(v, 1), include: [floor, 4.5] },
      series: [{ label: t.loss, tone: "lsh", points: means(this.#losses), dots: false }],
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

/** Means of so many losses, each at its last step; the first step stands alone. */
function means(losses: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  const drawn = losses.slice(0, 1);
  for (let i = 1; i < losses.length; i += SMOOTH) {
    const part = losses.slice(i, i + SMOOTH);
    drawn.push([part.at(-1)?.[0] ?? 0, part.reduce((sum, [, bits]) => sum + bits, 0) / part.length]);
  }
  return drawn;
}
