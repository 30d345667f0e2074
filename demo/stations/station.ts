/**
 * The contract of a station: one figure, one table, two or three sentences, one thing to try.
 *
 * A station is a lit element `reformer-station-NAME` in `stations/NN-NAME.ts`, which defines its own tag, listed in
 * `registry.ts` and loaded when it comes near the screen. Its phrases stand in `stations/NN-NAME.text.ts`: `en`, and `zh`
 * with the same keys (a missing one does not compile); `phrasesOf({ en, zh })` picks the page's language at render time.
 *
 * A subclass gives
 *   number        1 to 13; the title is in the page's dictionary
 *   words()       sentences and the "try this"
 *   columns()     the table: how a row's value is got, shown, and where it comes from. The first column names the row.
 *   figure()      one <svg class="figure"> of `this.width` CSS pixels (figures/plot.ts), drawn from state and rows
 *   controls()    inputs above the figure, if any
 *   measure()     fills the table with `this.put(row)`; runs when the station is first seen, and on "measure again".
 *                 It has the GPU for as long as it runs, and must end soon after its signal aborts. Experiments run in
 *                 the laboratory's worker: `for await (const row of this.run("name", params, signal)) this.put(row)`.
 *   compute()     what needs no GPU; runs first, without waiting for anyone
 *
 * Every number is measured, computed, recorded or reported by a paper, and says so: `source` and `how` of its column, or
 * of its row where a row has a `source` of its own; `figureSources()` for what is drawn. Without WebGPU the rows of
 * `recorded/NN.json` stand in, marked with adapter and date. A station that a page embeds by itself makes a chapter of its
 * own (chapter/shared.ts), and takes the page's language, or that of its attribute `lang`, its colours from tokens.css.
 *
 * Rows are plain JSON. What other parts of the page answer from goes into `this.chapter.findings`.
 */
import { html, nothing, type TemplateResult, unsafeCSS } from "lit";
import { adapterName, type Chapter, hasGpu } from "../chapter/chapter.js";
import { sharedChapter } from "../chapter/shared.js";
import { MARKS, type Origin, SOURCES, type Source } from "../chapter/sources.js";
import { PageElement } from "../elements/page-element.js";
import { problemText } from "../elements/problem-text.js";
import { base, controls as controlStyles } from "../elements/styles.js";
import { figureStyles } from "../figures/plot.js";
import { csv, drawingAs } from "../figures/save.js";
import { decimals } from "../format.js";
import { GaveWay, RANK, type Rank } from "../gpu-turn.js";
import { language, speaking } from "../i18n/language.js";
import type { ExperimentName, Params, Told } from "../lab/protocol.js";
import { download } from "../model-file.js";
import tokens from "../tokens.css?raw";
import { type Term, termList } from "./glossary.js";
import { recordedRows } from "./recorded.js";
import { stationStyles } from "./styles.js";

export type Value = number | string | null | undefined;

export interface Column<Row> {
  readonly key: string;
  readonly label: string;
  readonly value: (row: Row) => Value;
  /** Default: text as it is, numbers with up to three decimals. */
  readonly show?: ((value: number, row: Row) => string) | undefined;
  /** Where its numbers come from; left out for columns that name the row. */
  readonly source?: Source | ((row: Row) => Source | undefined) | undefined;
  /** How they are made, in a sentence. */
  readonly how?: string | undefined;
  /** Where what the cell names can be read. */
  readonly link?: ((row: Row) => string | undefined) | undefined;
  /** "shown": sentences that are made of numbers; "exported": those numbers. Default: both. */
  readonly only?: "shown" | "exported" | undefined;
}

export interface Words {
  readonly sentences: readonly (string | TemplateResult)[];
  /** Words that the station uses first, or that it is about. */
  readonly terms?: readonly Term[] | undefined;
  readonly tryThis: string | TemplateResult;
  /** What to see in the figure. */
  readonly caption?: string | undefined;
}

