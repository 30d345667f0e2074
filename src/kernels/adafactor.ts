import source from "../../shaders/adafactor.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import updateState from "../../shaders/shared/update-state.wgsl?raw";
import workgroupSum from "../../shaders/shared/workgroup-sum.wgsl?raw";
import { defineKernel, type Grid, type Kernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

const WORKGROUP = 256;
const ROWS_PER_PARTIAL = 128;
const ELEMENTS_PER_PARTIAL = 16_384;

export interface AdafactorDims {
  /** 1 for a vector. */
  readonly rows: number;
  readonly columns: number;
  /** The moments of step t take t^-decayExponent of the new squares; 0.8 in the paper. */
  readonly decayExponent: number;
  /** Added to every square; 1e-30 in the paper, 1e-16 in the authors' Reformer code. */
  readonly epsilon1: number;
  /** Least root mean square of the parameters where the step grows with it; 1e-3 in the paper. */
  readonly epsilon2: number;
  /** Largest root mean square of an update before the learning rate; 1 in the paper. */
  readonly clipThreshold: number;
  /** λ, multiplied by the step size; 0 for tensors without decay. */
  readonly weightDecay: number;
  /** Whether the learning rate is relative to the root mean square of the parameters. */
  readonly scaleByParameter: boolean;
}

/** Length of the scratch tensor `partials`. */
export const adafactorPartials = ({ rows, columns }: Pick<AdafactorDims, "rows" | "columns">): number =>
  Math.max(ceilDiv(rows, ROWS_PER_PARTIAL) * columns, 2 * ceilDiv(rows * columns, ELEMENTS_PER_PARTIAL));

function stage(
  entryPoint: string,
  grid: (dims: AdafactorDims) => Grid,
  perElement: { flops: number; bytes: number },
): Kernel<AdafactorDims> {
  return defineKernel<AdafactorDims>({
    name: `adafactor:${entryPoint}`,
    entryPoint,
    sources: [control, updateState, workgroupSum, source],
    overrides: (d) => ({
      WG: WORKGROUP,
      DECAY_EXPONENT: d.decayExponent,
      EPSILON1: d.epsilon1,
      EPSILON2: d.epsilon2,
      CLIP_THRESHOLD: d.clipThreshold,
      WEIGHT_DECAY: d.weightDecay,
      SCALE_BY_PARAMETER: Number(d.scaleByParameter),
    }),
    params: { rows: "u32", columns: "u32" },
    bindings: {
      gradients: { access: "read", shape: (d) => [d.rows, d.columns] },
      control: { access: "read", type: "u32", shape: () => [16] },
      state: { access: "read", shape: () => [8] },
      rowMoments: { access: "read_write", shape: (d) => [d.rows] },
      columnMoments: { access: "read_write", shape: (d) => [d.columns] },
      parameters: { access: "read_write", shape: (d) => [d.rows, d.columns] },
      partials: { access: "read_write", shape: (d) => [adafactorPartials(d)] },
      stepScales: { access: "read_write", shape: () => [2] },
    },
    grid,
    cost: ({ rows, columns }) => ({
      flops: rows * columns * perElement.flops,
      bytes: rows * columns * perElement.bytes,
    }),
  });
}

const count = (d: AdafactorDims) => d.rows * d.columns;

/** Mean squares of the rows. Equations and shapes of all stages: shaders/adafactor.wgsl. */
export const adafactorRowMoments = stage("row_moments", (d) => lineGrid(d.rows), { flops: 2, bytes: 4 });
/** Sums of squares of the columns, for 128 rows each. */
export const adafactorColumnSums = stage(
  "column_sums",
  (d) => [ceilDiv(d.columns, 64), ceilDiv(d.rows, ROWS_PER_PARTIAL), 1],
  { flops: 2, bytes: 4 },
);
/** Mean squares of the columns. */
export const adafactorColumnMoments = stage("column_moments", (d) => [ceilDiv(d.columns, 64), 1, 1], {
  flops: 1 / ROWS_PER_PARTIAL,
  bytes: 4 / ROWS_PER_PARTIAL,
});
/** Sums of squares of the updates and the parameters. */
export const adafactorUpdateSquares = stage(
  "update_squares",
  (d) => lineGrid(ceilDiv(count(d), ELEMENTS_PER_PARTIAL)),
  { flops: 6, bytes: 8 },
);
/** The step's two factors. */
export const adafactorScales = stage("scales", () => [1, 1, 1], {
  flops: 2 / ELEMENTS_PER_PARTIAL,
  bytes: 8 / ELEMENTS_PER_PARTIAL,
});
/** The step itself. */
export const adafactorApply = stage("apply", (d) => lineGrid(ceilDiv(count(d), WORKGROUP)), {
  flops: 5,
  bytes: 12,
});

/** One Adafactor step on one matrix: dispatch these in order, all with the same dims and tensors. */
export const ADAFACTOR_STAGES: readonly Kernel<AdafactorDims>[] = [
  adafactorRowMoments,
  adafactorColumnSums,
  adafactorColumnMoments,
  adafactorUpdateSquares,
  adafactorScales,
  adafactorApply,
];
