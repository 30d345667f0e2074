/** What the model at the top shows: its losses, and what it does with a word that it has never seen. */
import { css, html, nothing, type SVGTemplateResult, svg, type TemplateResult } from "lit";
import { bucketStyles } from "../figures/buckets.js";
import { figureStyles, linePlot } from "../figures/plot.js";
import { decimals, percent, whole } from "../format.js";
import type { Dictionary } from "../i18n/dictionary.js";
import type { DuplicationView } from "../lab/experiments/duplication.js";

type Phrases = Dictionary["hero"]["learner"];
export type Losses = readonly (readonly [step: number, bits: number])[];

/** A symbol that surprises by less is certain: its probability is above one half. */
export const CERTAIN = 1;
/** Losses that one drawn point is the mean of. */
const SMOOTH = 8;

export const learnerFigureStyles = [
  figureStyles,
  bucketStyles,
  css`
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

/** Losses by step, above the line of a perfect copy, `floor` bits. */
export function learningCurve(
  t: Phrases,
  losses: Losses,
  { width, steps, floor }: { readonly width: number; readonly steps: number; readonly floor: number },
): SVGTemplateResult {
  return linePlot({
    ...{ width, height: 190 },
    title: `${t.bits}: ${losses.at(-1)?.[1].toFixed(2) ?? "–"}`,
    x: { label: t.axis, show: whole, include: [0, steps] },
    y: { label: t.bits, show: (v) => decimals(v, 1), include: [floor, 4.5] },
    series: [{ label: t.loss, tone: "lsh", points: means(losses), dots: false }],
    lines: [{ y: floor, label: t.floor, tone: "quiet" }],
  });
}

/** Letters in the colours of their buckets, and where each letter of the copy looks. */
export function wordStrip(t: Phrases, view: DuplicationView, parameters: number | null): TemplateResult {
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
      parameters === null ? nothing : html`<span>${t.parameters(whole(parameters))}</span>`
    }</p>
  `;
}

/** Mean of the last losses, as the last drawn point has it. */
export const lastMean = (losses: Losses): number => means(losses).at(-1)?.[1] ?? Number.NaN;

/** Means of so many losses, each at its last step; the first step stands alone. */
function means(losses: Losses): Losses {
  const drawn = losses.slice(0, 1);
  for (let i = 1; i < losses.length; i += SMOOTH) {
    const part = losses.slice(i, i + SMOOTH);
    drawn.push([part.at(-1)?.[0] ?? 0, part.reduce((sum, [, bits]) => sum + bits, 0) / part.length]);
  }
  return drawn;
}
