import source from "../../shaders/embedding.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import dropout from "../../shaders/shared/dropout.wgsl?raw";
import stream from "../../shaders/shared/stream.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import { ShapeError } from "../errors.js";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, lineGrid } from "../shapes.js";

/** Sizes of a slab of tokens and of the tables of positions. */
export interface PositionDims {
  /** Tokens of this slab. */
  readonly tokens: number;
  /** Tokens of one sequence. */
  readonly length: number;
  /** First token of this slab, counted through the batch. */
  readonly rowOffset: number;
  /** Tokens at the end of every sequence that are padding and need no position of their own; default: none. */
  readonly padding?: number | undefined;
  /** Position of the first token of every sequence. */
  readonly positionOffset: number;
  /** Width of the stream. */
  readonly size: number;
  readonly positions: "axial" | "learned";
  /** Rows of the two axial tables, the slow axis first; learned: [rows of the table, 1]. */
  readonly positionShape: readonly [number, number];
  /** Widths of the two axial tables; learned: [size, 0]. */
  readonly positionSizes: readonly [number, number];
  /** 0 none, 1 seeded (bind control), 2 given (bind the keep masks). */
  readonly dropout: 0 | 1 | 2;
  readonly dropoutRate: number;
}

/** Sizes of one embedding dispatch. */
export interface EmbeddingDims extends PositionDims {
  readonly vocab: number;
  readonly fixedPoint: boolean;
  /** Key of the dropout of words. */
  readonly site: number;
  /** Key of the dropout of positions. */
  readonly positionSite: number;
}

/**
 * Shape of the keep mask of positions: a column of the axial table per sequence, or every element of the slab.
 */
export function positionMaskShape(d: PositionDims): readonly number[] {
  if (d.positions === "learned") return [d.tokens, d.size];
  return [ceilDiv(d.rowOffset + d.tokens, d.length), d.positionShape[1]];
}

/** @throws {ShapeError} where the tables are not as wide as the stream or hold too few positions. */
function checkPositions(d: PositionDims): void {
  const { positionShape, positionSizes, positionOffset, size } = d;
  const length = d.length - (d.padding ?? 0);
  if (positionSizes[0] + positionSizes[1] !== size) {
    throw new ShapeError(
      `position tables of width ${positionSizes.join(" + ")} do not fill a stream of width ${size}`,
    );
  }
  const rows = positionShape[0] * positionShape[1];
  if (positionOffset + length > rows) {
    throw new ShapeError(
      `positions ${positionOffset} to ${positionOffset + length - 1} need ${positionOffset + length} rows, the tables ` +
        `${positionShape.join(" × ")} hold ${rows}: shorten the text`,
      { needed: positionOffset + length, rows },
    );
  }
}

/** Word plus position vectors, as the stream's words. Equation, shapes and cost: shaders/embedding.wgsl. */
export const embedding = defineKernel<EmbeddingDims>({
  name: "embedding",
  sources: [threefry, control, dropout, stream, source],
  overrides: (d) => ({
    SIZE: d.size,
    SIZE0: d.positionSizes[0],
    AXIS1: d.positionShape[1],
    ROWS: d.positionShape[0] * d.positionShape[1],
    PLANES: Number(d.positions === "axial"),
    DROPOUT: d.dropout,
    FIXED_POINT: Number(d.fixedPoint),
  }),
  params: {
    tokens: "u32",
    length: "u32",
    rowOffset: "u32",
    positionOffset: "u32",
    site: "u32",
    positionSite: "u32",
    dropoutRate: "f32",
  },
  bindings: {
    ids: { access: "read", type: "u32", shape: (d) => [d.tokens] },
    word: { access: "read", shape: (d) => [d.vocab, d.size] },
    pos0: {
      access: "read",
      shape: (d) => {
        checkPositions(d);
        return [d.positionShape[0], d.positionSizes[0]];
      },
    },
    pos1: { access: "read", shape: (d) => [d.positionShape[1], d.positionSizes[1]], optional: true },
    control: { access: "read", type: "u32", shape: () => [16], optional: true },
    keepWord: { access: "read", type: "u32", shape: (d) => [d.tokens, d.size], optional: true },
    keepPosition: { access: "read", type: "u32", shape: positionMaskShape, optional: true },
    out: { access: "write", type: "i32", shape: (d) => [d.tokens, d.size] },
  },
  grid: (d) => lineGrid(ceilDiv(d.tokens * d.size, 256)),
  cost: (d) => ({ flops: d.tokens * d.size, bytes: 4 * d.tokens * (3 * d.size + 1) }),
});
