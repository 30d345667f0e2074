/** A text as cells, each tinted by a number: surprise, or evidence for and against. */
import { css, type SVGTemplateResult, svg } from "lit";
import { visible } from "../format.js";

export interface Tinted {
  readonly text: string;
  /** -1 to 1: below zero the colour of full attention, above it that of LSH. */
  readonly tint: number;
  /** What the cell says when pointed at. */
  readonly note: string;
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
  let [x, y] = [0, 0];
  const cells = tokens.flatMap(({ text, tint, note }) => {
    const shown = visible(text).replaceAll("\n", "⏎").replaceAll(" ", "\u00a0");
    if (shown === "") return [];
    const wide = [...shown].reduce((sum, c) => sum + (/[\u2e80-\uffff]/.test(c) ? 16 : CELL), 0);
    if (x + wide > width && x > 0) [x, y] = [0, y + LINE];
    const at = x;
    x += wide;
    const level = Math.min(LEVELS, Math.round(Math.abs(tint) * LEVELS));
    return [
      svg`<rect class="${tint < 0 ? "against" : "for"}${level}" x=${at} y=${y} width=${wide} height=${LINE - 3}><title>${note}</title></rect>
        <text x=${at} y=${y + 16} xml:space="preserve">${shown}</text>`,
    ];
  });
  const height = y + LINE + 2;
  return svg`<svg class="figure cells" width=${width} height=${height} viewBox="0 0 ${width} ${height}" role="img" aria-label=${title}>${cells}</svg>`;
}
