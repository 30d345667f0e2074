import { css, html, nothing, type TemplateResult } from "lit";
import { adapterName, type Chapter, hasGpu } from "../chapter/chapter.js";
import { MARKS, type Origin, type Source } from "../chapter/sources.js";
import { PageElement } from "../elements/page-element.js";
import { problemText } from "../elements/problem-text.js";
import { base, controls } from "../elements/styles.js";
import { duration, whole } from "../format.js";
import { GaveWay, RANK } from "../gpu-turn.js";
import type { Told } from "../lab/protocol.js";
import { savesData, wantsLessMotion } from "../wishes.js";
import { CERTAIN, lastMean, learnerFigureStyles, learningCurve, wordStrip } from "./learner-figures.js";

type Told1 = Told<"duplication">;
type View = Extract<Told1, { kind: "view" }>;
type Start = Extract<Told1, { kind: "start" }>;

const PARAMS = { letters: 16, word: 15, rounds: 4, steps: 240 } as const;
/** Symbols of a sequence: two words and what separates them. */
const SYMBOLS = 2 * (PARAMS.word + 1);
/** Bits per symbol of a perfect copy, before an experiment says so: only the first word costs any. */
const FLOOR = (Math.log2(PARAMS.letters) * PARAMS.word) / SYMBOLS;

type Phase = "waiting" | "compiling" | "running" | "paused" | "hidden" | "done" | "failed" | "off";

/** A tiny Reformer that learns the duplication task by itself while nobody else wants the GPU. */
export class TinyLearner extends PageElement {
  static override styles = [
    base,
    controls,
    ...learnerFigureStyles,
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
  /** The seed of the model that is there; 0: none. */
  #started = 0;
  #seconds = 0;
  #recorded: Origin | null = null;
  /** Whether it takes one step only. */
  #single = false;
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
  /** A hidden page learns nothing; seen again it goes on, unless the reader had paused, but for one step. */
  readonly #onHidden = () => {
    if (document.hidden) this.#pause(this.#single ? "paused" : "hidden");
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
    const { turn } = this.chapter;
    if (!this.chapter.lab) return;
    this.#abort?.abort();
    const abort = new AbortController();
    [this.#abort, this.#single] = [abort, most === 1];
    this.#set("waiting");
    while (!abort.signal.aborted) {
      try {
        await turn.use("hero", RANK.hero, (signal) => this.#take(most, signal), abort.signal);
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

  /** Takes steps. Those that had begun when the signal aborts are told after it, and are of the curve as the others. */
  async #take(most: number, signal: AbortSignal): Promise<void> {
    const { lab } = this.chapter;
    if (!lab) return;
    this.#set(this.#started === this.#seed ? "running" : "compiling");
    let began: number | null = null; // once it is compiled
    try {
      for await (const told of lab.run("duplication", { ...PARAMS, seed: this.#seed, most }, signal)) {
        if (told.kind === "start") began = performance.now();
        this.#note(told);
        if (told.kind === "step" && !signal.aborted) this.#phase = "running";
      }
    } finally {
      if (began !== null) this.#seconds += (performance.now() - began) / 1000;
    }
  }

  #note(told: Told1): void {
    if (told.kind === "view") this.#view = told;
    else if (told.kind === "start") {
      [this.#start, this.#started] = [told, this.#seed];
      this.#step = told.step;
      this.#losses = this.#losses.filter(([step]) => step <= told.step); // none, where it begins afresh
      if (told.step === 0) this.#seconds = 0;
    } else {
      if (this.#step === 0) performance.mark("first-learning-step");
      this.#step = told.step;
      this.#losses = [...this.#losses, [told.step, told.bits]];
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
      <div class="plot">
        ${learningCurve(t, this.#losses, { width: this.#width, steps: PARAMS.steps, floor: this.#floor })}
      </div>
      ${this.#view ? wordStrip(t, this.#view, this.#start?.parameters ?? null) : nothing} ${this.#sources()}
    `;
  }

  get #floor(): number {
    return this.#start?.floor ?? FLOOR;
  }
  /** Whether a letter of the copy costs it so little, on average, that it is certain. */
  get #hasLearned(): boolean {
    return ((lastMean(this.#losses) - this.#floor) * SYMBOLS) / PARAMS.word < CERTAIN;
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
      <span>${MARKS[source]} ${said}</span><span>${MARKS.computed} ${t.named(this.t.hero.learner.floor, t.computedNote)}</span>
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
        return (this.#hasLearned ? t.done : t.unlearned)(whole(this.#step), duration(this.#seconds));
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
}
