import source from "../../shaders/embedding.wgsl?raw";
import control from "../../shaders/shared/control.wgsl?raw";
import dropout from "../../shaders/shared/dropout.wgsl?raw";
import stream from "../../shaders/shared/stream.wgsl?raw";
import threefry from "../../shaders/shared/threefry.wgsl?raw";
import { ShapeError } from "../errors.js";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, elements, layOut, lineGrid } from "../shapes.js";

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
  /** Rows of the tables of two or three axes, the slowest first; learned: of its only table. */
  readonly positionShape: readonly number[];
  /** Widths of the tables. */
  readonly positionSizes: readonly number[];
  /** Every table begins at a multiple of so many elements. */
  readonly align: number;
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

/** One table of positions. */
export interface PositionTable {
  readonly rows: number;
  readonly width: number;
  /** Its first column in the stream. */
  readonly column: number;
  /** Positions, one after the other, that have the same row of it. */
  readonly stride: number;
  /** Its first element where all tables lie one after the other. */
  readonly start: number;
}

/** The tables of positions, the slowest axis first, and where the last of them ends. */
export function positionTables({ positionShape, positionSizes, align }: PositionDims): {
  readonly tables: readonly PositionTable[];
  readonly end: number;
} {
  const widths = positionShape.map((_, axis) => positionSizes[axis] ?? 0);
  const lengths = positionShape.map((rows, axis) => rows * (widths[axis] as number));
  const { starts, end } = layOut(lengths, align);
  const { starts: columns } = layOut(widths, 1);
  const tables = positionShape.map((rows, axis) => ({
    rows,
    width: widths[axis] as number,
    column: columns[axis] as number,
    stride: elements(positionShape.slice(axis + 1)),
    start: starts[axis] as number,
  }));
  return { tables, end };
}

/** What one draw of the dropout of axial positions acts on, in each sequence: a row of the second table. */
export function positionPlanes(d: PositionDims): { readonly count: number; readonly stride: number } {
  const { rows: count, stride } = positionTables(d).tables[1] ?? { rows: 1, stride: 1 };
  return { count, stride };
}

/** Shape of the keep mask of positions: a plane of the axial tables per sequence, or every element of the slab. */
export function positionMaskShape(d: PositionDims): readonly number[] {
  if (d.positions === "learned") return [d.tokens, d.size];
  return [ceilDiv(d.rowOffset + d.tokens, d.length), positionPlanes(d).count];
}

/** @throws {ShapeError} where the tables are not as wide as the stream or hold too few positions. */
function checkPositions(d: PositionDims): void {
  const { positionShape, positionSizes, positionOffset, size } = d;
  const length = d.length - (d.padding ?? 0);
  if (positionSizes.reduce((sum, width) => sum + width, 0) !== size) {
    throw new ShapeError(
      `position tables of width ${positionSizes.join(" + ")} do not fill a stream of width ${size}`,
    );
  }
  const rows = elements(positionShape);
  if (positionOffset + length > rows) {
    throw new ShapeError(
      `positions ${positionOffset} to ${positionOffset + length - 1} need ${positionOffset + length} rows, the tables ` +
        `${positionShape.join(" × ")} hold ${rows}: shorten the text`,
      { needed: positionOffset + length, rows },
    );
  }
}

const NO_TABLE = { rows: 1, width: 0, start: 0 };

/** Word plus position vectors, as the stream's words. Equation, shapes and cost: shaders/embedding.wgsl. */
export const embedding = defineKernel<EmbeddingDims>({
  name: "embedding",
  sources: [threefry, control, dropout, stream, source],
  overrides: (d) => {
    const [first, second = NO_TABLE, third = NO_TABLE] = positionTables(d).tables;
    return {
      SIZE: d.size,
      SIZE0: first?.width ?? 0,
      SIZE1: second.width,
      START1: second.start,
      START2: third.start,
      AXIS1: second.rows,
      AXIS2: third.rows,
      ROWS: elements(d.positionShape),
      PLANES: Number(d.positions === "axial"),
      DROPOUT: d.dropout,
      FIXED_POINT: Number(d.fixedPoint),
    };
  },
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
    positions: {
      access: "read",
      shape: (d) => {
        checkPositions(d);
        return [positionTables(d).end];
      },
    },
    control: { access: "read", type: "u32", shape: () => [16], optional: true },
    keepWord: { access: "read", type: "u32", shape: (d) => [d.tokens, d.size], optional: true },
    keepPosition: { access: "read", type: "u32", shape: positionMaskShape, optional: true },
    out: { access: "write", type: "i32", shape: (d) => [d.tokens, d.size] },
  },
  grid: (d) => lineGrid(ceilDiv(d.tokens * d.size, 256)),
  cost: (d) => ({ flops: d.tokens * d.size, bytes: 4 * d.tokens * (3 * d.size + 1) }),
});
