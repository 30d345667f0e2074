import { html, nothing, type PropertyValues, render, unsafeCSS } from "lit";
import uPlot from "uplot";
import uplotStyles from "uplot/dist/uPlot.min.css?inline";
import { type CurvePoint, nearest, smooth } from "../curve.js";
import { figureStyles, linePlot } from "../figures/plot.js";
import { drawingAs } from "../figures/save.js";
import { decimals, whole } from "../format.js";
import { download } from "../model-file.js";
import { watchTheme } from "../theme.js";
import { HEIGHT, lossChartStyles } from "./loss-chart-styles.js";
import { SessionElement } from "./page-element.js";
import { base, controls } from "./styles.js";

type Unit = "bits" | "loss";
const ROWS = 12;
/** Of a saved curve, in CSS pixels. */
const SAVED_WIDTH = 800;
/** Steps between marks of the axis: 1, 2, 5, 10, … */
const STEP_MARKS = [1, 10, 100, 1e3, 1e4, 1e5].flatMap((power) => [power, 2 * power, 5 * power]);

/** Loss or bits per character against step, of the text trained on and of the held-out text. */
export class LossChart extends SessionElement {
  static override styles = [unsafeCSS(uplotStyles), base, controls, figureStyles, lossChartStyles];

  #unit: Unit = "bits";
  #asTable = false;
  #plot: uPlot | null = null;
  /** CSS pixels of the plot, as it was laid out last; to ask in the middle of an update would lay out the page. */
  #width = 0;
  #hovered: number | null = null;
  #stopTheme: (() => void) | undefined;
  readonly #resized = new ResizeObserver(() => this.#resize());

