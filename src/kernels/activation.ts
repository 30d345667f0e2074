import source from "../../shaders/activation.wgsl?raw";
import functions from "../../shaders/shared/activation.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import dropout from "../../shaders/shared/dropout.wgsl?raw";
import masks from "../../shaders/shared/masks.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import type { Activation } from "../config/fields.js";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

export type { Activation } from "../config/fields.js";

/** Numbers of the WGSL constants in shaders/shared/activation.wgsl. */
export const ACTIVATION_CODES = {
  linear: 0,
  relu: 1,
  gelu: 2,
  gelu_new: 3,
  quick_gelu: 4,
  silu: 5,
  relu6: 6,
  relu2: 7,
  mish: 8,
  tanh: 9,
  sigmoid: 10,
  gelu_10: 11,
  leaky_relu: 12,
  hardswish: 13,
  laplace: 14,
  sqrtsoftplus: 15,
} as const satisfies Record<Activation, number>;

export interface ActivationDims {
  readonly rows: number;
  readonly columns: number;
  readonly kind: Activation;
  /** 0 none, 1 seeded, 2 by the `keep` mask. */
  readonly dropout: 0 | 1 | 2;
  readonly dropoutRate: number;
  readonly site: number;
  /** Token of the first row, for the mask. */
  readonly rowOffset: number;
  /** Rows of `keep`: all tokens. Default: `rows`. */
  readonly keepRows?: number;
}

const shape = (d: ActivationDims) => [d.rows, d.columns];

const common = {
  sources: [control, threefry, dropout, masks, functions, source],
  overrides: (d: ActivationDims) => ({ ACTIVATION: ACTIVATION_CODES[d.kind], DROPOUT: d.dropout }),
  params: { rows: "u32", columns: "u32", rowOffset: "u32", site: "u32", dropoutRate: "f32" },
  grid: (d: ActivationDims) => lineGrid(ceilDiv(d.rows * d.columns, 256)),
} as const;

const inputs = {
  x: { access: "read", shape },
  keep: {
    access: "read",
    type: "u32",
    shape: (d: ActivationDims) => [d.keepRows ?? d.rows, d.columns],
    optional: true,
  },
  control: { access: "read", type: "u32", shape: () => [16], optional: true },
} as const;

/** out = f(dropout(x)). Specification: shaders/activation.wgsl. */
export const activation = defineKernel<ActivationDims>({
  ...common,
  name: "activation",
  bindings: { ...inputs, out: { access: "write", shape } },
  cost: (d) => ({ flops: 10 * d.rows * d.columns, bytes: 8 * d.rows * d.columns }),
});

/** dx = the gradient of `activation` to x. */
export const activationBackward = defineKernel<ActivationDims>({
  ...common,
  name: "activation:backward",
  entryPoint: "backward",
  bindings: { ...inputs, dOut: { access: "read", shape }, dx: { access: "write", shape } },
  cost: (d) => ({ flops: 15 * d.rows * d.columns, bytes: 12 * d.rows * d.columns }),
});
