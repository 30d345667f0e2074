import source from "../../shaders/position-embedding-backward.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import dropout from "../../shaders/shared/dropout.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";
import { type PositionDims, positionMaskShape } from "./embedding.js";

/** Sizes of the gradient of one position table. */
export interface PositionEmbeddingBackwardDims extends PositionDims {
  /** 0 the slow axial table or the learned one, 1 the fast axial table. */
  readonly axis: 0 | 1;
  readonly positionSite: number;
}

const tableShape = (d: PositionEmbeddingBackwardDims): readonly [number, number] => [
  d.positionShape[d.axis],
  d.positionSizes[d.axis],
];

/** Adds the stream's gradient to one table of positions. Definition: shaders/position-embedding-backward.wgsl. */
export const positionEmbeddingBackward = defineKernel<PositionEmbeddingBackwardDims>({
  name: "position-embedding-backward",
  sources: [threefry, control, dropout, source],
  overrides: (d) => ({
    SIZE: d.size,
    SIZE0: d.positionSizes[0],
    AXIS0: d.positionShape[0],
    AXIS1: d.positionShape[1],
    AXIS: d.axis,
    PLANES: Number(d.positions === "axial"),
    DROPOUT: d.dropout,
  }),
  params: {
    tokens: "u32",
    length: "u32",
    rowOffset: "u32",
    positionOffset: "u32",
    positionSite: "u32",
    dropoutRate: "f32",
  },
  bindings: {
    dStream: { access: "read", shape: (d) => [d.tokens, d.size] },
    control: { access: "read", type: "u32", shape: () => [16], optional: true },
    keepPosition: { access: "read", type: "u32", shape: positionMaskShape, optional: true },
    dPositions: { access: "read_write", shape: tableShape },
  },
  grid: (d) => lineGrid(ceilDiv(d.positionShape[d.axis] * d.positionSizes[d.axis], 64)),
  cost: (d) => ({
    flops: d.tokens * d.positionSizes[d.axis],
    bytes: 4 * d.tokens * d.positionSizes[d.axis] + 8 * d.positionShape[d.axis] * d.positionSizes[d.axis],
  }),
});
