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
 * Every number is measured, computed, recorded or reported by a paper, and says so: `source`, `origin` and `how` of its
 * column (table.ts); `figureSources()` for what is drawn. Without WebGPU the rows of
 * `recorded/NN.json` stand in, marked with adapter and date. A station that a page embeds by itself makes a chapter of its
 * own (chapter/shared.ts), and takes the page's language, or that of its attribute `lang`, its colours from tokens.css.
 *
 * Rows are plain JSON. What other parts of the page answer from goes into `this.chapter.findings`.
 */
import { html, nothing, type PropertyValues, type TemplateResult, unsafeCSS } from "lit";
import { adapterName, type Chapter, hasGpu } from "../chapter/chapter.js";
import { sharedChapter } from "../chapter/shared.js";
import type { Origin, Source } from "../chapter/sources.js";
import { PageElement } from "../elements/page-element.js";
import { base, controls as controlStyles } from "../elements/styles.js";
import { figureStyles } from "../figures/plot.js";
import { csvFile, drawingAs } from "../figures/save.js";
import { RANK, type Rank } from "../gpu-turn.js";
import { language, speaking } from "../i18n/language.js";
import type { ExperimentName, Params, Told } from "../lab/protocol.js";
import { download } from "../model-file.js";
import tokens from "../tokens.css?raw";
import { savesData } from "../wishes.js";
import { type Term, termList } from "./glossary.js";
import { type From, Legend } from "./legend.js";
import { Measurement } from "./measurement.js";
import { recordedRows } from "./recorded.js";
import { stationStyles } from "./styles.js";
import { type Column, cellFrom, fromOf, tableAsCsv, tableAsJson, type Value } from "./table.js";
import { howMade, tableView } from "./table-view.js";

