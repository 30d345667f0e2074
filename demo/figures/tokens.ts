/** A text as cells, each tinted by a number: surprise, or evidence for and against. */
import { css, type SVGTemplateResult, svg } from "lit";
import { visible } from "../format.js";

export interface Tinted {
  readonly text: string;
  /** -1 to 1: below zero the colour of full attention, above it that of LSH. */
  readonly tint: number;
  /** What the cell says when pointed at; empty: nothing is known of it yet. */
  readonly note: string;
}
interface Cell extends Tinted {
  readonly x: number;
  readonly y: number;
  readonly wide: number;
}

const [CELL, LINE] = [9.2, 24];
const LEVELS = 8;

/** Tints come in steps, as classes: no inline styles under the page's policy. */
export const tokenStyles = Array.from({ length: LEVELS + 1 }, (_, level) => {
  const share = (level * 70) / LEVELS;
  return css`
    .for${level} {
      fill: color-mix(in oklch, var(--lsh) ${share}%, transparent);
    }
    .against${level} {
      fill: color-mix(in oklch, var(--full) ${share}%, transparent);
    }
    .cells text {
      fill: var(--ink) !important;
      font: 15px ui-monospace, "SF Mono", Menlo, Consolas, "Noto Sans Mono", monospace;
    }
  `;
});

export function tokenCells(tokens: readonly Tinted[], width: number, title: string): SVGTemplateResult {
  const cells = placed(tokens, width);
  const height = (cells.at(-1)?.y ?? 0) + LINE + 2;
  return svg`<svg class="figure cells" width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img" aria-label=${title}>${cells.map(
    ({ text, tint, note, x, y, wide }) => {
      const level = Math.min(LEVELS, Math.round(Math.abs(tint) * LEVELS));
      const label = svg`<text x=${x} y=${y + 16} textLength=${wide} xml:space="preserve">${text}</text>`;
      if (note === "") return label;
      return svg`<rect class="${tint < 0 ? "against" : "for"}${level}" x=${x} y=${y} width=${wide} height=${LINE - 3}><title>${note}</title></rect>${label}`;
    },
  )}</svg>`;
}

/** Cells in lines. Neighbours of which nothing is known are one: a whole mail has thousands of letters. */
function placed(tokens: readonly Tinted[], width: number): readonly Cell[] {
  let [x, y] = [0, 0];
  const cells: Cell[] = [];
  for (const { text, tint, note } of tokens) {
    const shown = visible(text).replaceAll("\n", "⏎").replaceAll(" ", "\u00a0");
    if (shown === "") continue;
    const wide = [...shown].reduce((sum, c) => sum + (/[\u2e80-\uffff]/.test(c) ? 16 : CELL), 0);
    if (x + wide > width && x > 0) [x, y] = [0, y + LINE];
    const before = cells.at(-1);
    if (before?.y === y && before.note === "" && note === "")
      cells[cells.length - 1] = { ...before, text: before.text + shown, wide: before.wide + wide };
    else cells.push({ text: shown, tint, note, x, y, wide });
    x += wide;
  }
  return cells;
}
