import type { LshHashDims } from "../../src/kernels/lsh-hash.js";

/** Buckets, and for every one how far the deciding comparison was from a tie and the size of what it compared. */
export interface Hashed {
  readonly buckets: number[];
  /** Smallest difference of two projections that, the other way round, would give another bucket. */
  readonly margins: number[];
  /** Σ_j |q_j · rotation_j|, the largest over the columns; of fast rotations |z|, the largest over the rotations. */
  readonly magnitudes: number[];
}

/** One factor's buckets from the best to the worst: [y; -y], of equals the lower index first. */
function ranking(y: readonly number[]): { index: number; score: number }[] {
  const scores = [...y, ...y.map((value) => -value)];
  return scores
    .map((score, index) => ({ index, score }))
    .sort((a, b) => b.score - a.score || a.index - b.index);
}

/** Bucket of the first and of the second probe, from the projections on every column. */
function probe(factors: readonly number[], y: readonly number[]) {
  let column = 0;
  let product = 1;
  let first = 0;
  const leads: { lead: number; next: number; change: number }[] = [];
  for (const factor of factors) {
    const [best, second, third] = ranking(y.slice(column, column + factor / 2));
    first += product * best!.index;
    leads.push({
      lead: best!.score - second!.score,
      next: third ? second!.score - third.score : Number.POSITIVE_INFINITY,
      change: product * (second!.index - best!.index),
    });
    product *= factor;
    column += factor / 2;
  }
  const [least, other] = [...leads].sort((a, b) => a.lead - b.lead);
  const apart = other ? other.lead - least!.lead : Number.POSITIVE_INFINITY;
  return [
    { bucket: first, margin: least!.lead },
    // Two leads are differences themselves: they are off by twice as much.
    { bucket: first + least!.change, margin: Math.min(least!.lead, least!.next, apart / 2) },
  ] as const;
}

/** Loops over rows, rounds and tokens; `project` gives a token's projections of one rotation. */
function hashAll(
  dims: LshHashDims,
  keyMask: ArrayLike<number> | undefined,
  project: (row: number, token: number, rotation: number) => { y: number[]; magnitude: number },
): Hashed {
  const { batch, heads, length, rounds, factors, probes = 1 } = dims;
  const result: Hashed = { buckets: [], margins: [], magnitudes: [] };
  for (let row = 0; row < batch * heads; row++)
    for (let round = 0; round < rounds; round++)
      for (let token = 0; token < length; token++) {
        const { y, magnitude } = project(row, token, Math.floor(round / probes));
        const { bucket, margin } = probe(factors, y)[round % probes]!;
        const masked = keyMask && keyMask[Math.floor(row / heads) * length + token] === 0;
        result.buckets.push(masked ? factors.reduce((a, b) => a * b) : bucket);
        result.margins.push(masked ? Number.POSITIVE_INFINITY : margin);
        result.magnitudes.push(magnitude);
      }
  return result;
}

/** bucket = Σ_f argmax([q·Rot_f; -q·Rot_f]) · (product of earlier factors); masked tokens get the product. */
export function lshHash(
  dims: LshHashDims,
  qk: ArrayLike<number>,
  rotations: ArrayLike<number>,
  keyMask?: ArrayLike<number>,
): Hashed {
  const { heads, length, headSize, rounds, factors, probes = 1 } = dims;
  const columns = factors.reduce((sum, factor) => sum + factor / 2, 0);
  const rotated = Math.ceil(rounds / probes);
  return hashAll(dims, keyMask, (row, token, rotation) => {
    const y: number[] = [];
    let magnitude = 0;
    for (let c = 0; c < columns; c++) {
      let dot = 0;
      let size = 0;
      for (let j = 0; j < headSize; j++) {
        const at = (((row % heads) * headSize + j) * rotated + rotation) * columns + c;
        const term = qk[(row * length + token) * headSize + j]! * rotations[at]!;
        dot += term;
        size += Math.abs(term);
      }
      y.push(dot);
      magnitude = Math.max(magnitude, size);
    }
    return { y, magnitude };
  });
}

/** H·D3·H·D2·H·D1·x, H[i][j] = (-1)^(number of common bits of i and j); D changes sign where its bit is set. */
export function fastRotation(
  x: readonly number[],
  signs: (turn: number, component: number) => number,
): number[] {
  let z = [...x];
  for (let turn = 0; turn < 3; turn++) {
    const flipped = z.map((value, i) => (signs(turn, i) ? -value : value));
    z = flipped.map((_, i) => flipped.reduce((sum, value, j) => sum + (odd(i & j) ? -value : value), 0));
  }
  return z;
}

function odd(bits: number): boolean {
  let result = false;
  for (let rest = bits; rest > 0; rest &= rest - 1) result = !result;
  return result;
}

/** As `lshHash`, with the coordinates of fast rotations for the projections. */
export function lshHashHadamard(
  dims: LshHashDims,
  qk: ArrayLike<number>,
  signs: ArrayLike<number>,
  keyMask?: ArrayLike<number>,
): Hashed {
  const { heads, length, headSize, rounds, factors } = dims;
  const columns = factors.reduce((sum, factor) => sum + factor / 2, 0);
  let size = 1;
  while (size < headSize) size *= 2;
  const words = Math.ceil(size / 32);
  const rotations = Math.ceil(columns / size);
  return hashAll(dims, keyMask, (row, token, round) => {
    const x = Array.from({ length: size }, (_, j) =>
      j < headSize ? qk[(row * length + token) * headSize + j]! : 0,
    );
    const all = Array.from({ length: rotations }, (_, rotation) =>
      fastRotation(x, (turn, i) => {
        const diagonal = (((row % heads) * rounds + round) * rotations + rotation) * 3 + turn;
        return (signs[diagonal * words + Math.floor(i / 32)]! >>> (i % 32)) & 1;
      }),
    );
    return {
      y: all.flat().slice(0, columns),
      magnitude: Math.max(...all.map((z) => Math.hypot(...z))),
    };
  });
}
