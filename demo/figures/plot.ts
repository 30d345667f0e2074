/** Line and bar figures as SVG, labelled where the eye is. Sizes in CSS pixels; colours by class, see `figureStyles`. */
import { css, nothing, type SVGTemplateResult, svg } from "lit";
import { spreadNames } from "./labels.js";
import { linesOf, widthOf } from "./text-width.js";

export interface Series {
  readonly label: string;
  /** Class of its colour: "lsh", "full", "other", "quiet", or "tone-0" to "tone-7". */
  readonly tone: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean | undefined;
  /** Marks at the points; default true up to 40 of them. */
  readonly dots?: boolean | undefined;
}

export interface AxisOptions {
  readonly label: string;
  readonly log?: boolean | undefined;
  /** Marks at multiples of powers of two, for bytes. */
  readonly binary?: boolean | undefined;
  readonly show: (value: number) => string;
  /** Where marks may stand; default: round numbers. */
  readonly ticks?: readonly number[] | undefined;
  /** The least range. */
  readonly include?: readonly number[] | undefined;
}

export interface LinePlot {
  readonly width: number;
  readonly height?: number | undefined;
  readonly title: string;
  readonly x: AxisOptions;
  readonly y: AxisOptions;
  readonly series: readonly Series[];
  /** Horizontal lines across the plot. */
  readonly lines?:
    | readonly { readonly y: number; readonly label: string; readonly tone: string }[]
    | undefined;
}

export const figureStyles = css`
  svg.figure {
    display: block;
    max-width: 100%;
    overflow: visible;
    font: 12px var(--sans);
    font-variant-numeric: tabular-nums;
  }
  .figure text {
    fill: var(--muted);
  }
  .figure text.strong {
    fill: var(--ink);
  }
  .figure .grid {
    stroke: var(--line);
    stroke-width: 1;
  }
  .figure .curve {
    fill: none;
    stroke: var(--tone);
    stroke-width: 2;
    stroke-linejoin: round;
    stroke-linecap: round;
  }
  .figure .dashed {
    stroke-dasharray: 5 4;
  }
  .figure .dot,
  .figure .bar {
    fill: var(--tone);
  }
  .figure text.named {
    fill: var(--tone);
    font-weight: 600;
    /* Readable on a line that crosses it. */
    paint-order: stroke;
    stroke: var(--paper);
    stroke-width: 3px;
    stroke-linejoin: round;
  }
  .lsh {
    --tone: var(--lsh);
  }
  .full {
    --tone: var(--full);
  }
  .other {
    --tone: light-dark(oklch(45% 0.1 150), oklch(76% 0.1 150));
  }
  .quiet {
    --tone: var(--muted);
  }
  .tone-0 { --tone: light-dark(oklch(40% 0.11 245), oklch(82% 0.09 235)); }
  .tone-1 { --tone: light-dark(oklch(50% 0.11 205), oklch(74% 0.09 205)); }
  .tone-2 { --tone: light-dark(oklch(52% 0.1 160), oklch(78% 0.1 160)); }
  .tone-3 { --tone: light-dark(oklch(55% 0.11 100), oklch(82% 0.1 100)); }
  .tone-4 { --tone: light-dark(oklch(54% 0.145 42), oklch(77% 0.125 62)); }
  .tone-5 { --tone: light-dark(oklch(48% 0.14 10), oklch(74% 0.12 15)); }
  .tone-6 { --tone: light-dark(oklch(46% 0.13 330), oklch(76% 0.11 330)); }
  .tone-7 { --tone: light-dark(oklch(46% 0.02 240), oklch(72% 0.016 230)); }
`;

/** Height of a bar with its space, and of a line of a name, in CSS pixels. */
const [BAR, NAME] = [28, 16];

interface Scale {
  (value: number): number;
  readonly ticks: readonly number[];
}

const LOG_STEPS = [1, 2, 5];

