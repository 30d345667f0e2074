import source from "../../shaders/position-embedding-backward.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import dropout from "../../shaders/shared/dropout.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import { ShapeError } from "../errors.js";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, elements, lineGrid } from "../shapes.js";
import {
  type PositionDims,
  type PositionTable,
  positionMaskShape,
  positionPlanes,
  positionTables,
} from "./embedding.js";

/** Sizes of the gradient of one position table. */
export interface PositionEmbeddingBackwardDims extends PositionDims {
  /** Which of the tables: 0 the slowest axis, or the learned one. */
  readonly axis: number;
  readonly positionSite: number;
}

function tableOf(d: PositionEmbeddingBackwardDims): PositionTable {
  const table = positionTables(d).tables[d.axis];
  if (!table) {
    throw new ShapeError(`axis ${d.axis} of position tables ${d.positionShape.join(" × ")}: it has no table`);
  }
  return table;
}

/** Adds the stream's gradient to one table of positions. Definition: shaders/position-embedding-backward.wgsl. */
export const positionEmbeddingBackward = defineKernel<PositionEmbeddingBackwardDims>({
  name: "position-embedding-backward",
  sources: [threefry, control, dropout, source],
  overrides: (d) => {
    const { rows, width, column, stride } = tableOf(d);
    const planes = positionPlanes(d);
    return {
      SIZE: d.size,
      ROWS: elements(d.positionShape),
      COUNT: rows,
      STRIDE: stride,
      COLUMN: column,
      WIDTH: width,
      PLANE_COUNT: planes.count,
      PLANE_STRIDE: planes.stride,
      PLANES: Number(d.positions === "axial"),
      DROPOUT: d.dropout,
    };
  },
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
    dPositions: {
      access: "read_write",
      shape: (d) => {
        const { rows, width } = tableOf(d);
        return [rows, width];
      },
    },
  },
  grid: (d) => {
    const { rows, width } = tableOf(d);
    return lineGrid(ceilDiv(rows * width, 64));
  },
  cost: (d) => {
    const { rows, width } = tableOf(d);
    return { flops: d.tokens * width, bytes: 4 * d.tokens * width + 8 * rows * width };
  },
});
