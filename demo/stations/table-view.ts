/** A station's table as readers see it: every number with the mark of where it comes from. */
import { html, nothing, type TemplateResult } from "lit";
import type { Origin } from "../chapter/sources.js";
import type { Dictionary } from "../i18n/dictionary.js";
import type { Legend } from "./legend.js";
import { type Column, cellFrom, shownAs } from "./table.js";

/** Characters from which a cell is a sentence, which needs some width. */
const PROSE = 32;

interface Shown<Row> {
  /** Names the region, which scrolls. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** The station's recording, where that is what it shows. */
  readonly recorded: Origin | null;
  readonly legend: Legend;
}

export function tableView<Row>(shown: Shown<Row>, t: Dictionary["chapter"]): TemplateResult {
  const { label, columns, rows } = shown;
  return html`<div class="rows" tabindex="0" role="region" aria-label=${label}>
    <table>
      <thead>
        <tr>${columns.map((column) => html`<th scope="col">${column.label}</th>`)}</tr>
      </thead>
      <tbody>
        ${
          rows.length === 0
            ? html`<tr><td class="none" colspan=${columns.length}>${t.empty}</td></tr>`
            : rows.map(
                (row) => html`<tr>${columns.map((column, i) => cell(shown, column, row, i === 0, t))}</tr>`,
              )
        }
      </tbody>
    </table>
  </div>`;
}

function cell<Row>(
  { recorded, legend }: Shown<Row>,
  column: Column<Row>,
  row: Row,
  first: boolean,
  t: Dictionary["chapter"],
): TemplateResult {
  const shown = shownAs(column, row);
  const link = column.link?.(row);
  const named = link ? html`<a href=${link}>${shown}</a>` : shown;
  if (first) return html`<th scope="row">${named}</th>`;
  const from = cellFrom(column, row, recorded);
  const mark = from
    ? html`<i class="mark" title=${legend.sentenceOf(from)}>${legend.markOf(from)}<span class="visually-hidden">${t.sources[from.source]} </span></i>`
    : nothing;
  const kind = typeof column.value(row) === "number" ? "number" : shown.length > PROSE ? "prose" : "text";
  return html`<td class=${kind}>${mark}${named}</td>`;
}

/** How each column's numbers were made. */
export const howMade = <Row>(columns: readonly Column<Row>[], t: Dictionary["chapter"]): TemplateResult =>
  html`<details>
    <summary>${t.how}</summary>
    <dl>
      ${columns.map(({ label, how }) => (how ? html`<dt>${label}</dt><dd>${how}</dd>` : nothing))}
    </dl>
  </details>`;
