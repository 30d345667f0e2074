import columnSumsSource from "../../shaders/reduce.column-sums.wgsl?raw";
import source from "../../shaders/reduce.wgsl?raw";
import { defineKernel } from "../gpu/kernel.js";
import { ceilDiv, layOut, lineGrid } from "../shapes.js";

/** One tensor's partial sums, [parts, count]; of no parts: the tensor is left as it is. */
export interface PartialSet {
  readonly parts: number;
  readonly count: number;
}

/** Columns of a matrix of `width`, those from `first` on. */
export interface WithinColumns {
  readonly columns: number;
  readonly width: number;
  readonly first: number;
}

/** Sets of partial sums that one dispatch adds up. */
export const MAX_SETS = 5;
type SetNumber = 0 | 1 | 2 | 3 | 4;

export type SumPartialsDims = Readonly<Record<`parts${SetNumber}` | `count${SetNumber}`, number>> & {
  /** Adds to `out` instead of overwriting it. */
  readonly add: boolean;
  /** Elements at whose multiples the sets begin, and the tensors that they are summed into. */
  readonly align: number;
  /** The sums are those of a single set, a matrix of `columns` columns, and `out` is the wider one that they are part of. */
  readonly within: boolean;
} & WithinColumns;

/** Dims for at most `MAX_SETS` sets of neighbours in memory, in their order; without `align` they lie end to end. */
export function sumPartialsDims(
  sets: readonly PartialSet[],
  options: {
    readonly add: boolean;
    readonly align?: number;
    readonly within?: WithinColumns | undefined;
  },
): SumPartialsDims {
  if (sets.length > MAX_SETS) throw new Error(`internal: ${sets.length} sets of partial sums`);
  const { add, align = 1, within } = options;
  if (within && sets.length > 1) throw new Error("internal: several sets within columns");
  const [s0, s1, s2, s3, s4] = sets;
  return {
    ...{ parts0: s0?.parts ?? 0, count0: s0?.count ?? 0, parts1: s1?.parts ?? 0, count1: s1?.count ?? 0 },
    ...{ parts2: s2?.parts ?? 0, count2: s2?.count ?? 0, parts3: s3?.parts ?? 0, count3: s3?.count ?? 0 },
    ...{ parts4: s4?.parts ?? 0, count4: s4?.count ?? 0, add, align },
    within: within !== undefined,
    ...(within ?? { columns: 1, width: 1, first: 0 }),
  };
}

const setsOf = (d: SumPartialsDims): PartialSet[] => [
  { parts: d.parts0, count: d.count0 },
  { parts: d.parts1, count: d.count1 },
  { parts: d.parts2, count: d.count2 },
  { parts: d.parts3, count: d.count3 },
  { parts: d.parts4, count: d.count4 },
];

/** Invocations that share one element's sum where there are many parts to read one after another. */
const LANES = 16;
const MANY_PARTS = 32;
const lanes = (parts: number) => (parts < MANY_PARTS ? 1 : LANES);

/** out[count] (+)= Σ_p partials[p, count], for every set. Specification: shaders/reduce.wgsl. */
export const sumPartials = defineKernel<SumPartialsDims>({
  name: "reduce",
  sources: [source],
  overrides: ({ align, add, within }) => ({
    LANES,
    MANY: MANY_PARTS,
    ALIGN: align,
    ADD: Number(add),
    WITHIN: Number(within),
  }),
  params: {
    ...{ parts0: "u32", count0: "u32", parts1: "u32", count1: "u32", parts2: "u32", count2: "u32" },
    ...{ parts3: "u32", count3: "u32", parts4: "u32", count4: "u32" },
    ...{ columns: "u32", width: "u32", first: "u32" },
  },
  bindings: {
    partials: {
      access: "read",
      shape: (d) => [
        layOut(
          setsOf(d).map(({ parts, count }) => parts * count),
          d.align,
        ).end,
      ],
    },
    out: {
      access: "read_write",
      shape: (d) => [
        d.within
          ? (d.count0 / d.columns) * d.width
          : layOut(
              setsOf(d).map(({ count }) => count),
              d.align,
            ).end,
      ],
    },
  },
  grid: (d) =>
    lineGrid(
      setsOf(d).reduce((sum, { parts, count }) => sum + (parts ? ceilDiv(count * lanes(parts), 256) : 0), 0),
    ),
  cost: (d) => {
    const flops = setsOf(d).reduce((sum, { parts, count }) => sum + parts * count, 0);
    const outputs = setsOf(d).reduce((sum, { parts, count }) => sum + (parts ? count : 0), 0);
    return { flops, bytes: 4 * (flops + (1 + Number(d.add)) * outputs) };
  },
});

export interface ColumnSumsDims {
  readonly rows: number;
  readonly columns: number;
  /** Rows of one partial sum. */
  readonly rowsPerPart: number;
}

const parts = (d: ColumnSumsDims) => ceilDiv(d.rows, d.rowsPerPart);

/**
 * Sums of the columns of x[rows, columns] over parts of its rows, for `sumPartials`. The sum of a vector is that of a
 * matrix of one column. Specification: shaders/reduce.column-sums.wgsl.
 */
export const columnSums = defineKernel<ColumnSumsDims>({
  name: "reduce:column-sums",
  sources: [columnSumsSource],
  overrides: () => ({}),
  params: { rows: "u32", columns: "u32", rowsPerPart: "u32" },
  bindings: {
    x: { access: "read", shape: (d) => [d.rows, d.columns] },
    partials: { access: "write", shape: (d) => [parts(d), d.columns] },
  },
  grid: (d) => [ceilDiv(d.columns, 64), parts(d), 1],
  cost: (d) => ({ flops: d.rows * d.columns, bytes: 4 * (d.rows + parts(d)) * d.columns }),
});
