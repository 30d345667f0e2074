/** The table of station 8: its rows, its columns, and what was recorded when its models had been trained. */
import { adapter, date, result } from "../../docs/learning/book.json";
import gaps from "../../docs/learning/gaps.json";
import { adapter as needleAdapter, date as needleDate, phases, table } from "../../docs/learning/needle.json";
import type { Origin } from "../chapter/sources.js";
import { decimals, percent, rate, whole } from "../format.js";
import type { en } from "./08-tasks.text.js";
import type { Column } from "./table.js";

type Task = keyof (typeof en)["rows"];

export interface Row {
  readonly task: Task;
  readonly metric: keyof (typeof en)["metrics"];
  readonly value: number | null;
  readonly reference: number | null;
  readonly length: number | null;
}

/** Rounds that the second model comes with. */
const ROUNDS = 4;

export const RECORDED = {
  heldOut: result.heldOut,
  withoutLsh: result.heldOutWithLshZeroed,
  commonest: gaps.commonest,
  /** Share of gaps that were filled right where so many characters before them were read. */
  gaps: (before: number) => gaps.points.find((point) => point.before === before)?.accuracy ?? null,
  needle: table.find(({ rounds }) => rounds === ROUNDS)?.accuracy ?? null,
};

/** Tokens of the longest texts that the second model learned from. */
export const LONGEST_TRAINED = Math.max(...phases.map(({ length }) => length));

const BOOK: Origin = { adapter, date };
const ORIGINS: Partial<Record<Task, Origin>> = {
  gaps,
  commonest: gaps,
  needle: { adapter: needleAdapter, date: needleDate },
};

/** @param questions gaps that are filled here */
export function columnsOf(
  { columns, rows, metrics, how }: Pick<typeof en, "columns" | "rows" | "metrics" | "how">,
  questions: number,
): readonly Column<Row>[] {
  const show = (value: number, { metric }: Row) =>
    metric === "accuracy" ? percent(value) : metric === "speed" ? rate(value) : decimals(value, 3);
  return [
    { key: "task", label: columns.task, value: ({ task }) => rows[task] },
    { key: "metric", label: columns.metric, value: ({ metric }) => metrics[metric] },
    {
      key: "value",
      label: columns.value,
      value: ({ value }) => value,
      show,
      source: "measured",
      how: `${how.value} ${how.off} ${how.asked(whole(questions))}`,
    },
    {
      key: "reference",
      label: columns.reference,
      value: ({ reference }) => reference,
      show,
      source: "recorded",
      origin: ({ task }) => ORIGINS[task] ?? BOOK,
      how: how.reference(adapter, date, gaps.date, whole(gaps.questions)),
    },
    { key: "tokens", label: columns.length, value: ({ length }) => length, show: whole },
  ];
}
