// Cases of matrix products: their sums are exact in f32, those of stored halves too.
import { FEW_ROWS, type Halves, isResidual, type MatmulDims } from "../kernels/matmul.js";
import { ceilDiv } from "../shapes.js";
import { activated, derivative } from "./activations.js";
import { type Answer, answer, asHalves } from "./answers.js";
import { control, exactly, halfWords, numbers, type SelfTestCase, streamWords, type Values } from "./case.js";

/** Ranges of K begin at multiples of it (K_STEP in shaders/shared/matmul.wgsl). */
const K_STEP = 16;
/** Tokens in the heads layout are those of two sequences. */
const BATCH = 2;
/** The columns that an operand is of a stored matrix have so many before them, and behind them. */
const ASIDE = 4;

/** No whole tiles, but whole fours, which the wide forms need; axes of all heads have the model's size. */
function sizesOf(given: MatmulDims) {
  const few = given.transposeA ? 4 : 3;
  const mIsHeads = given.transposeA && given.aHeads;
  const nIsHeads = given.cHeads || (given.bHeads && !given.transposeB);
  const kIsHeads = (given.aHeads && !given.transposeA) || (given.bHeads && given.transposeB);
  const m = mIsHeads ? given.m : given.m > FEW_ROWS ? 68 : few;
  const n = nIsHeads ? given.n : 68;
  const k = kIsHeads ? given.k : 36;
  const tokens = Math.max(
    1,
    given.aHeads ? (given.transposeA ? k : m) : 0,
    given.bHeads ? (given.transposeB ? n : k) : 0,
    given.cHeads ? m : 0,
  );
  return { m, n, k, length: ceilDiv(tokens, BATCH), width: Math.max(n, k) + 2 * ASIDE };
}

/** Where the elements of an operand stand in memory, and how many numbers lie there with what is none of it. */
interface Layout {
  /** Of a pair, of each of the two: the second lies behind the first. */
  readonly size: number;
  readonly at: (row: number, column: number) => number;
}

function layoutOf(
  d: MatmulDims,
  [rows, columns]: readonly [number, number],
  { inHeads, within }: { readonly inHeads: boolean; readonly within: boolean },
): Layout {
  if (inHeads) {
    const { batch, heads, length, headSize } = d;
    const size = batch * heads * length * headSize;
    return {
      size,
      at: (token, column) => {
        const head = Math.floor(token / length) * heads + (Math.floor(column / headSize) % heads);
        const before = Math.floor(column / (heads * headSize)) * size;
        return before + (head * length + (token % length)) * headSize + (column % headSize);
      },
    };
  }
  const [width, first] = within ? [d.width, d.firstColumn] : [columns, 0];
  return { size: rows * width, at: (row, column) => row * width + first + column };
}

/** What memory holds of a matrix [rows, columns], which is stored transposed or not: beside it there are ones. */
function stored(
  d: MatmulDims,
  matrix: Float32Array,
  [rows, columns]: readonly [number, number],
  how: { readonly transposed: boolean; readonly inHeads: boolean; readonly within: boolean },
): Float32Array {
  const { transposed } = how;
  const { size, at } = layoutOf(d, transposed ? [columns, rows] : [rows, columns], how);
  const memory = new Float32Array(size).fill(1);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const place = transposed ? at(column, row) : at(row, column);
      memory[place] = matrix[row * columns + column] as number;
    }
  }
  return memory;
}

/** The terms of one split: of K in whole steps. */
function termsOf(d: MatmulDims, split: number): readonly [from: number, to: number] {
  const size = ceilDiv(ceilDiv(d.k, K_STEP), d.splits) * K_STEP;
  return [Math.min(d.k, split * size), Math.min(d.k, (split + 1) * size)];
}

/**
 * A case of a product of operands that are stored so, with `kept` sums or not; undefined with a given mask, or
 * a curved activation into a stream.
 */
export function productCase(given: MatmulDims, half: Halves = {}, kept = false): SelfTestCase | undefined {
  const residual = isResidual(given.store);
  if (given.dropout === 2 || (residual && given.activation !== "linear")) return undefined;
  const sizes = sizesOf(given);
  const { m, n, k } = sizes;
  const d: MatmulDims = {
    ...given,
    ...sizes,
    ...{ batch: BATCH, rowOffset: 0, dropoutRate: 0, splits: Math.min(given.splits, 2) },
    firstColumn: ASIDE,
  };
  const { columnsOf } = d;
  // Eighths: sums are small enough for curved activations to differ from lines.
  const [a, b] = [numbers(m * k, 1, 1 / 8), numbers(k * n, 2)];
  const [bias, before] = [numbers(n, 3), numbers(m * n, 4).map((x) => x + 1 / 4)];
  const ofC = layoutOf(d, [m, n], { inHeads: d.cHeads, within: columnsOf === "c" });
  const start = numbers(d.splits * ofC.size * (d.pair ? 2 : 1), 5);

  const out = exactly(start);
  const sums = answer(m * n);
  for (let split = 0; split < d.splits; split++) {
    const [from, to] = termsOf(d, split);
    for (let here = 0; here < m * n; here++) {
      const column = here % n;
      const row = (here - column) / n;
      let sum = d.bias ? (bias[column] as number) : 0;
      for (let i = from; i < to; i++) sum += (a[row * k + i] as number) * (b[i * n + column] as number);
      sums.values[here] = sum;
      finish(d, out, split * ofC.size + ofC.at(row, column), sum, before[here] as number);
    }
  }
  const asStored = (values: Float32Array, isHalf = false): Values => (isHalf ? halfWords(values) : values);
  const howA = { transposed: d.transposeA, inHeads: d.aHeads, within: false };
  const [first, second] = [0, 1].map((i) => partOf(out, i * ofC.size, d.splits * ofC.size)) as [
    Answer,
    Answer,
  ];
  const expected = (of: Answer) => (half.out ? asHalves(of) : of);
  const howB = { transposed: d.transposeB, inHeads: d.bHeads, within: columnsOf === "b" };
  return {
    dims: [d],
    given: {
      a: asStored(stored(d, a, [m, k], howA), half.a),
      b: asStored(stored(d, b, [k, n], howB), half.b),
      ...(d.bias && { bias }),
      ...(d.dropout === 1 && { control: control() }),
      ...(d.gradient && { before }),
      out: residual
        ? streamWords(start, d.fixedPoint)
        : asStored(start.slice(0, first.values.length), half.out),
      ...(d.pair && { second: asStored(start.slice(first.values.length), half.out) }),
    },
    expected: {
      out: residual ? exactly(streamWords(out.values, d.fixedPoint)) : expected(first),
      ...(d.pair && { second: expected(second) }),
      ...(kept && { kept: sums }),
    },
  };
}

const partOf = ({ values, bounds }: Answer, from: number, count: number): Answer => ({
  values: values.slice(from, from + count),
  bounds: bounds.slice(from, from + count),
});

/** The epilogue of one element of C, which stands at `at`. */
function finish(d: MatmulDims, out: Answer, at: number, sum: number, before: number): void {
  const curved = d.activation !== "linear";
  const value = d.gradient ? sum * derivative(d.activation, before) : activated(d.activation, sum);
  // What activation.wgsl allows, and as much again for the product with a derivative.
  const room = d.gradient ? 2 ** -18 * Math.abs(sum) : 2 ** -20 * Math.max(1, Math.abs(sum));
  const old = d.store === "set" ? 0 : (out.values[at] as number);
  const result = old + (d.store === "residualSub" ? -value : value);
  out.values[at] = result;
  out.bounds[at] = curved ? room + 2 ** -23 * Math.abs(result) : 0;
}