type Phase = "idle" | "waiting" | "measuring" | "done" | "stopped" | "failed";

/** The phrases of a station in its language; default: the page's. */
export const phrasesOf = <T>(
  languages: Readonly<Record<"en" | "zh", T>>,
  station?: { readonly language: "en" | "zh" },
): T => languages[station?.language ?? language()];

/** The fields that hold something. */
const knownPart = <T extends object>(row: T): Partial<T> =>
  Object.fromEntries(
    Object.entries(row).filter(([, value]) =>
      Array.isArray(value) ? value.length > 0 : value !== null && value !== undefined,
    ),
  ) as Partial<T>;

const savesData = () => (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;

export abstract class Station<Row extends object> extends PageElement {
  static override styles = [unsafeCSS(tokens), base, controlStyles, figureStyles, stationStyles];

  abstract readonly number: number;
  /** What it shares with the stations around it; made where nobody gives one before it is connected. */
  declare chapter: Chapter;
  protected abstract words(): Words;
  protected abstract columns(): readonly Column<Row>[];
  protected abstract figure(): TemplateResult | typeof nothing;
  protected abstract measure(signal: AbortSignal): Promise<void>;
  protected controls(): TemplateResult | typeof nothing {
    return nothing;
  }
  protected compute(): Promise<void> | void {}
  /** Where what the figure draws comes from, once there is something. */
  protected figureSources(): readonly Source[] {
    return [];
  }
  /** What recorded the numbers that stand here even where there is a GPU. */
  protected origins(): readonly Origin[] {
    return [];
  }
  /** Whether what was recorded is of what is set now. */
  protected get recordedFits(): boolean {
    return true;
  }
  /** Whether measuring begins by itself when the station is seen. */
  protected readonly autostart: boolean = true;

  /** CSS pixels for the figure. */
  protected width = 640;
  protected rows: readonly Row[] = [];
  #phase: Phase = "idle";
  #problem: Error | null = null;
  #abort: AbortController | null = null;
  #recorded: (Origin & { readonly rows: readonly Row[] }) | null = null;
  #seen = false;
  #stop: (() => void)[] = [];
  readonly #resized = new ResizeObserver(() => this.#measureWidth());
  readonly #watched = new IntersectionObserver((entries) => {
    if (entries.some(({ isIntersecting }) => isIntersecting)) this.#see();
  });

  override connectedCallback(): void {
    super.connectedCallback();
    if (!this.chapter) {
      const { chapter, looked } = sharedChapter();
      this.chapter = chapter;
      void looked.then(() => this.adapterFound());
    }
    this.#resized.observe(this);
    this.#watched.observe(this);
    this.#stop = [
      this.chapter.turn.watch(() => this.#phase === "waiting" && this.requestUpdate()),
      this.chapter.findings.watch(() => this.requestUpdate()),
    ];
    void this.#compute().catch((error: unknown) => this.#fail(error));
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
    this.#watched.disconnect();
    for (const stop of this.#stop) stop();
    this.#abort?.abort();
    this.#abort = null; // what is stopped here does not report
    this.#phase = "idle"; // put somewhere else, it begins anew
  }

  async #compute(): Promise<void> {
    await speaking(this.language, () => this.compute());
  }

  /** The page found out about the GPU. */
  adapterFound(): void {
    if (this.#seen) this.#see();
    this.requestUpdate();
  }

  // --- for subclasses ---

  /** Adds a row, or replaces the one of the same name. What it does not know a recorded one may. */
  protected put(row: Row): void {
    const name = this.columns()[0]?.value ?? (() => null);
    const recorded = this.recordedFits && this.#recorded?.rows.find((one) => name(one) === name(row));
    const whole = recorded ? { ...recorded, ...knownPart(row) } : row;
    const at = this.rows.findIndex((known) => name(known) === name(row));
    this.rows = at < 0 ? [...this.rows, whole] : this.rows.map((known, i) => (i === at ? whole : known));
    this.requestUpdate();
  }
  protected clear(): void {
    this.rows = [];
    this.requestUpdate();
  }
  protected run<Name extends ExperimentName>(
    name: Name,
    params: Params<Name>,
    signal: AbortSignal,
  ): AsyncGenerator<Told<Name>, void, undefined> {
    if (!this.chapter.lab) throw new Error("there is no laboratory");
    return this.chapter.lab.run(name, params, signal);
  }
  /** Whether the adapter is a software one, whose experiments must be small. */
  protected get slow(): boolean {
    const { adapter } = this.chapter;
    return typeof adapter !== "object" || adapter === null || adapter.fallback;
  }
  /** Starts measuring, in place of what this station measures now. */
  protected async begin(rank: Rank = RANK.asked): Promise<void> {
    if (!hasGpu(this.chapter)) return;
    this.#abort?.abort();
    const abort = new AbortController();
    this.#abort = abort;
    this.#recorded = null;
    for (;;) {
      this.#setPhase("waiting");
      try {
        await this.chapter.turn.use(
          `station ${this.number}`,
          rank,
          (signal) => {
            this.#setPhase("measuring");
            return this.measure(signal);
          },
          abort.signal,
        );
        if (this.#abort === abort) this.#setPhase("done");
      } catch (error) {
        if (this.#abort !== abort) return; // another measurement has taken over
        if (error instanceof GaveWay) continue; // it waits for its next turn
        if (abort.signal.aborted) this.#setPhase("stopped");
        else this.#fail(error);
      }
      return;
    }
  }
  protected get gpu(): boolean {
    return hasGpu(this.chapter);
  }

  // --- its life ---

  #see(): void {
    this.#seen = true;
    const { adapter } = this.chapter;
    if (adapter === null) return;
    if (!hasGpu(this.chapter)) {
      void this.#showRecorded();
      return;
    }
    if (this.autostart && this.#phase === "idle" && !savesData()) void this.begin(RANK.filling);
  }

  async #showRecorded(): Promise<void> {
    if (this.#recorded) return;
    const found = await recordedRows(this.number);
    if (!found) return;
    const own = this.rows;
    this.#recorded = { ...found, rows: found.rows as readonly Row[] };
    this.rows = [];
    for (const row of [...(this.recordedFits ? this.#recorded.rows : []), ...own]) this.put(row);
  }

  #setPhase(phase: Phase): void {
    this.#phase = phase;
    this.requestUpdate();
  }
  #fail(error: unknown): void {
    this.#problem = error instanceof Error ? error : new Error(String(error));
    this.#setPhase("failed");
  }
  #measureWidth(): void {
    const width = Math.floor(this.renderRoot.querySelector("figure")?.clientWidth ?? 0);
    if (width === 0 || width === this.width) return;
    this.width = width;
    this.requestUpdate();
  }

  override render() {
    const t = this.t.chapter;
    const { number } = this;
    const { sentences, terms = [], tryThis, caption } = this.words();
    const title = t.titles[number - 1] ?? "";
    return html`<section aria-labelledby="title">
      <h2 id="title"><span class="ordinal">${number}</span>${title}</h2>
      <div class="body">
        <div class="words">
          ${sentences.map((sentence) => html`<p>${sentence}</p>`)}
          ${termList(terms)}
          <p class="try"><b>${t.tryThis}</b>${tryThis}</p>
        </div>
        <div class="show">
          ${this.controls()}
          <figure>
            ${this.figure()}
            ${caption ? html`<figcaption>${caption}</figcaption>` : nothing}
          </figure>
          ${this.#marks(this.#figureSources())}
        </div>
      </div>
      ${this.#bar()} ${this.#table()}
    </section>`;
  }

  override updated(): void {
    this.#measureWidth();
  }

  #bar() {
    const t = this.t.chapter;
    const busy = this.#phase === "waiting" || this.#phase === "measuring";
    return html`<div class="progress">
      ${
        hasGpu(this.chapter)
          ? busy
            ? html`<button class="small" @click=${() => this.#abort?.abort()}>${t.cancel}</button>`
            : html`<button class="small" @click=${() => void this.begin()}>${this.rows.length > 0 ? t.again : t.begin}</button>`
          : nothing
      }
      <span class="note ${this.#phase}" role="status">${this.#status()}</span>
    </div>`;
  }

  #status(): string | TemplateResult {
    const { status, holders } = this.t.chapter;
    if (this.chapter.adapter === null) return status.looking;
    if (!hasGpu(this.chapter)) return status.noGpu;
    if (this.#problem && this.#phase === "failed") {
      const { title, remedy, own } = problemText(this.#problem, this.t);
      const said = own ? nothing : html`<span lang="en">${this.#problem.message}</span>`;
      return html`${status.failed(title)} ${remedy} ${said}`;
    }
    if (this.#phase !== "waiting" && this.#phase !== "failed") return status[this.#phase];
    const who = this.chapter.turn.state.holder ?? "";
    const [, other] = /^station (\d+)$/.exec(who) ?? [];
    if (other) return status.waiting(holders.station(other));
    return status.waiting(
      who === "hero" || who === "studio" || who === "gpu-test" ? holders[who] : holders.other,
    );
  }

  /** Where the numbers of a column come from in a row. */
  #sourceOf({ source }: Column<Row>, row: Row): Source | undefined {
    const said = (row as { source?: Source }).source;
    const own = typeof source === "function" ? source(row) : source;
    return own === "measured" && (this.#recorded || said === "recorded") ? "recorded" : own;
  }
  #figureSources(): readonly Source[] {
    const own = this.rows.length === 0 ? [] : this.figureSources();
    const now = own.map((source) => (source === "measured" && this.#recorded ? "recorded" : source));
    return SOURCES.filter((source) => now.includes(source));
  }

  /** What each mark stands for. */
  #marks(sources: readonly Source[]) {
    if (sources.length === 0) return nothing;
    return html`<p class="note legend">${sources.map((source) => html`<span><i>${MARKS[source]}</i> ${this.#legend(source)}</span>`)}</p>`;
  }

  #table() {
    const t = this.t.chapter;
    const columns = this.columns().filter(({ only }) => only !== "exported");
    const used = new Set(
      this.rows.flatMap((row) =>
        columns.map((column) => (column.value(row) != null ? this.#sourceOf(column, row) : undefined)),
      ),
    );
    return html`<div class="rows" tabindex="0" role="region" aria-label="${t.table} ${this.number}">
        <table>
          <thead>
            <tr>${columns.map(({ label }) => html`<th scope="col">${label}</th>`)}</tr>
          </thead>
          <tbody>
            ${
              this.rows.length === 0
                ? html`<tr><td class="none" colspan=${columns.length}>${t.empty}</td></tr>`
                : this.rows.map(
                    (row) => html`<tr>${columns.map((column, i) => this.#cell(column, row, i === 0))}</tr>`,
                  )
            }
          </tbody>
        </table>
      </div>
      <div class="foot">
        ${this.#marks(SOURCES.filter((source) => used.has(source)))}
        <details>
          <summary>${t.how}</summary>
          <dl>
            ${columns.map(({ label, how }) => (how ? html`<dt>${label}</dt><dd>${how}</dd>` : nothing))}
          </dl>
        </details>
        <p class="exports note">
          ${t.saveTable}
          <button class="quiet small" ?disabled=${this.rows.length === 0} @click=${() => this.saveTable("csv")}>CSV</button>
          <button class="quiet small" ?disabled=${this.rows.length === 0} @click=${() => this.saveTable("json")}>JSON</button>
          <span class="gap"></span>
          ${t.saveFigure}
          <button class="quiet small" @click=${() => void this.saveFigure("svg")}>SVG</button>
          <button class="quiet small" @click=${() => void this.saveFigure("png")}>PNG</button>
        </p>
      </div>`;
  }

  #legend(source: Source): string {
    const t = this.t.chapter;
    if (source === "measured") return t.measuredOn(adapterName(this.chapter.adapter));
    if (source === "computed") return t.computedNote;
    if (source === "reported") return t.reportedNote;
    const all = [...(this.#recorded ? [this.#recorded] : []), ...this.origins()];
    return [...new Set(all.map(({ adapter, date }) => t.recordedNote(adapter, date)))].join("; ");
  }

  #cell(column: Column<Row>, row: Row, first: boolean) {
    const value = column.value(row);
    const shown =
      typeof value === "number"
        ? Number.isFinite(value)
          ? (column.show ?? ((v) => decimals(v, v % 1 === 0 ? 0 : 3)))(value, row)
          : "–"
        : (value ?? "–");
    const link = column.link?.(row);
    const named = link ? html`<a href=${link}>${shown}</a>` : shown;
    if (first) return html`<th scope="row">${named}</th>`;
    const source = value === null || value === undefined ? undefined : this.#sourceOf(column, row);
    return html`<td class=${typeof value === "number" ? "number" : "text"}>${
      source
        ? html`<i class="mark" title=${this.#legend(source)}>${MARKS[source]}<span class="visually-hidden">${this.t.chapter.sources[source]} </span></i>`
        : nothing
    }${named}</td>`;
  }

  // --- to keep ---

  /** The table as text; numbers as they are, not as they are shown. */
  tableAs(kind: "csv" | "json"): string {
    return speaking(this.language, () => this.#tableAs(kind));
  }
  #tableAs(kind: "csv" | "json"): string {
    const columns = this.columns().filter(({ only }) => only !== "shown");
    const cells = this.rows.map((row) => columns.map((column) => column.value(row) ?? null));
    const sources = this.rows.map((row, r) =>
      columns.map((column, c) => (cells[r]?.[c] === null ? null : (this.#sourceOf(column, row) ?? null))),
    );
    if (kind === "csv") {
      const head = columns.flatMap(({ key, source }) => (source ? [key, `${key} is`] : [key]));
      const body = cells.map((row, r) =>
        row.flatMap((value, c) => (columns[c]?.source ? [value, sources[r]?.[c]] : [value])),
      );
      return csv([head, ...body]);
    }
    return `${JSON.stringify(
      {
        station: this.number,
        title: this.t.chapter.titles[this.number - 1],
        date: new Date().toISOString(),
        adapter: this.#recorded?.adapter ?? adapterName(this.chapter.adapter),
        ...(this.#recorded && { recorded: this.#recorded.date }),
        columns: columns.map(({ key, label, how }) => ({ key, label, ...(how && { how }) })),
        rows: cells.map((row, r) =>
          Object.fromEntries(
            row.map((value, c) => [
              columns[c]?.key,
              columns[c]?.source ? { value, source: sources[r]?.[c] } : value,
            ]),
          ),
        ),
        data: this.rows,
      },
      null,
      1,
    )}\n`;
  }
  saveTable(kind: "csv" | "json"): void {
    const type = kind === "csv" ? "text/csv;charset=utf-8" : "application/json";
    download(new Blob([this.tableAs(kind)], { type }), `reformer-table-${this.number}.${kind}`);
  }
  async saveFigure(kind: "svg" | "png"): Promise<void> {
    const figure = this.renderRoot.querySelector("figure");
    const drawing = figure?.querySelector<SVGSVGElement>("svg.figure");
    if (!figure || !drawing) return;
    const paper = getComputedStyle(figure).backgroundColor;
    download(await drawingAs(kind, drawing, paper), `reformer-figure-${this.number}.${kind}`);
  }
}