function scaleOf(
  axis: AxisOptions,
  values: readonly number[],
  from: number,
  to: number,
  room: number,
): Scale {
  const finite = [...values, ...(axis.include ?? [])].filter(
    (v) => Number.isFinite(v) && (!axis.log || v > 0),
  );
  let [min, max] = [Math.min(...finite), Math.max(...finite)];
  if (finite.length === 0) [min, max] = axis.log ? [1, 10] : [0, 1];
  if (min === max) [min, max] = axis.log ? [min / 2, max * 2] : [min - 0.5, max + 0.5];
  const read = axis.log ? Math.log : (v: number) => v;
  let ticks: readonly number[];
  if (axis.ticks) ticks = axis.ticks.filter((t) => t >= min && t <= max);
  else if (axis.log) {
    const powers = Array.from({ length: 40 }, (_, i) => 10 ** (i - 12));
    ticks = powers
      .flatMap((p) => LOG_STEPS.map((s) => s * p))
      .filter((t) => t >= min * 0.999 && t <= max * 1.001);
    if (ticks.length > room) ticks = ticks.filter((t) => Math.abs(Math.log10(t) % 1) < 1e-9);
  } else {
    const raw = (max - min) / Math.max(2, room);
    const power = 10 ** Math.floor(Math.log10(raw));
    const step = axis.binary
      ? 2 ** Math.ceil(Math.log2(raw))
      : ([1, 2, 5, 10].find((s) => s * power >= raw) ?? 10) * power;
    min = Math.floor(min / step + 1e-9) * step;
    max = Math.ceil(max / step - 1e-9) * step;
    ticks = Array.from({ length: Math.round((max - min) / step) + 1 }, (_, i) => min + i * step);
  }
  const [low, high] = [read(min), read(max)];
  const every = Math.max(1, Math.ceil(ticks.length / room));
  return Object.assign(
    (value: number) =>
      from +
      ((read(Math.max(value, axis.log ? Number.MIN_VALUE : value)) - low) / (high - low)) * (to - from),
    { ticks: ticks.filter((_, i) => i % every === 0) },
  );
}

/** Lines with their names at their ends. */
export function linePlot(options: LinePlot): SVGTemplateResult {
  const { width, title, x, y, series, lines = [] } = options;
  const height = options.height ?? Math.round(Math.min(340, Math.max(220, width * 0.5)));
  const shown = series.filter(({ points }) => points.length > 0);
  const ys = [...shown.flatMap(({ points }) => points.map((p) => p[1])), ...lines.map((line) => line.y)];
  const names = Math.max(0, ...series.map(({ label }) => widthOf(label, "bold"))) + 14;
  const beside = names < width * 0.34; // else the names stand above the plot
  const [top, bottom] = [beside ? 22 : 26 + 16 * series.length, height - 38];
  const ry = scaleOf(y, ys, bottom, top, Math.floor((bottom - top) / 34));
  const left = Math.max(30, ...ry.ticks.map((t) => widthOf(y.show(t)) + 10));
  const right = width - (beside ? names : 10);
  const rx = scaleOf(
    x,
    shown.flatMap(({ points }) => points.map((p) => p[0])),
    left,
    right,
    Math.floor((right - left) / 58),
  );
  const ends = shown
    .map((one) => ({ one, at: ry(one.points.at(-1)?.[1] ?? 0), end: rx(one.points.at(-1)?.[0] ?? 0) }))
    .sort((a, b) => a.at - b.at);
  const column = shown.length > 2 && beside; // many names stand in one column
  const places = spreadNames(
    ends.map(({ at }) => at),
    bottom,
  );
  return svg`<svg class="figure" width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img" aria-label=${title}>
    ${ry.ticks.map(
      (t) => svg`<line class="grid" x1=${left} x2=${right} y1=${ry(t)} y2=${ry(t)}></line>
        <text x=${left - 6} y=${ry(t) + 4} text-anchor="end">${y.show(t)}</text>`,
    )}
    ${rx.ticks.map((t) => {
      const shown = x.show(t);
      const at = Math.min(rx(t), width - widthOf(shown) / 2);
      return svg`<text x=${at} y=${bottom + 17} text-anchor="middle">${shown}</text>`;
    })}
    <text x=${left - 6} y="12" text-anchor="start">${y.label}</text>
    <text x=${right} y=${height - 4} text-anchor="end">${x.label}</text>
    ${lines.map((line) => {
      const at = ry(line.y);
      const name = linesOf(line.label, right - left - 4, "bold");
      const above = at - 5 - NAME * (name.length - 1);
      const first = above > top + 2 ? above : at + NAME; // over the plot stand other names
      return svg`<g class=${line.tone}><line class="curve dashed" x1=${left} x2=${right} y1=${at} y2=${at}></line>
        ${name.map((part, i) => svg`<text class="named" x=${left + 4} y=${first + NAME * i}>${part}</text>`)}</g>`;
    })}
    ${shown.map(
      ({ tone, points, dashed, dots }) => svg`<g class=${tone}>
        <polyline class="curve ${dashed ? "dashed" : ""}" points=${points.map(([px, py]) => `${rx(px).toFixed(1)},${ry(py).toFixed(1)}`).join(" ")}></polyline>
        ${(dots ?? points.length <= 40) ? points.map(([px, py]) => svg`<circle class="dot" cx=${rx(px)} cy=${ry(py)} r="3"></circle>`) : nothing}
      </g>`,
    )}
    ${
      beside
        ? ends.map(
            ({ one, end }, i) =>
              svg`<text class="named ${one.tone}" x=${(column ? right : end) + 8} y=${(places[i] ?? 0) + 4}>${one.label}</text>`,
          )
        : series.map(
            (
              { label, tone },
              i,
            ) => svg`<g class=${tone}><line class="curve" x1=${left} x2=${left + 16} y1=${26 + 16 * i} y2=${26 + 16 * i}></line>
              <text class="named" x=${left + 22} y=${30 + 16 * i}>${label}</text></g>`,
          )
    }
  </svg>`;
}

