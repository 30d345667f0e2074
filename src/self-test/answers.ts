// What the kernels of the self-test should give, from the equations in their WGSL headers, in f64 and as plain loops; and
// how far f32 may be off, to first order in its rounding u.
import type { ChunkAttentionDims } from "../kernels/chunk-attention.js";
import type { LayerNormDims } from "../kernels/layer-norm.js";

const U = 2 ** -24;

/** Values of a tensor and the bound of each one's error; infinite where a value is not computed here. */
export interface Answer {
  readonly values: Float64Array;
  readonly bounds: Float64Array;
  /** The tensor has them as halves, two to a word. */
  readonly halves?: boolean;
}

type Numbers = ArrayLike<number>;

export function answer(count: number, bound = 0): Answer {
  return { values: new Float64Array(count), bounds: new Float64Array(count).fill(bound) };
}

/** The same of a tensor that has them as halves: devices may round up or down. */
export const asHalves = ({ values, bounds }: Answer): Answer => ({
  values,
  bounds: bounds.map((bound, i) => bound + 2 ** -10 * (Math.abs(values[i] as number) + bound) + 2 ** -24),
  halves: true,
});

const get = (values: Numbers, i: number): number => values[i] as number;

function add({ values, bounds }: Answer, i: number, value: number, bound: number): void {
  values[i] = get(values, i) + value;
  bounds[i] = get(bounds, i) + bound;
}

/** Layer norm of rows of `columns` values and its gradients for `dOut`: of x, and of gamma and beta by parts of rows. */
export function normalized(
  { rows, eps, rowsPerPart }: LayerNormDims,
  columns: number,
  [x, gamma, beta, dOut]: readonly [x: Numbers, gamma: Numbers, beta: Numbers, dOut: Numbers],
) {
  const parts = Math.ceil(rows / rowsPerPart) * columns;
  const [out, dx] = [answer(rows * columns), answer(rows * columns)];
  const [dGammaParts, dBetaParts] = [answer(parts), answer(parts)];
  const u = (columns + 32) * U; // a sum over a row, and what else there is
  for (let first = 0; first < rows * columns; first += columns) {
    const mean = (of: (i: number) => number) => {
      let sum = 0;
      for (let i = 0; i < columns; i++) sum += of(i);
      return sum / columns;
    };
    const middle = mean((i) => get(x, first + i));
    const scale = 1 / Math.sqrt(mean((i) => (get(x, first + i) - middle) ** 2) + eps);
    const unit = (i: number) => (get(x, first + i) - middle) * scale;
    const g = (i: number) => get(dOut, first + i) * get(gamma, i);
    const [meanG, meanGX] = [mean(g), mean((i) => g(i) * unit(i))];
    const size = 1 + 2 * scale * mean((i) => Math.abs(get(x, first + i))); // of what unit is a difference of
    const sizeG = mean((i) => Math.abs(g(i)));
    for (let i = 0; i < columns; i++) {
      const part = Math.floor(first / columns / rowsPerPart) * columns + i;
      const d = get(dOut, first + i);
      const [y, room] = [unit(i), u * (size + Math.abs(unit(i)))];
      add(out, first + i, y * get(gamma, i) + get(beta, i), room * Math.abs(get(gamma, i)) + U * 4);
      const bound = room * (Math.abs(g(i)) + 2 * sizeG * (1 + Math.abs(y)));
      add(dx, first + i, (g(i) - meanG - y * meanGX) * scale, scale * (bound + room * size * sizeG));
      add(dGammaParts, part, d * y, room * Math.abs(d));
      add(dBetaParts, part, d, 0);
    }
  }
  return { out, dx, dGammaParts, dBetaParts };
}

export interface AttendedTensors {
  /** [heads, length, headSize], as k, v and dOut; `k` is `q` of shared keys. */
  readonly q: Numbers;
  readonly k: Numbers;
  readonly v: Numbers;
  readonly dOut: Numbers;
  /** [heads, rounds, length]: the token at each slot. */
  readonly order: Numbers;
  /** [heads, length, 4]: (m in base 2, 1/l, D, scale); the gradients' formulas hold for any (m, 1/l, D). */
  readonly rows: Numbers;
}

/**
 * Attention of one sequence over all rounds and its gradients, for tokens of the first and the last head that are
 * `sampled`. Of shared keys dk is the part of the gradient of q that goes through the norm of the keys.
 */
