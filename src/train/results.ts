// The few numbers a run leaves for the host.
import { ROWS_PER_PARTIAL, recordLoss, sumLosses } from "../kernels/cross-entropy.js";
import { STATE } from "../kernels/global-norm.js";
import { STATUS_SLOTS } from "../layers/context.js";
import type { Recording, Tensor } from "../scheduler/recording.js";
import { ceilDiv } from "../shapes.js";

/** Columns of the results tensor, f32 [1, columns]. */
export const RESULT = { loss: 0, norm: 1, fault: 2, correct: 3, columns: 4 } as const;

/** Bytes of one readback of a step: its results, the sizes of its streams and the update state. */
export const METRICS_BYTES = (RESULT.columns + STATUS_SLOTS + STATE.words) * 4;

/** One column of the results += the control's loss scale · Σ terms. */
export function sumInto(
  recording: Recording,
  terms: Tensor,
  rows: number,
  results: Tensor,
  control: Tensor,
  column: number,
): void {
  const sums = recording.tensor("sums", [ceilDiv(rows, ROWS_PER_PARTIAL)]);
  recording.dispatch(sumLosses, { rows }, { terms, sums });
  const dims = { rows, slots: 1, columns: RESULT.columns, column, add: true };
  recording.dispatch(recordLoss, dims, { partials: sums, results, control });
}
