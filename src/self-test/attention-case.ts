// Cases of attention, forward and backward.
import type { Dims, Storage } from "../gpu/kernel.js";
import { type ChunkAttentionDims, needsPlaces } from "../kernels/chunk-attention.js";
import type {
  ChunkAttentionBackwardDims,
  ChunkAttentionGradientsDims,
} from "../kernels/chunk-attention-backward.js";
import { ceilDiv, roundUp } from "../shapes.js";
import { type Answer, attended } from "./answers.js";
import { control, halfWords, numbers, type SelfTestCase, type Values } from "./case.js";

/** Tokens of attention over the whole sequence. */
const WHOLE = 64;
/** About so many tokens of a head are compared. */
const SAMPLES = 12;

/** Tokens of a chunk: no form's blocks are larger, so that longer chunks run in the same pipeline. */
const CHUNK = 128;

/** Chunks with one owner: in a round of two chunks both, in one of four all but the last. */
const CHUNKS_OWNED = 3;

function attention(given: ChunkAttentionDims, storage: Storage) {
  if (needsPlaces(given) || given.dropout === 2) return undefined;
  const whole = given.chunkLength === given.length && !given.sorted;
  const chunkLength = Math.min(given.chunkLength, whole ? WHOLE : CHUNK);
  // A chunk more in the ring than a window has, so that one in another place is another. An even number: then gradients
  // end where a binding may begin.
  const chunks = roundUp(ceilDiv(given.chunksBefore + given.chunksAfter + 2, given.rounds), 2);
  const length = whole ? chunkLength : chunks * chunkLength;
  const d = { ...given, batch: 1, length, chunkLength, dropoutRate: 0 };
  const { heads, headSize, rounds, shared, sorted } = d;
  const tokens = heads * length;
  const unit = 2 ** -Math.round(Math.log2(headSize) / 2);
  const vectors = (seed: number) => numbers(tokens * headSize, seed, unit);
  const stored = (values: Float32Array): Values => (storage === "half" ? halfWords(values) : values);
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
  const tensors: Readonly<Record<string, Values>> = {
    q: stored(q),
    v: stored(v),
    ...(!shared && { k: stored(k) }),
    ...(sorted && { order }),
    ...(d.dropout === 1 && { dropoutSource: control() }),
  };
  const rounded = Array.from({ length: rounds }, (_, round) => ({ ...d, round }));
  return { rounded, tensors, scale, dOut, rows, answers, shared };
}

export function attentionCase(given: ChunkAttentionDims, storage: Storage): SelfTestCase | undefined {
  const all = attention(given, storage);
  if (!all) return undefined;
  const dims = all.rounded as [ChunkAttentionDims, ...ChunkAttentionDims[]];
  return { dims, given: { ...all.tensors, scale: all.scale }, expected: { out: all.answers.out } };
}

type Gradient = "dq" | "dk" | "dv";

export function gradientCase(
  given: ChunkAttentionBackwardDims,
  gradient: Gradient,
  storage: Storage,
): SelfTestCase | undefined {
  const all = attention(given, storage);
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

export function jointCase(given: ChunkAttentionGradientsDims, storage: Storage): SelfTestCase | undefined {
  const all = attention(given, storage);
  if (!all) return undefined;
  const { shared, rounded, tensors, dOut, rows, answers } = all;
  const { k, order, ...rest } = tensors;
  const keys = order ?? new Uint32Array((k as Values).buffer);
  const { dq, dk, dv } = answers;
  const merged = (merge: (of: "values" | "bounds") => Float64Array): Answer => ({
    values: merge("values"),
    bounds: merge("bounds"),
  });
  const sum = merged((of) => dq[of].map((x, i) => x + (dk[of][i] as number)));
  const pair = merged((of) => Float64Array.from([...dk[of], ...dv[of]]));
  const dims = rounded.map((d) => ({ ...d, accumulate: d.round > 0, chunksOwned: CHUNKS_OWNED }));
  return {
    dims: dims as unknown as [Dims, ...Dims[]],
    given: { ...rest, keys, dOut, rows },
    expected: shared ? { dq: sum, dkv: dv } : { dq, dkv: pair },
  };
}
