import signsSource from "../../shaders/rotations.signs.wgsl?raw";
import source from "../../shaders/rotations.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, elements, lineGrid } from "../shapes.js";

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

/** Sizes of one layer's sign flips. */
export interface RotationSignsDims extends RotationSignsSizes {
  /** Layers draw different signs, below 2^31. */
  readonly layer: number;
}

/** What the number of sign flips follows from. */
export interface RotationSignsSizes {
  readonly heads: number;
  readonly headSize: number;
  readonly rounds: number;
  /** `rotationColumns(factors)`. */
  readonly columns: number;
}

/** Coordinates of a fast rotation: the head size, rounded up to a power of two. */
export const rotationSize = (headSize: number): number => 2 ** Math.ceil(Math.log2(headSize));

/** Shape of a layer's sign flips, 32 a word: three diagonals for every rotation of every round. */
export const rotationSignsShape = (d: RotationSignsSizes): readonly number[] => {
  const size = rotationSize(d.headSize);
  return [d.heads, d.rounds, ceilDiv(d.columns, size), 3, ceilDiv(size, 32)];
};

/** Sign flips of one layer, in place of its rotations. Definition: shaders/rotations.signs.wgsl. */
export const rotationSigns = defineKernel<RotationSignsDims>({
  name: "rotations:signs",
  sources: [threefry, control, signsSource],
  overrides: () => ({}),
  params: { layer: "u32" },
  bindings: {
    control: { access: "read", type: "u32", shape: () => [16] },
    signs: { access: "write", type: "u32", shape: rotationSignsShape },
  },
  grid: (d) => lineGrid(ceilDiv(elements(rotationSignsShape(d)), 64)),
  cost: (d) => ({ flops: 80 * elements(rotationSignsShape(d)), bytes: 4 * elements(rotationSignsShape(d)) }),
});
