import source from "../../shaders/rotations.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

/** Sizes of one layer's rotations. */
export interface RotationsDims {
  readonly heads: number;
  readonly headSize: number;
  readonly rounds: number;
  /** `rotationColumns(factors)`. */
  readonly columns: number;
  /** Layers draw different rotations, below 2^31. */
  readonly layer: number;
}

const count = (d: RotationsDims) => d.heads * d.headSize * d.rounds * d.columns;

/**
 * Rotations of one layer, a function of the control buffer's seed and draw. Definition: shaders/rotations.wgsl.
 * For rotations that never change, bind a control buffer whose seed and draw stay.
 */
export const rotations = defineKernel<RotationsDims>({
  name: "rotations",
  sources: [threefry, control, source],
  overrides: () => ({}),
  params: { layer: "u32" },
  bindings: {
    control: { access: "read", type: "u32", shape: () => [16] },
    rotations: { access: "write", shape: (d) => [d.heads, d.headSize, d.rounds, d.columns] },
  },
  grid: (d) => lineGrid(ceilDiv(count(d), 64)),
  cost: (d) => ({ flops: 100 * count(d), bytes: 4 * count(d) }),
});