export function attended(
  d: Omit<ChunkAttentionDims, "round">,
  { q, k, v, dOut, order, rows }: AttendedTensors,
  sampled: (token: number) => boolean,
) {
  const { heads, length, headSize: size, chunkLength } = d;
  const slots = d.rounds * length;
  const window = chunkLength * (1 + d.chunksBefore + d.chunksAfter);
  const tensor = () => answer(heads * length * size, Infinity);
  const [out, dq, dk, dv] = [tensor(), tensor(), tensor(), tensor()];
  const dot = (x: Numbers, i: number, y: Numbers, j: number, of = (z: number) => z) => {
    let sum = 0;
    for (let c = 0; c < size; c++) sum += of(get(x, i * size + c) * get(y, j * size + c));
    return sum;
  };
  const addRow = (to: Answer, i: number, from: Numbers, j: number, factor: number, room: number) => {
    for (let c = 0; c < size; c++) {
      const x = get(from, j * size + c);
      add(to, i * size + c, factor * x, room * Math.abs(x));
    }
  };
  for (const head of new Set([0, heads - 1])) {
    const at = head * length;
    const met = new Map<number, { key: number; logit: number; room: number }[]>();
    for (let t = 0; t < length; t++) {
      if (!sampled(t)) continue;
      met.set(at + t, []);
      for (const to of [out, dq, dk, dv]) to.bounds.fill(0, (at + t) * size, (at + t + 1) * size);
    }
    for (let slot = 0; slot < slots; slot++) {
      const query = at + get(order, head * slots + slot);
      const start = (Math.floor(slot / chunkLength) - d.chunksBefore) * chunkLength + slots;
      for (let column = 0; column < window; column++) {
        const key = at + get(order, head * slots + ((start + column) % slots));
        const [pairs, ofKey] = [met.get(query), met.has(key)];
        if (!pairs && !ofKey) continue;
        const scale = get(rows, 4 * key + 3);
        const alone = d.shared && key === query;
        const live = !alone && scale > 0 && !(d.causal && key > query);
        const logit = live ? dot(q, query, k, key) * scale : alone ? -1e5 : -1e9;
        const terms = live ? dot(q, query, k, key, Math.abs) * scale : 0;
        /** Relative error of a weight: of its score, of exp2 as WGSL allows it, of rescaled sums of all terms. */
        const room = (m: number) =>
          U * ((2 * size + 12) * terms + 8 * Math.abs(logit - m) + 4 * d.rounds * window + size + 32);
        pairs?.push({ key, logit, room: room(0) });
        const [m, inverse, delta] = [0, 1, 2].map((i) => get(rows, 4 * query + i)) as [
          number,
          number,
          number,
        ];
        const weight = Math.exp(logit - m * Math.LN2) * inverse;
        if (weight === 0) continue;
        const weightRoom = room(m * Math.LN2);
        if (ofKey) addRow(dv, key, dOut, query, weight, weight * weightRoom);
        if (!live) continue;
        const factor = weight * scale;
        const dScore = factor * (dot(dOut, query, v, key) - delta);
        const dRoom = factor * weightRoom * (dot(dOut, query, v, key, Math.abs) + Math.abs(delta));
        if (pairs) addRow(dq, query, k, key, dScore, dRoom);
        if (ofKey) addRow(dk, key, q, query, dScore, dRoom);
      }
    }
    for (const [query, pairs] of met) {
      const m = pairs.reduce((most, { logit }) => Math.max(most, logit), -Infinity);
      const l = pairs.reduce((sum, { logit }) => sum + Math.exp(logit - m), 0);
      const worst = pairs.reduce(
        (most, { logit, room }) => Math.max(most, logit < -1e4 ? 0 : room),
        U * 8 * window,
      );
      for (const { key, logit } of pairs) {
        const weight = Math.exp(logit - m) / l;
        addRow(out, query, v, key, weight, 4 * worst * weight);
      }
      if (d.shared) throughNorm(query, get(rows, 4 * query + 3));
    }
  }
  return { out, dq, dk, dv };

  /** dk −= scale²·k·(k·dk) */
  function throughNorm(token: number, scale: number): void {
    const along = scale ** 2 * dot(k, token, dk.values, token);
    const room = scale ** 2 * dot(k, token, dk.bounds, token, Math.abs);
    for (let i = token * size; i < (token + 1) * size; i++) {
      const x = get(k, i);
      add(dk, i, -x * along, Math.abs(x) * room);
    }
  }
}
