import type { Activation } from "../config-fields.js";

export type { Activation } from "../config-fields.js";

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
} as const satisfies Record<Activation, number>;