export interface Words {
  readonly sentences: readonly (string | TemplateResult)[];
  /** Words that the station uses first, or that it is about. */
  readonly terms?: readonly Term[] | undefined;
  readonly tryThis: string | TemplateResult;
  /** What to see in the figure. */
  readonly caption?: string | undefined;
}

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
  /** Where what the figure draws comes from, once there is something; an origin stands for what it recorded. */
  protected figureSources(): readonly (Source | Origin)[] {
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
  readonly #measurement = new Measurement(() => this.requestUpdate());
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
      this.chapter.turn.watch(() => this.#measurement.phase === "waiting" && this.requestUpdate()),
      this.chapter.findings.watch(() => this.requestUpdate()),
    ];
    void this.#compute().catch((error: unknown) => this.#measurement.fail(error));
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
    this.#watched.disconnect();
    for (const stop of this.#stop) stop();
    this.#measurement.reset(); // put somewhere else, it begins anew
  }

  /** Some figures show words until something has been measured: then there is no drawing to save. */
  protected override updated(changes: PropertyValues): void {
    super.updated(changes);
    const drawn = this.renderRoot.querySelector("figure svg.figure") !== null;
    for (const button of this.renderRoot.querySelectorAll<HTMLButtonElement>("button.drawing"))
      button.disabled = !drawn;
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
    const name = this.#nameOf(row);
    const recorded = this.recordedFits && this.#recorded?.rows.find((one) => this.#nameOf(one) === name);
    const whole = recorded ? { ...recorded, ...knownPart(row) } : row;
    const at = this.rows.findIndex((known) => this.#nameOf(known) === name);
    this.rows = at < 0 ? [...this.rows, whole] : this.rows.map((known, i) => (i === at ? whole : known));
    this.requestUpdate();
  }
  protected clear(): void {
    this.rows = [];
    this.requestUpdate();
  }
  /** What an experiment tells until the signal aborts: what comes later is of settings that are no more. */
  protected async *run<Name extends ExperimentName>(
    name: Name,
    params: Params<Name>,
    signal: AbortSignal,
  ): AsyncGenerator<Told<Name>, void, undefined> {
    if (!this.chapter.lab) throw new Error("there is no laboratory");
    for await (const told of this.chapter.lab.run(name, params, signal)) {
      signal.throwIfAborted();
      yield told;
    }
  }
  /** Whether the adapter is a software one, whose experiments must be small. */
  protected get slow(): boolean {
    const { adapter } = this.chapter;
    return typeof adapter !== "object" || adapter === null || adapter.fallback;
  }
  /** Starts measuring, in place of what this station measures now. */
  protected async begin(rank: Rank = RANK.asked): Promise<void> {
    if (!hasGpu(this.chapter)) return;
    if (this.#recorded) {
      // A GPU has come after all: what stood in for it goes.
      this.#recorded = null;
      this.clear();
      void this.#compute().catch((error: unknown) => this.#measurement.fail(error));
    }
    await this.#measurement.begin(this.chapter.turn, `station ${this.number}`, rank, (signal) =>
      this.measure(signal),
    );
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
    if (this.autostart && this.#measurement.phase === "idle" && !savesData()) void this.begin(RANK.filling);
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
  #nameOf(row: Row): Value {
    return this.columns()[0]?.value(row);
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
    const columns = this.columns().filter(({ only }) => only !== "exported");
    const drawn = this.#drawnFrom();
    const told = this.rows.flatMap((row) =>
      columns.flatMap((column) => cellFrom(column, row, this.#recorded) ?? []),
    );
    const legend = new Legend([...drawn, ...told], adapterName(this.chapter.adapter), t);
    const label = `${t.table} ${number}`;
    return html`<section aria-labelledby="title">
      <h2 id="title"><span class="ordinal">${number}</span>${t.titles[number - 1] ?? ""}</h2>
      <div class="body">
        <div class="words">
          ${sentences.map((sentence) => html`<p>${sentence}</p>`)}
          ${termList(terms, this.language)}
          <p class="try"><b>${t.tryThis}</b>${tryThis}</p>
        </div>
        <div class="show">
          ${this.controls()}
          <figure>
            ${this.figure()}
            ${caption ? html`<figcaption>${caption}</figcaption>` : nothing}
          </figure>
          ${legend.line(drawn)}
        </div>
      </div>
      ${this.#bar()}
      ${tableView({ label, columns, rows: this.rows, recorded: this.#recorded, legend }, t)}
      <div class="foot">${legend.line(told)} ${howMade(columns, t)} ${this.#exports()}</div>
    </section>`;
  }

  #drawnFrom(): readonly From[] {
    if (this.rows.length === 0) return [];
    return this.figureSources().flatMap(
      (from) =>
        (typeof from === "string" ? fromOf(from, this.#recorded) : { source: "recorded", origin: from }) ??
        [],
    );
  }

  #bar() {
    const t = this.t.chapter;
    const { busy, phase } = this.#measurement;
    return html`<div class="progress">
      ${
        !this.gpu
          ? nothing
          : busy
            ? html`<button class="small" @click=${() => this.#measurement.stop()}>${t.cancel}</button>`
            : html`<button class="small" @click=${() => void this.begin()}>${this.rows.length > 0 ? t.again : t.begin}</button>`
      }
      <span class="note ${phase}" role="status">${this.#status()}</span>
    </div>`;
  }

  #status(): string | TemplateResult {
    const { status } = this.t.chapter;
    if (this.chapter.adapter === null) return status.looking;
    return this.gpu ? this.#measurement.text(this.chapter.turn, this.t) : status.noGpu;
  }

  #exports() {
    const t = this.t.chapter;
    const table = (kind: "csv" | "json") =>
      html`<button class="quiet small" ?disabled=${this.rows.length === 0} @click=${() => this.saveTable(kind)}>${kind.toUpperCase()}</button>`;
    const figure = (kind: "svg" | "png") =>
      html`<button class="quiet small drawing" @click=${() => void this.saveFigure(kind)}>${kind.toUpperCase()}</button>`;
    return html`<p class="exports note">
      <span>${t.saveTable} ${table("csv")} ${table("json")}</span>
      <span>${t.saveFigure} ${figure("svg")} ${figure("png")}</span>
    </p>`;
  }

  // --- to keep ---

  /** The table as text; numbers as they are, not as they are shown. */
  tableAs(kind: "csv" | "json"): string {
    return speaking(this.language, () => this.#tableAs(kind));
  }
  #tableAs(kind: "csv" | "json"): string {
    const saved = {
      station: this.number,
      title: this.t.chapter.titles[this.number - 1] ?? "",
      columns: this.columns().filter(({ only }) => only !== "shown"),
      rows: this.rows,
      adapter: adapterName(this.chapter.adapter),
      recorded: this.#recorded,
    };
    return kind === "csv" ? tableAsCsv(saved) : tableAsJson(saved);
  }
  saveTable(kind: "csv" | "json"): void {
    const text = this.tableAs(kind);
    const file = kind === "csv" ? csvFile(text) : new Blob([text], { type: "application/json" });
    download(file, `reformer-table-${this.number}.${kind}`);
  }
  async saveFigure(kind: "svg" | "png"): Promise<void> {
    const figure = this.renderRoot.querySelector("figure");
    const drawing = figure?.querySelector<SVGSVGElement>("svg.figure");
    if (!figure || !drawing) return;
    const paper = getComputedStyle(figure).backgroundColor;
    download(await drawingAs(kind, drawing, paper), `reformer-figure-${this.number}.${kind}`);
  }
}