export interface Bar {
  readonly label: string;
  readonly parts: readonly {
    readonly tone: string;
    readonly value: number;
    readonly label?: string | undefined;
  }[];
  /** Beside the bar's end. */
  readonly note: string;
}

export interface BarPlot {
  readonly width: number;
  readonly title: string;
  readonly bars: readonly Bar[];
  /** A line down through all bars. */
  readonly limit?: { readonly value: number; readonly label: string } | undefined;
  /** The end of the scale where no bar is longer. */
  readonly atLeast?: number | undefined;
}

/** Horizontal bars, each a stack of parts, under its name. */
export function barPlot({ width, title, bars, limit, atLeast = 0 }: BarPlot): SVGTemplateResult {
  const sum = ({ parts }: Bar) => parts.reduce((total, { value }) => total + value, 0);
  const noted = Math.max(0, ...bars.map(({ note }) => widthOf(note))) + 14;
  const right = Math.max(80, width - noted);
  const longest = Math.max(atLeast, limit?.value ?? 0, ...bars.map(sum)) || 1;
  const at = (value: number) => (value / longest) * right;
  const names = bars.map(({ label }) => linesOf(label, width));
  const top = limit ? 20 : 0;
  const height = names.reduce((total, lines) => total + NAME * lines.length + BAR, top);
  let y = top;
  return svg`<svg class="figure" width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img" aria-label=${title}>
    ${bars.map((bar, i) => {
      const lines = names[i] ?? [];
      const name = y + 13;
      const over = y + NAME * lines.length + 3;
      y += NAME * lines.length + BAR;
      let from = 0;
      return svg`${lines.map((line, l) => svg`<text class="strong" x="0" y=${name + NAME * l}>${line}</text>`)}
        ${bar.parts.map(({ tone, value, label }) => {
          const start = from;
          from += value;
          return svg`<rect class="bar ${tone}" x=${at(start)} y=${over} width=${Math.max(0, at(value) - (from < sum(bar) ? 1 : 0))} height="14">${label ? svg`<title>${label}</title>` : nothing}</rect>`;
        })}
        <text class="strong" x=${at(sum(bar)) + 8} y=${over + 12}>${bar.note}</text>`;
    })}
    ${limit ? limitLine(limit.label, at(limit.value), width, height) : nothing}
  </svg>`;
}

/** A line down through all bars, with its name on the side where there is room. */
function limitLine(label: string, x: number, width: number, height: number): SVGTemplateResult {
  const wide = widthOf(label, "bold");
  const left = Math.max(0, Math.min(x > width / 2 ? x - wide : x, width - wide));
  return svg`<g class="full"><line class="curve dashed" x1=${x} x2=${x} y1="16" y2=${height}></line>
    <text class="named" x=${left} y="12">${label}</text></g>`;
}
