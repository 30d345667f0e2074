import { describe, expect, test } from "vitest";
import { markSeen, sampleToken } from "../../src/kernels/sampling.js";
import { Random, randomKey, threefry2x32, uniformOf } from "../../src/random.js";
import * as oracle from "../oracle/sampling.js";
import { U32 } from "../support/close.js";
import { call, runKernels } from "../support/run-kernel.js";

const SEED = 2 ** 40 + 5;
const SITE = 0xffff_ffff;

function controlWith(sampling: oracle.Sampling, draw: number): Uint32Array {
  const control = new Uint32Array(16);
  const floats = new Float32Array(control.buffer);
  control.set([...randomKey(SEED), draw]);
  control[10] = sampling.topK;
  floats[9] = sampling.temperature;
  floats[11] = sampling.topP;
  floats[12] = sampling.repetitionPenalty;
  return control;
}

const uniformAt = (draw: number, row: number) =>
  uniformOf(threefry2x32(threefry2x32(randomKey(SEED), [draw, SITE]), [row, 0])[0]);

/** Logits and prompts; ids from `vocab` on are padding. Some logits occur twice where `ties`. */
function inputs(batch: number, vocab: number, spread: number, ties: boolean) {
  const random = new Random(vocab, batch);
  const logits = Float32Array.from({ length: batch * vocab }, () => {
    const z = spread * random.normal();
    return ties ? Math.round(4 * z) / 4 : z;
  });
  const ids = Uint32Array.from({ length: batch * 70 }, (_, i) => (i % 70 > 66 ? vocab : random.below(vocab)));
  return { logits, ids };
}

function sample(
  batch: number,
  vocab: number,
  { logits, ids }: ReturnType<typeof inputs>,
  sampling: oracle.Sampling,
  draw: number,
  twice = false,
) {
  const seen = new Uint32Array(batch * Math.ceil(vocab / 32));
  const calls = [call(markSeen, { batch, length: 70, vocab }), call(sampleToken, { batch, vocab })];
  const names = { seen: "seen2", tokens: "tokens2" };
  if (twice)
    calls.push(
      call(markSeen, { batch, length: 70, vocab }, names),
      call(sampleToken, { batch, vocab }, names),
    );
  return runKernels(calls, {
    seen,
    ...(twice ? { seen2: seen } : {}),
    ids,
    logits,
    control: controlWith(sampling, draw),
  });
}

const plain: oracle.Sampling = { temperature: 1, topK: 0, topP: 1, repetitionPenalty: 1 };
type Case = [
  why: string,
  batch: number,
  vocab: number,
  spread: number,
  ties: boolean,
  sampling: oracle.Sampling,
];
const CASES: Case[] = [
  ["plain", 24, 77, 2, false, plain],
  ["a temperature of 0.5", 24, 77, 2, false, { ...plain, temperature: 0.5 }],
  ["a temperature of 0 and ties", 24, 77, 2, true, { ...plain, temperature: 0 }],
  ["top k", 24, 77, 2, false, { ...plain, topK: 5 }],
  ["top k and ties", 24, 77, 1, true, { ...plain, topK: 5 }],
  ["top k of 1", 24, 77, 2, false, { ...plain, topK: 1 }],
  ["top k above the vocabulary", 24, 77, 2, false, { ...plain, topK: 1000 }],
  ["top p", 24, 77, 2, false, { ...plain, topP: 0.7 }],
  ["top p and ties", 24, 77, 1, true, { ...plain, topP: 0.7 }],
  ["a tiny top p", 24, 77, 2, false, { ...plain, topP: 1e-6 }],
  ["a repetition penalty", 24, 77, 2, false, { ...plain, repetitionPenalty: 2 }],
  [
    "a repetition penalty at temperature 0",
    40,
    77,
    2,
    false,
    { ...plain, temperature: 0, repetitionPenalty: 4 },
  ],
  ["everything together", 24, 77, 2, true, { temperature: 1.5, topK: 20, topP: 0.8, repetitionPenalty: 2 }],
  ["two tokens", 24, 2, 1, false, plain],
  ["logits of ±10,000", 24, 77, 10_000, false, { ...plain, temperature: 0.01, topP: 0.9 }],
  ["65,536 tokens", 3, 65_536, 3, false, { ...plain, topK: 200, topP: 0.9 }],
  ["all of 65,536 tokens", 3, 65_536, 3, false, plain],
];

