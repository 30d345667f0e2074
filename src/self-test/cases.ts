// Tiny cases of the kernels that come in several forms. A case has the settings that a plan compiles a kernel with, so
// that testing it compiles nothing that is not needed anyway, and small sizes that cross the borders of tiles and chunks.
import type { Dims, Kernel } from "../gpu/kernel.js";
import { type ChunkAttentionDims, chunkAttention, needsPlaces } from "../kernels/chunk-attention.js";
import {
  type ChunkAttentionBackwardDims,
  chunkAttentionDk,
  chunkAttentionDq,
  chunkAttentionDv,
  chunkAttentionGradients,
} from "../kernels/chunk-attention-backward.js";
import {
  type LayerNormDims,
  layerNorm,
  layerNormBackward,
  layerNormPairBackward,
} from "../kernels/layer-norm.js";
import { type MatmulDims, matmul, matmulResidual } from "../kernels/matmul.js";
import { type Answer, answer, attended, normalized, product } from "./answers.js";

type Values = Float32Array | Uint32Array | Int32Array;

/** Dispatches of one kernel, one after another on the same tensors. */
export interface SelfTestCase {
  /** Of every dispatch. */
  readonly dims: readonly [Dims, ...Dims[]];
  /** Contents of bindings before the first dispatch; others hold NaN, or are left out where they may be. */
  readonly given: Readonly<Record<string, Values>>;
  /** Contents of bindings after the last one. */
  readonly expected: Readonly<Record<string, Answer>>;
}

/** Whole numbers from -3 to 3 without a pattern, times `unit`. */
function numbers(count: number, seed: number, unit = 1): Float32Array {
  const number = (i: number) => ((Math.imul(i + 1000 * seed + 1, 0x9e3779b1) >>> 16) % 7) - 3;
  return Float32Array.from({ length: count }, (_, i) => number(i) * unit);
}

const exactly = (values: ArrayLike<number>): Answer => ({
  ...answer(values.length),
  values: Float64Array.from(values),
});

/** Words of a residual stream. */
const words = (values: ArrayLike<number>, fixedPoint: boolean): Int32Array =>
  fixedPoint ? Int32Array.from(values, (x) => x * 2 ** 16) : new Int32Array(Float32Array.from(values).buffer);

/** Control words: with a dropout rate of 0 every weight is kept, whatever is drawn. */
const control = () => new Uint32Array(16);

function productCase(given: MatmulDims): SelfTestCase | undefined {
  const { aHeads, bHeads, cHeads, activation, gradient, dropout, splits, store, fixedPoint } = given;
  if (aHeads || bHeads || cHeads || activation !== "linear" || gradient || dropout === 2 || splits > 1) {
    return undefined;
  }
  // No whole tiles, but whole fours, which the wide forms need.
  const d = { ...given, m: given.m > 8 ? 68 : 3, n: 68, k: 36, rowOffset: 0, dropoutRate: 0 };
  const [a, b, bias, start] = [d.m * d.k, d.k * d.n, d.n, d.m * d.n].map((n, i) => numbers(n, i)) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  const sums = product(d, a, b, d.bias ? bias : undefined);
  const sign = store === "residualSub" ? -1 : 1;
  const all = store === "set" ? sums : sums.map((sum, i) => (start[i] as number) + sign * sum);
  const stored = (values: Float32Array | Float64Array) =>
    store.startsWith("residual") ? words(values, fixedPoint) : Float32Array.from(values);
  return {
    dims: [d],
    given: {
      a,
      b,
      ...(d.bias && { bias }),
      ...(dropout === 1 && { control: control() }),
      ...(store !== "set" && { out: stored(start) }),
    },
    expected: { out: exactly(stored(all)) },
  };
}

