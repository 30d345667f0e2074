// Cases of LSH hashing: of whole numbers, whose sums are exact, so that ties and what breaks them are, too.
import type { Storage } from "../gpu/kernel.js";
import { type LshHashDims, rotationRounds } from "../kernels/lsh-hash.js";
import { answer } from "./answers.js";
import { halfWords, numbers, type SelfTestCase } from "./case.js";

/** Tokens: more than the 64 of a workgroup. */
const LENGTH = 67;

/** Of what makes a key, relative to it: two quotients, a sum and a product under a root. */
const SCALE_ERROR = 16 * 2 ** -24;

/** Index of the largest number but for one that is left out; of equals the first. */
function largest(scores: readonly number[], without = -1): number {
  let best = without === 0 ? 1 : 0;
  for (let i = best + 1; i < scores.length; i++) {
    if (i !== without && (scores[i] as number) > (scores[best] as number)) best = i;
  }
  return best;
}

/** Buckets of one vector from its projections: the winner's, and with the runner-up in the factor whose winner leads least. */
function bucketsOf(factors: readonly number[], y: readonly number[]): readonly [number, number] {
  let [column, product, bucket, least, change] = [0, 1, 0, Infinity, 0];
  for (const factor of factors) {
    const half = y.slice(column, column + factor / 2);
    const scores = [...half, ...half.map((value) => -value)];
    const first = largest(scores);
    const second = largest(scores, first);
    const lead = (scores[first] as number) - (scores[second] as number);
    if (lead < least) [least, change] = [lead, product * (second - first)];
    bucket += product * first;
    product *= factor;
    column += factor / 2;
  }
  return [bucket, bucket + change];
}

/** A case of which the first and the last head and rotation are compared. */
export function hashCase(given: LshHashDims, storage: Storage): SelfTestCase {
  const d = { ...given, batch: 1, length: LENGTH };
  const { heads, headSize, rounds, factors, rotationColumns: columns, masked, probes = 1 } = d;
  const turns = rotationRounds(rounds, probes);
  const qk = numbers(heads * LENGTH * headSize, 20);
  const rotations = numbers(heads * headSize * turns * columns, 21);
  const keyMask = Uint32Array.from({ length: LENGTH }, (_, token) => Number(token % 5 !== 2));
  const ids = factors.reduce((a, b) => a * b, 1);
  const buckets = answer(heads * rounds * LENGTH, Infinity);
  const isHidden = (token: number) => masked && keyMask[token] === 0;
  const scale = answer(heads * LENGTH);
  for (const at of scale.values.keys()) {
    const vector = qk.subarray(at * headSize, (at + 1) * headSize);
    const squares = vector.reduce((sum, x) => sum + x * x, 0); // exact
    const factor = isHidden(at % LENGTH) ? 0 : (squares + 1e-6 * headSize) ** -0.5;
    scale.values[at] = factor;
    scale.bounds[at] = SCALE_ERROR * factor;
  }
  for (const head of new Set([0, heads - 1])) {
    for (const turn of new Set([0, turns - 1])) {
      for (let token = 0; token < LENGTH; token++) {
        const y = Array.from({ length: columns }, (_, column) => {
          let sum = 0;
          for (let i = 0; i < headSize; i++) {
            const x = qk[(head * LENGTH + token) * headSize + i] as number;
            sum += x * (rotations[((head * headSize + i) * turns + turn) * columns + column] as number);
          }
          return sum;
        });
        const found = bucketsOf(factors, y);
        for (let probe = 0; probe < probes && turn * probes + probe < rounds; probe++) {
          const at = (head * rounds + turn * probes + probe) * LENGTH + token;
          buckets.values[at] = isHidden(token) ? ids : (found[probe] as number);
          buckets.bounds[at] = 0;
        }
      }
    }
  }
  return {
    dims: [d],
    given: { qk: storage === "half" ? halfWords(qk) : qk, rotations, ...(masked && { keyMask }) },
    expected: { buckets, scale },
  };
}