test.each(CASES)(
  "sampleToken() with %s takes the oracle's tokens, the same every time",
  async (_, batch, vocab, spread, ties, sampling) => {
    const given = inputs(batch, vocab, spread, ties);
    const draw = 7;
    const { tokens, tokens2, seen } = await sample(batch, vocab, given, sampling, draw, true);
    let closeCuts = 0;
    for (let row = 0; row < batch; row++) {
      const prompt = new Set([...given.ids.subarray(row * 70, (row + 1) * 70)].filter((id) => id < vocab));
      const logits = given.logits.subarray(row * vocab, (row + 1) * vocab);
      const { shares, margin } = oracle.tokenShares(logits, prompt, sampling);
      // Sums of weights as shares of their total. A weight is off by exp's 3 + 2|x| ULP and by its exponent x = (z - max) /
      // temperature's roundings, 6|x|; a sum by its longest path, in the draw or in the search for the cut.
      const top = shares.reduce((a, b) => Math.max(a, b));
      const away = shares.reduce((sum, share) => sum + (share ? share * Math.log(top / share) : 0), 0);
      const path = 2 * (Math.ceil(vocab / 256) + Math.min(vocab, 256)) + 8;
      const noise = U32 * (6 + 10 * away + path);
      if (margin < noise) closeCuts++;
      else {
        const token = tokens![row]!;
        const before = shares.subarray(0, token).reduce((sum, share) => sum + share, 0);
        const aside = Math.max(before - uniformAt(draw, row), uniformAt(draw, row) - before - shares[token]!);
        expect(shares[token], `share of row ${row}'s token ${token}`).toBeGreaterThan(0);
        expect(aside, `row ${row}: distance of token ${token} from the draw`).toBeLessThanOrEqual(noise);
      }
      const words = seen!.subarray(row * Math.ceil(vocab / 32), (row + 1) * Math.ceil(vocab / 32));
      const marked = [...words].flatMap((word, w) =>
        Array.from({ length: 32 }, (_, bit) => 32 * w + bit).filter((id) => (word >>> (id % 32)) & 1),
      );
      expect(marked).toEqual([...prompt.add(tokens![row]!)].sort((a, b) => a - b));
    }
    expect(closeCuts, "rows whose cut is too close to call").toBeLessThanOrEqual(batch / 24);
    expect(tokens2).toEqual(tokens);
  },
);

describe("sampleToken() draws", () => {
  const batch = 600;
  const vocab = 5;
  const shares = [0.4, 0.3, 0.15, 0.1, 0.05];
  const logits = Float32Array.from({ length: batch * vocab }, (_, i) => Math.log(shares[i % vocab]!));
  const given = { logits, ids: new Uint32Array(batch * 70).fill(vocab) };

  test("each token as often as it is likely, and others with another draw", async () => {
    const first = (await sample(batch, vocab, given, plain, 1)).tokens!;
    const second = (await sample(batch, vocab, given, plain, 2)).tokens!;
    for (const tokens of [first, second]) {
      const chiSquare = shares.reduce((sum, share, j) => {
        const count = [...tokens].reduce((n, token) => n + (token === j ? 1 : 0), 0);
        return sum + (count - batch * share) ** 2 / (batch * share);
      }, 0);
      expect(chiSquare).toBeLessThan(23.5); // exceeded with probability 1e-4 at 4 degrees of freedom
    }
    const equal = [...first].reduce((n, token, row) => n + (token === second[row] ? 1 : 0), 0);
    // Independent draws agree with probability Σ share² = 0.285: 171 of 600, standard deviation 11.
    expect(Math.abs(equal - 171)).toBeLessThan(44);
  });
});