function norm(given: LayerNormDims) {
  const d = { ...given, rows: 6, slot: 0 };
  const columns = d.pair ? 2 * d.size : d.size;
  const [x, gamma, beta, dOut] = [
    numbers(d.rows * columns, 8, 0.5),
    numbers(columns, 9, 0.25),
    numbers(columns, 10),
    numbers(d.rows * columns, 11),
  ] as const;
  const answers = normalized(d, columns, [x, gamma, beta, dOut]);
  const side = <T extends Float32Array | Float64Array>(values: T, second: boolean) =>
    values.filter((_, i) => i % columns >= d.size === second) as T;
  return { d, x, gamma, beta, dOut, side, answers };
}

function normCase(given: LayerNormDims): SelfTestCase {
  const { d, x, gamma, beta, side, answers } = norm(given);
  const top = words([1.5], d.fixedPoint); // the largest of x
  return {
    dims: [d],
    given: {
      x1: words(side(x, false), d.fixedPoint),
      ...(d.pair && { x2: words(side(x, true), d.fixedPoint) }),
      gamma,
      beta,
      status: new Uint32Array(64),
    },
    expected: { out: answers.out, status: exactly([...top, ...new Uint32Array(63)]) },
  };
}

function normGradientCase(given: LayerNormDims): SelfTestCase {
  const { d, x, gamma, dOut, side, answers } = norm(given);
  const { dx, dGammaParts, dBetaParts } = answers;
  const parts = { dGammaParts, dBetaParts };
  if (!d.pair) {
    const start = numbers(dx.values.length, 12);
    const values = dx.values.map((value, i) => value + (start[i] as number));
    const bounds = dx.bounds.map((bound) => bound + 2 ** -21); // of the addition
    return {
      dims: [d],
      given: { x: words(x, d.fixedPoint), gamma, dOut, dx: start },
      expected: { dx: { values, bounds }, ...parts },
    };
  }
  const half = (second: boolean) => ({ values: side(dx.values, second), bounds: side(dx.bounds, second) });
  const stream = (second: boolean) => words(side(x, second), d.fixedPoint);
  return {
    dims: [d],
    given: { x1: stream(false), x2: stream(true), gamma, dOut },
    expected: { dx1: half(false), dx2: half(true), ...parts },
  };
}

/** Tokens of attention over the whole sequence. */
const WHOLE = 64;
/** About so many tokens of a head are compared. */
const SAMPLES = 12;

function attention(given: ChunkAttentionDims) {
  if (needsPlaces(given) || given.dropout === 2) return undefined;
  const whole = given.chunkLength === given.length && !given.sorted;
  const chunkLength = whole ? Math.min(given.length, WHOLE) : given.chunkLength;
  // A chunk more in the ring than a window has, so that one in another place is another.
  const chunks = Math.ceil((given.chunksBefore + given.chunksAfter + 2) / given.rounds);
  const length = whole ? chunkLength : Math.max(2, chunks) * chunkLength;
  const d = { ...given, batch: 1, length, chunkLength, dropoutRate: 0 };
  const { heads, headSize, rounds, shared, sorted } = d;
  const tokens = heads * length;
  const vectors = (seed: number) => numbers(tokens * headSize, seed, 1 / Math.sqrt(headSize));
  const [q, v, dOut] = [vectors(13), vectors(14), vectors(15)];
  const k = shared ? q : vectors(16);
  const order = Uint32Array.from({ length: tokens * rounds }, (_, at) =>
    // A factor without a common divisor with the length: every token has a slot.
    sorted ? (at * (length % 7 ? 7 : 1) + 3 * Math.floor(at / length)) % length : at % length,
  );
  const scale = Float32Array.from({ length: tokens }, (_, t) => {
    if (d.masked && t % length > 0 && t % 5 === 2) return 0; // hidden; every row sees the first token
    const own = k.subarray(t * headSize, (t + 1) * headSize);
    const squares = own.reduce((sum, x) => sum + x * x, 0);
    return 1 / Math.sqrt(shared ? squares + headSize * 1e-6 : headSize);
  });
  const rows = Float32Array.from({ length: 4 * tokens }, (_, i) => {
    const token = Math.floor(i / 4);
    return [1 + (token % 3) / 4, 0.5, (token % 5) / 8 - 0.25, scale[token] as number][i % 4] as number;
  });
  const step = Math.ceil(length / SAMPLES);
  const answers = attended(d, { q, k, v, dOut, order, rows }, (t) => t % step === 0 || t === length - 1);
  const tensors = {
    q,
    v,
    ...(!shared && { k }),
    ...(sorted && { order }),
    ...(d.dropout === 1 && { dropoutSource: control() }),
  };
  const rounded = Array.from({ length: rounds }, (_, round) => ({ ...d, round }));
  return { rounded, tensors, scale, dOut, rows, answers, shared };
}

