import source from "../../shaders/label-loss.wgsl?raw";
import activation from "../../shaders/shared/activation.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

const sources = [control, activation, source];

/** Numbers of the WGSL file's KIND. */
const KINDS = { "multi-label": 0, regression: 1 } as const;

export interface LabelLossDims {
  readonly rows: number;
  /** Numbers predicted for each row. */
  readonly columns: number;
  readonly kind: keyof typeof KINDS;
  /** Whether the logits are replaced by their gradient. */
  readonly gradient: boolean;
}

/** Loss of every row against numbers, and in place its gradient. Equation and shapes: shaders/label-loss.wgsl. */
export const labelLoss = defineKernel<LabelLossDims>({
  name: "label-loss",
  sources,
  overrides: (d) => ({ COLUMNS: d.columns, KIND: KINDS[d.kind], GRADIENT: Number(d.gradient) }),
  params: { rows: "u32" },
  bindings: {
    logits: { access: "read_write", shape: (d) => [d.rows, d.columns] },
    targets: { access: "read", shape: (d) => [d.rows, d.columns] },
    control: { access: "read", type: "u32", shape: () => [16] },
    losses: { access: "write", shape: (d) => [d.rows] },
  },
  grid: (d) => [ceilDiv(d.rows, 64), 1, 1],
  cost: (d) => ({ flops: 12 * d.rows * d.columns, bytes: 4 * d.rows * (3 * d.columns + 1) }),
});

export interface WeighRowsDims {
  readonly rows: number;
  readonly columns: number;
}

/** values[r,j] ← weights[r] · values[r,j]. */
export const weighRows = defineKernel<WeighRowsDims>({
  name: "label-loss:weigh",
  entryPoint: "weigh",
  sources,
  overrides: (d) => ({ COLUMNS: d.columns }),
  params: { rows: "u32" },
  bindings: {
    values: { access: "read_write", shape: (d) => [d.rows, d.columns] },
    weights: { access: "read", shape: (d) => [d.rows] },
  },
  grid: (d) => lineGrid(ceilDiv(d.rows * d.columns, 256)),
  cost: (d) => ({ flops: d.rows * d.columns, bytes: 4 * d.rows * (2 * d.columns + 1) }),
});
