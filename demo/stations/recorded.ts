/** Tables that were measured elsewhere, for readers without a GPU: `demo/recorded/NN.json`, as stations export them. */

import type { Origin } from "../chapter/sources.js";

interface Recording extends Origin {
  readonly data: readonly object[];
}

const FILES = import.meta.glob<Recording>("../recorded/[0-9]*.json", { import: "default" });

export async function recordedRows(
  station: number,
): Promise<(Origin & { readonly rows: readonly object[] }) | null> {
  const load = FILES[`../recorded/${String(station).padStart(2, "0")}.json`];
  if (!load) return null;
  const { adapter, date, data } = await load();
  return { adapter, date: date.slice(0, 10), rows: data };
}
