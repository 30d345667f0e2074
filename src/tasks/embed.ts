// A vector for a text: its final states, pooled.
import { ConfigError } from "../errors.js";
import { columnSums, sumPartials, sumPartialsDims } from "../kernels/reduce.js";
import { finalStates, stateRows } from "../layers/head.js";
import { ranges } from "../layers/rows.js";
import { view } from "../scheduler/recording.js";
import { ceilDiv } from "../shapes.js";
import type { EmbedOptions } from "../types-tasks.js";
import { encodeCut, type RecordOutputs, read, type TaskModel } from "./reading.js";

/** Rows of one partial sum. */
const ROWS_PER_PART = 256;
/** Any view of rows begins at a multiple of it. */
const BLOCK = 64;

/** A vector [2 · hiddenSize] for every text; a text longer than the model reads is cut. */
export async function embed(
  model: TaskModel,
  texts: readonly string[],
  { pooling = "mean", signal }: EmbedOptions = {},
): Promise<Float32Array[]> {
  if (!["mean", "first", "last"].includes(pooling)) {
    throw new ConfigError(`pooling is ${JSON.stringify(pooling)}, but must be "mean", "first" or "last".`, {
      field: "pooling",
    });
  }
  const vectors: Float32Array[] = [];
  for (const text of texts) {
    const tokens = await encodeCut(model, text, signal);
    vectors.push(
      pooling === "mean"
        ? await meanState(model, tokens, signal)
        : await stateAt(model, tokens, pooling === "first" ? 0 : tokens.length - 1, signal),
    );
  }
  return vectors;
}

async function meanState(
  model: TaskModel,
  tokens: Uint32Array,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const columns = 2 * model.config.hiddenSize;
  const record: RecordOutputs = (context, streams, { output }) => {
    const { recording } = context;
    const out = output("sums", [columns]);
    recording.clear(out);
    for (const { start, count } of ranges([streams.x1, streams.x2], stateRows(context))) {
      const rows = Math.min(count, tokens.length - start); // padding does not count
      if (rows <= 0) break;
      const states = finalStates(context, streams, start, count);
      const parts = ceilDiv(rows, ROWS_PER_PART);
      const partials = recording.tensor("partials", [parts, columns]);
      const x = view(states, 0, [rows, columns]);
      recording.dispatch(columnSums, { rows, columns, rowsPerPart: ROWS_PER_PART }, { x, partials });
      const dims = sumPartialsDims([{ parts, count: columns }], { add: true });
      recording.dispatch(sumPartials, dims, { partials, out });
    }
  };
  const sums = (await read(model, [tokens], record, { signal })).get("sums") as Float32Array;
  return sums.map((sum) => sum / tokens.length);
}

async function stateAt(
  model: TaskModel,
  tokens: Uint32Array,
  place: number,
  signal: AbortSignal | undefined,
): Promise<Float32Array> {
  const columns = 2 * model.config.hiddenSize;
  const start = Math.floor(place / BLOCK) * BLOCK;
  const record: RecordOutputs = (context, streams, { output }) => {
    const count = Math.min(BLOCK, context.length - start);
    const states = finalStates(context, streams, start, count);
    context.recording.copy(states, output("states", [count, columns]));
  };
  const states = (await read(model, [tokens], record, { signal })).get("states") as Float32Array;
  return states.slice((place - start) * columns, (place - start + 1) * columns);
}