  override connectedCallback(): void {
    super.connectedCallback();
    this.#resized.observe(this);
    this.#stopTheme = watchTheme(() => this.#remake());
  }
  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.#resized.disconnect();
    this.#stopTheme?.();
    this.#plot?.destroy();
    this.#plot = null;
  }

  override render() {
    const t = this.t.chart;
    const { train, heldOut } = this.session.curve;
    const value = (point: CurvePoint | undefined) => (point ? decimals(point[this.#unit], 3) : "–");
    const last = train.at(-1);
    const at = this.#hovered ?? last?.step;
    const shown = nearest(train, at);
    const shownHeldOut = nearest(heldOut, at);
    const summary = t.summary(whole(last?.step ?? 0), value(last), value(heldOut.at(-1)));
    return html`
      <header>
        <h2>${t.title}</h2>
        <label class="visually-hidden" for="unit">${t.unit}</label>
        <select id="unit" @change=${this.#changeUnit}>
          <option value="bits" ?selected=${this.#unit === "bits"}>${t.bits}</option>
          <option value="loss" ?selected=${this.#unit === "loss"}>${t.loss}</option>
        </select>
        <button class="quiet" ?disabled=${!last} @click=${this.#toggleTable}>
          ${this.#asTable ? t.asChart : t.asTable}
        </button>
      </header>
      <p class="legend number">
        <span><span class="key train"></span>${t.train} <b>${value(shown)}</b></span>
        <span><span class="key held-out"></span>${t.heldOut} <b>${value(shownHeldOut)}</b></span>
        ${shown ? html`<span>${t.step} <b>${whole(shown.step)}</b></span>` : nothing}
      </p>
      ${this.#asTable ? this.#table() : nothing}
      <div class="plot probe" role="img" aria-label=${last ? summary : t.empty} ?hidden=${this.#asTable}>
        ${last ? nothing : html`<p class="empty note">${t.empty}</p>`}
      </div>
      <p class="exports note">
        ${this.t.chapter.saveFigure}
        <button class="quiet small" ?disabled=${!last} @click=${() => void this.#save("svg")}>SVG</button>
        <button class="quiet small" ?disabled=${!last} @click=${() => void this.#save("png")}>PNG</button>
      </p>
    `;
  }

  #table() {
    const t = this.t.chart;
    const { train, heldOut } = this.session.curve;
    const stride = Math.max(1, Math.ceil(train.length / ROWS));
    const rows = train.filter((_, i) => (train.length - 1 - i) % stride === 0);
    return html`<div class="rows" tabindex="0" role="region" aria-label=${t.title}>
      <table>
        <thead>
          <tr>
            <th scope="col">${t.step}</th>
            <th scope="col">${t.train}</th>
            <th scope="col">${t.heldOut}</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map((point) => {
            const unseen = nearest(heldOut, point.step);
            return html`<tr>
              <th scope="row">${whole(point.step)}</th>
              <td>${decimals(point[this.#unit], 3)}</td>
              <td>${unseen ? decimals(unseen[this.#unit], 3) : "–"}</td>
            </tr>`;
          })}
        </tbody>
      </table>
    </div>`;
  }

  override updated(changes: PropertyValues): void {
    super.updated(changes);
    const { train } = this.session.curve;
    if (train.length === 0) {
      this.#plot?.destroy();
      this.#plot = null;
    } else if (this.#plot) {
      this.#plot.setData(this.#data());
    } else if (!this.#asTable) {
      this.#make();
    }
  }

  #data(): uPlot.AlignedData {
    const { train, heldOut } = this.session.curve;
    const x = train.map((point) => point.step);
    const y = train.map((point) => point[this.#unit]);
    const unseen = heldOut.map((point) => point[this.#unit]);
    return uPlot.join([
      [x, y, smooth(y)],
      [heldOut.map((point) => point.step), unseen],
    ]) as uPlot.AlignedData;
  }

  #make(): void {
    const target = this.renderRoot.querySelector<HTMLElement>(".plot");
    if (!target || this.#width === 0) return;
    const color = (selector: string, property: "color" | "borderTopColor" = "color") => {
      const found = this.renderRoot.querySelector(selector);
      return found ? getComputedStyle(found)[property] : "gray";
    };
    const [train, heldOut] = [color(".key.train"), color(".key.held-out")];
    const [text, line] = [color(".probe"), color(".probe", "borderTopColor")];
    const font = `12px ${getComputedStyle(this).fontFamily}`;
    const axis = { stroke: text, font, grid: { stroke: line, width: 1 }, ticks: { show: false }, gap: 6 };
    const digits = (splits: number[]) => ((splits[1] ?? 1) - (splits[0] ?? 0) < 0.1 ? 2 : 1);
    this.#plot = new uPlot(
      {
        width: this.#width,
        height: HEIGHT,
        padding: [8, 20, 0, 0], // half of the last step's number stands beyond the plot
        legend: { show: false },
        cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
        scales: { x: { time: false }, y: { range: (_, min, max) => padded(min, max) } },
        axes: [
          {
            ...axis,
            incrs: STEP_MARKS,
            values: (_, splits) => splits.map(whole),
            size: 30,
          },
          { ...axis, values: (_, splits) => splits.map((s) => decimals(s, digits(splits))), size: 42 },
        ],
        series: [
          {},
          { stroke: train, width: 1, alpha: 0.28, points: { show: false }, spanGaps: true },
          { stroke: train, width: 2, points: { show: false }, spanGaps: true },
          { stroke: heldOut, width: 2, spanGaps: true, points: { show: true, size: 6, fill: heldOut } },
        ],
        hooks: { setCursor: [(plot) => this.#hover(plot)] },
      },
      this.#data(),
      target,
    );
  }

  /** The curve as a drawing, which is laid out for as long as it takes to save it. */
  async #save(kind: "svg" | "png"): Promise<void> {
    const t = this.t.chart;
    const { train, heldOut } = this.session.curve;
    const unit = this.#unit;
    const smoothed = smooth(train.map((point) => point[unit]));
    const place = document.createElement("div");
    place.className = "drawn";
    this.renderRoot.append(place);
    try {
      render(
        linePlot({
          width: SAVED_WIDTH,
          title: t.title,
          x: { label: t.step, show: whole },
          y: { label: t[unit], show: (value) => decimals(value, 2) },
          series: [
            {
              ...{ label: t.train, tone: "lsh", dots: false },
              points: train.map(({ step }, i) => [step, smoothed[i] ?? 0]),
            },
            {
              ...{ label: t.heldOut, tone: "full" },
              points: heldOut.map((point) => [point.step, point[unit]]),
            },
          ],
        }),
        place,
      );
      const drawing = place.querySelector("svg");
      if (!drawing) return;
      const paper = getComputedStyle(place).backgroundColor;
      download(await drawingAs(kind, drawing, paper), `reformer-learning-curve.${kind}`);
    } catch (error) {
      this.session.fail(error);
    } finally {
      place.remove();
    }
  }

  #remake(): void {
    this.#plot?.destroy();
    this.#plot = null;
    this.requestUpdate();
  }

  #resize(): void {
    const width = this.renderRoot.querySelector(".plot")?.clientWidth ?? 0;
    if (width === 0 || width === this.#width) return;
    this.#width = width;
    if (this.#plot) this.#plot.setSize({ width, height: HEIGHT });
    else this.requestUpdate();
  }

  #hover(plot: uPlot): void {
    const index = plot.cursor.idx;
    const step = typeof index === "number" ? (plot.data[0][index] ?? null) : null;
    if (step === this.#hovered) return;
    this.#hovered = step;
    this.requestUpdate();
  }

  readonly #changeUnit = (event: Event) => {
    this.#unit = (event.target as HTMLSelectElement).value === "loss" ? "loss" : "bits";
    this.requestUpdate();
  };
  readonly #toggleTable = () => {
    this.#asTable = !this.#asTable;
    this.requestUpdate();
  };
}

function padded(min: number | null, max: number | null): [number, number] {
  const [low, high] = [min ?? 0, max ?? 1];
  const margin = Math.max((high - low) * 0.08, 0.02);
  return [Math.max(0, low - margin), high + margin];
}
