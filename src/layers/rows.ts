// Token-major matrices that may be larger than one storage binding: a list of slabs of whole rows.
import type { ScalarType } from "../gpu/kernel.js";
import { type Tensor, view } from "../scheduler/recording.js";
import { ceilDiv } from "../shapes.js";

/** Rows that start any view: row * width * 4 bytes is then a multiple of 256 for every width. */
export const ROW_STEP = 64;

/** A matrix [count, width] in slabs of `slabRows` rows. */
export interface Rows {
  readonly count: number;
  readonly width: number;
  readonly slabRows: number;
  readonly slabs: readonly Tensor[];
}

/** Rows of `width` 4-byte elements that fit a binding of `maxBytes`, a multiple of 64. */
export function rowsPerSlab(width: number, maxBytes: number): number {
  return Math.max(ROW_STEP, Math.floor(maxBytes / (4 * width * ROW_STEP)) * ROW_STEP);
}

/** A matrix whose slabs come from `make` (a recording's or an arena's tensor function). */
export function makeRows(
  make: (label: string, shape: readonly number[], type: ScalarType) => Tensor,
  label: string,
  count: number,
  width: number,
  slabRows: number,
  type: ScalarType = "f32",
): Rows {
  const slabs = Array.from({ length: ceilDiv(count, slabRows) }, (_, i) =>
    make(i ? `${label}[${i}]` : label, [Math.min(slabRows, count - i * slabRows), width], type),
  );
  return { count, width, slabRows, slabs };
}

/** Rows start..start+count, which must lie in one slab; start is a multiple of 64. */
export function slice({ slabs, slabRows, width }: Rows, start: number, count: number): Tensor {
  const slab = slabs[Math.floor(start / slabRows)] as Tensor;
  const first = start % slabRows;
  if (first === 0 && slab.shape[0] === count) return slab;
  return view(slab, first * width, [count, width]);
}

/** Row ranges no longer than `step` that cross no slab of any of `matrices`. */
export function* ranges(
  matrices: readonly Rows[],
  step = Infinity,
): Generator<{ start: number; count: number }> {
  const count = Math.min(...matrices.map((m) => m.count));
  const slabRows = Math.min(...matrices.map((m) => m.slabRows));
  const rows = Math.min(slabRows, Math.max(ROW_STEP, Math.floor(step / ROW_STEP) * ROW_STEP));
  for (let start = 0; start < count; ) {
    const end = Math.min(
      count,
      start + rows,
      ...matrices.map((m) => (Math.floor(start / m.slabRows) + 1) * m.slabRows),
    );
    yield { start, count: end - start };
    start = end;
  }
}
