/** A station's table: what its columns are, and its rows as a file, where numbers stand as they are, each with its origin. */
import type { Origin, Source } from "../chapter/sources.js";
import { csv } from "../figures/save.js";
import { decimals } from "../format.js";
import type { From } from "./legend.js";

export type Value = number | string | null | undefined;

export interface Column<Row> {
  readonly key: string;
  readonly label: string;
  readonly value: (row: Row) => Value;
  /** Default: text as it is, numbers with up to three decimals. */
  readonly show?: ((value: number, row: Row) => string) | undefined;
  /** Where its numbers come from; left out for columns that name the row. */
  readonly source?: Source | ((row: Row) => Source | undefined) | undefined;
  /** What recorded the number, where that is not the station's own recording. */
  readonly origin?: ((row: Row) => Origin | undefined) | undefined;
  /** How they are made, in a sentence. */
  readonly how?: string | undefined;
  /** Where what the cell names can be read. */
  readonly link?: ((row: Row) => string | undefined) | undefined;
  /** "shown": sentences that are made of numbers; "exported": those numbers. Default: both. */
  readonly only?: "shown" | "exported" | undefined;
}

/** Where a number of `source` comes from, in a station that shows its own recording, if any. */
export function fromOf(source: Source, recorded: Origin | null): From | null {
  if (source === "measured" && recorded) return { source: "recorded", origin: recorded };
  if (source !== "recorded") return { source };
  return recorded && { source, origin: recorded };
}

/** Where a cell's value comes from; null: it has none, or names the row. */
export function cellFrom<Row>(column: Column<Row>, row: Row, recorded: Origin | null): From | null {
  const value = column.value(row);
  const source = typeof column.source === "function" ? column.source(row) : column.source;
  if (value === null || value === undefined || !source) return null;
  const origin = column.origin?.(row);
  return origin ? { source: "recorded", origin } : fromOf(source, recorded);
}

/** A cell's value as a reader sees it. */
export function shownAs<Row>(column: Column<Row>, row: Row): string {
  const value = column.value(row);
  if (typeof value !== "number") return value ?? "–";
  if (!Number.isFinite(value)) return "–";
  return (column.show ?? ((v) => decimals(v, v % 1 === 0 ? 0 : 3)))(value, row);
}

/** What is saved of a table. */
export interface Saved<Row> {
  readonly station: number;
  readonly title: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** The reader's adapter. */
  readonly adapter: string;
  /** The station's recording, where that is what it shows. */
  readonly recorded: Origin | null;
}

/** Year, month and day. */
const dayOf = (date: Date) => date.toISOString().slice(0, 10);

/** RFC 4180: behind each number where it comes from, and on which adapter and when it was measured or recorded. */
export function tableAsCsv<Row>({ columns, rows, adapter, recorded }: Saved<Row>): string {
  const today = dayOf(new Date());
  const placeOf = (from: From | null): string | null => {
    if (from?.source === "recorded") return `${from.origin.adapter}, ${from.origin.date}`;
    return from?.source === "measured" ? `${adapter}, ${today}` : null;
  };
  const head = columns.flatMap(({ key, source }) => (source ? [key, `${key} is`, `${key} on`] : [key]));
  const body = rows.map((row) =>
    columns.flatMap((column) => {
      const from = cellFrom(column, row, recorded);
      const value = column.value(row);
      return column.source ? [value, from?.source, placeOf(from)] : [value];
    }),
  );
  return csv([head, ...body]);
}

/** Measured numbers are of the adapter and date of the whole; recorded ones name their own. */
export function tableAsJson<Row>({ columns, rows, adapter, recorded, ...named }: Saved<Row>): string {
  const cell = (column: Column<Row>, row: Row) => {
    const value = column.value(row) ?? null;
    if (!column.source) return value;
    const from = cellFrom(column, row, recorded);
    if (from?.source !== "recorded") return { value, source: from?.source ?? null };
    const { adapter, date } = from.origin;
    return { value, source: from.source, adapter, date };
  };
  const saved = {
    ...named,
    date: new Date().toISOString(),
    adapter: recorded?.adapter ?? adapter,
    ...(recorded && { recorded: recorded.date }),
    columns: columns.map(({ key, label, how }) => ({ key, label, ...(how && { how }) })),
    rows: rows.map((row) => Object.fromEntries(columns.map((column) => [column.key, cell(column, row)]))),
    data: rows,
  };
  return `${JSON.stringify(saved, null, 1)}\n`;
}
