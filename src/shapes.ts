/** Smallest integer ≥ a / b. */
export function ceilDiv(a: number, b: number): number {
  return Math.floor((a + b - 1) / b);
}

/** Smallest multiple of `step` ≥ `value`. */
export function roundUp(value: number, step: number): number {
  return ceilDiv(value, step) * step;
}

/** Where parts of some lengths begin one behind the other, each at a multiple of `step`, and where the last one with elements ends. */
export function layOut(
  lengths: readonly number[],
  step: number,
): { readonly starts: readonly number[]; readonly end: number } {
  let end = 0;
  const starts = lengths.map((length) => {
    const start = roundUp(end, step);
    if (length > 0) end = start + length;
    return start;
  });
  return { starts, end };
}

/** Number of elements of a shape. */
export function elements(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

/** Shape of the u32 words that hold numbers of a shape as halves, two to a word; its last axis is even. */
export function halvesShape(shape: readonly number[]): number[] {
  return shape.map((axis, i) => (i === shape.length - 1 ? axis / 2 : axis));
}

/** WebGPU's guaranteed limit of workgroups in one grid dimension. */
export const MAX_GROUPS = 65_535;

/**
 * Grid for `groups` workgroups in a line, folded into two dimensions beyond 65,535.
 * WGSL recovers the index as `wid.x + wid.y * num_workgroups.x` and returns early where it is ≥ `groups`.
 */
export function lineGrid(groups: number): readonly [number, number, number] {
  if (groups <= MAX_GROUPS) return [Math.max(1, groups), 1, 1];
  const rows = ceilDiv(groups, MAX_GROUPS);
  return [ceilDiv(groups, rows), rows, 1];
}