function attentionCase(given: ChunkAttentionDims): SelfTestCase | undefined {
  const all = attention(given);
  if (!all) return undefined;
  const dims = all.rounded as [ChunkAttentionDims, ...ChunkAttentionDims[]];
  return { dims, given: { ...all.tensors, scale: all.scale }, expected: { out: all.answers.out } };
}

type Gradient = "dq" | "dk" | "dv";

function gradientCase(given: ChunkAttentionBackwardDims, gradient: Gradient): SelfTestCase | undefined {
  const all = attention(given);
  if (!all) return undefined;
  const { rounded, tensors, dOut, rows, answers, shared } = all;
  const added = shared && gradient === "dk"; // of shared keys it is added to the queries' gradient
  const dims = rounded.map((d) => ({ ...d, accumulate: added || d.round > 0 }));
  const expected = answers[gradient];
  return {
    dims: dims as unknown as [Dims, ...Dims[]],
    given: { ...tensors, dOut, rows, ...(added && { gradient: new Float32Array(expected.values.length) }) },
    expected: { gradient: expected },
  };
}

function jointCase(given: ChunkAttentionBackwardDims): SelfTestCase | undefined {
  const all = attention(given);
  if (!all) return undefined;
  const { shared, rounded, tensors, dOut, rows, answers } = all;
  const { k, order, ...rest } = tensors as Record<string, Values>;
  const keys = order ?? new Uint32Array((k as Float32Array).buffer);
  const { dq, dk, dv } = answers;
  const merged = (merge: (of: keyof Answer) => Float64Array): Answer => ({
    values: merge("values"),
    bounds: merge("bounds"),
  });
  const sum = merged((of) => dq[of].map((x, i) => x + (dk[of][i] as number)));
  const pair = merged((of) => Float64Array.from([...dk[of], ...dv[of]]));
  const dims = rounded.map((d) => ({ ...d, accumulate: d.round > 0 }));
  return {
    dims: dims as unknown as [Dims, ...Dims[]],
    given: { ...rest, keys, dOut, rows },
    expected: shared ? { dq: sum, dkv: dv } : { dq, dkv: pair },
  };
}

const MAKERS: Readonly<Record<string, (dims: never) => SelfTestCase | undefined>> = {
  [matmul.name]: productCase,
  [matmulResidual.name]: productCase,
  [layerNorm.name]: normCase,
  [layerNormBackward.name]: normGradientCase,
  [layerNormPairBackward.name]: normGradientCase,
  [chunkAttention.name]: attentionCase,
  [chunkAttentionGradients.name]: jointCase,
  [chunkAttentionDq.name]: (d: ChunkAttentionBackwardDims) => gradientCase(d, "dq"),
  [chunkAttentionDk.name]: (d: ChunkAttentionBackwardDims) => gradientCase(d, "dk"),
  [chunkAttentionDv.name]: (d: ChunkAttentionBackwardDims) => gradientCase(d, "dv"),
};

/** A case of a kernel as `dims` compile it; undefined where there is none. */
export function caseOf(kernel: Kernel<Dims>, dims: Dims): SelfTestCase | undefined {
  return MAKERS[kernel.name]?.(dims as never);
}
