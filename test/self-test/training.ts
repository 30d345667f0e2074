// Checks of what only training needs: embeddings, loss and optimisers. Bounds as derived in test/kernels.
import { ADAFACTOR_STAGES } from "../../src/kernels/adafactor.js";
import { adamw, BLOCK_FLAGS } from "../../src/kernels/adamw.js";
import { crossEntropy } from "../../src/kernels/cross-entropy.js";
import { embedding } from "../../src/kernels/embedding.js";
import { embeddingBackwardJoins, embeddingBackwardRuns } from "../../src/kernels/embedding-backward.js";
import {
  FIXED_POINT_STATUS_LIMIT,
  globalNorm,
  STATE,
  squareSums,
  squareSumsPartials,
} from "../../src/kernels/global-norm.js";
import { positionEmbeddingBackward } from "../../src/kernels/position-embedding-backward.js";
import { Random } from "../../src/random.js";
import { adafactorMatrix } from "../oracle/adafactor.js";
import * as adamwOracle from "../oracle/adamw.js";
import { bucketSort } from "../oracle/bucket-sort.js";
import * as crossEntropyOracle from "../oracle/cross-entropy.js";
import { embedding as embeddingOracle } from "../oracle/embedding.js";
import { embeddingBackward as embeddingBackwardOracle } from "../oracle/embedding-backward.js";
import * as normOracle from "../oracle/global-norm.js";
import { positionEmbeddingBackward as positionOracle } from "../oracle/position-embedding-backward.js";
import { type Bound, U32, ulps, within } from "../support/close.js";
import { call } from "../support/run-kernel.js";
import { normals } from "../support/values.js";
import { type Check, magnitudes } from "./check.js";

const AXIAL = {
  tokens: 42,
  length: 21,
  rowOffset: 0,
  positionOffset: 0,
  size: 11,
  positions: "axial",
  positionShape: [4, 6],
  positionSizes: [4, 7],
  align: 1,
  dropout: 0,
  dropoutRate: 0,
  positionSite: 13,
} as const;

/** Control words with these fields; see shaders/shared/control.wgsl. */
function control(fields: {
  readonly learningRate?: number;
  readonly lossScale?: number;
  readonly step: number;
}) {
  const words = new Uint32Array(16);
  const floats = new Float32Array(words.buffer);
  floats[3] = fields.learningRate ?? 0;
  floats[4] = fields.lossScale ?? 0;
  words[7] = fields.step;
  return { words, floats };
}

const embeddingForward: Check = {
  family: "embedding",
  what: "words and axial positions",
  async compare(run) {
    const dims = { ...AXIAL, vocab: 7, fixedPoint: true, site: 12 };
    const random = new Random(5);
    const ids = Uint32Array.from({ length: dims.tokens }, () => random.below(dims.vocab));
    const [word, positions] = [normals(7 * 11, 1), normals(4 * 4 + 6 * 7, 2)];
    const tables = [positions.subarray(0, 4 * 4), positions.subarray(4 * 4)];
    const { out } = await run([call(embedding, dims)], { ids, word, positions });
    const sizes = embeddingOracle(dims, ids, magnitudes(word), tables.map(magnitudes));
    return {
      out: {
        actual: Float64Array.from(out ?? [], (stream) => stream / 2 ** 16),
        expected: embeddingOracle(dims, ids, word, tables),
        bound: {
          why: "one sum, half a step of fixed point",
          at: (i) => U32 * (sizes[i] as number) + 2 ** -17,
        },
      },
    };
  },
};

const embeddingGradient: Check = {
  family: "embedding-backward",
  what: "1,300 tokens of 20 words",
  async compare(run) {
    const dims = {
      tokens: 1300,
      rowOffset: 0,
      size: 9,
      vocab: 20,
      dropout: 0,
      dropoutRate: 0,
      site: 6,
    } as const;
    const random = new Random(1);
    const ids = Uint32Array.from({ length: dims.tokens }, () => random.below(dims.vocab));
    const [dWord, dStream] = [normals(20 * 9, 2), normals(1300 * 9, 3)];
    const order = Uint32Array.from(bucketSort(1, dims.tokens, ids));
    const results = await run(
      [call(embeddingBackwardRuns, dims), call(embeddingBackwardJoins, dims, { partsIn: "parts" })],
      { ids, order, dWord, dStream },
    );
    const most = Math.max(
      ...Array.from({ length: 20 }, (_, id) => ids.filter((other) => other === id).length),
    );
    const sizes = embeddingBackwardOracle(dims, ids, magnitudes(dWord), magnitudes(dStream));
    return {
      dWord: {
        actual: results.dWord,
        expected: embeddingBackwardOracle(dims, ids, dWord, dStream),
        bound: ulps(most + 5, sizes, "a rounding a term of each word"),
      },
    };
  },
};

const positionGradient: Check = {
  family: "position-embedding-backward",
  what: "the fast axial table",
  async compare(run) {
    const dims = { ...AXIAL, axis: 1 } as const;
    const [dStream, dPositions] = [normals(42 * 11, 2), normals(6 * 7, 3)];
    const results = await run([call(positionEmbeddingBackward, dims)], { dStream, dPositions });
    const sizes = positionOracle(dims, magnitudes(dStream), magnitudes(dPositions));
    return {
      dPositions: {
        actual: results.dPositions,
        expected: positionOracle(dims, dStream, dPositions),
        bound: ulps(2 * 4 + 5, sizes, "two sequences of four positions share a row"),
      },
    };
  },
};

const loss: Check = {
  family: "cross-entropy",
  what: "losses and gradients",
  async compare(run) {
    const [rows, vocab, scale] = [9, 77, 0.125];
    const random = new Random(3);
    const logits = normals(rows * vocab, 4, 2);
    const targets = Int32Array.from({ length: rows }, (_, r) => (r % 5 === 2 ? -100 : random.below(vocab)));
    const dims = { rows, vocab, labelSmoothing: 0, gradient: true };
    const words = control({ lossScale: scale, step: 1 }).words;
    const results = await run([call(crossEntropy, dims)], { logits, targets, control: words });
    const { losses, gradients } = crossEntropyOracle.crossEntropy(logits, targets, 0, scale);
    const spread = logits.reduce((most, z) => Math.max(most, Math.abs(z)), 0);
    // Logits differ by at most 2·spread from the row's largest: exp is off by 3 + 2|x| ulp at each of at most three
    // rescalings of two terms a lane, its argument by a rounding, sums by ten; log by 2^-21 or 3 ulp of log(77) < 4.4.
    const sum = U32 * (2 * (3 * 3 + 2 * 2 * spread) + 3 * 2 * spread + 10);
    const bound: Bound = within(
      sum + 2 ** -21 + U32 * (6 * 4.4 + 4 * 3 * spread),
      "exp, sum, log and differences in f32",
    );
    return {
      losses: { actual: results.losses, expected: losses, bound },
      gradients: {
        actual: results.logits,
        expected: gradients,
        // A probability is at most 1; its relative error is the sum's, one more exp and a quotient.
        bound: within(
          scale * (sum + U32 * (2 * (3 + 4 * spread) + 2 * spread + 11)),
          "probability and difference in f32",
        ),
      },
    };
  },
};

const clipping: Check = {
  family: "global-norm",
  what: "norm and clip factor",
  async compare(run) {
    const count = 40_000;
    const partials = squareSumsPartials(count);
    const gradients = normals(count, 1);
    const blockFlags = Uint32Array.from({ length: Math.ceil(count / 64) }, (_, i) => (i % 5 === 4 ? 1 : 3));
    const ring = { slots: 3, columns: 4, column: 1 };
    const dims = {
      count: partials,
      first: 0,
      partials,
      maxNorm: 1,
      scaled: false,
      statusLimit: FIXED_POINT_STATUS_LIMIT,
      ...ring,
    };
    const { state } = await run([call(squareSums, { count, first: 0, partials }), call(globalNorm, dims)], {
      ...{ gradients, blockFlags },
      control: control({ step: 5 }).words,
      results: new Float32Array(12),
    });
    const { norm, clip } = normOracle.globalNorm([{ gradients, blockFlags }], 1);
    // Half of 64 + 8 + 1 + 8 + 1 roundings of the sums; root 9, sum 1, division 5.
    const bound = ulps((64 + 8 + 1 + 8 + 1) / 2 + 15, [norm, clip], "sums in two stages, a root, a division");
    return {
      state: {
        actual: [state?.[STATE.norm] as number, state?.[STATE.clip] as number],
        expected: [norm, clip],
        bound,
      },
    };
  },
};

const adam: Check = {
  family: "adamw",
  what: "a later step",
  async compare(run) {
    const [count, step, learningRate, clip] = [1000, 20, 3e-4, 0.0625];
    const hyper = { beta1: 0.9, beta2: 0.999, eps: 1e-3, weightDecay: 0.01 };
    const { words, floats } = control({ learningRate, step });
    floats[5] = 1 - hyper.beta1 ** step;
    floats[6] = 1 - hyper.beta2 ** step;
    const state = new Float32Array(STATE.words);
    state[STATE.clip] = clip;
    const [parameters, gradients, moments] = [
      normals(count, 1),
      normals(count, 2, 0.3),
      normals(count, 3, 0.1),
    ];
    const variances = normals(count, 4, 0.1).map((x) => x * x);
    const blockFlags = new Uint32Array(Math.ceil(count / 64)).fill(
      BLOCK_FLAGS.decayed | BLOCK_FLAGS.trainable,
    );
    const after = await run([call(adamw, { count, ...hyper })], {
      ...{ parameters, gradients, moments, variances, blockFlags, state },
      control: words,
    });
    const next = Array.from(parameters, (p, i) => {
      const old = { p, m: moments[i] as number, v: variances[i] as number };
      const g = clip * (gradients[i] as number);
      const values = adamwOracle.adamw(
        { ...old, g },
        { ...hyper, learningRate: Math.fround(learningRate), step },
      );
      const m = 4 * U32 * (Math.abs(hyper.beta1 * old.m) + Math.abs((1 - hyper.beta1) * g));
      const size = learningRate / (1 - hyper.beta1 ** step) / values.denominator;
      return {
        ...values,
        bounds: { m, p: U32 * (3 * Math.abs(p) + 40.5 * size * Math.abs(values.m)) + size * m },
      };
    });
    const why =
      "m: two products, a sum; v: one product more; p: these, two roots, three divisions, decay and sum";
    return {
      moments: {
        actual: after.moments,
        expected: next.map(({ m }) => m),
        bound: { why, at: (i) => (next[i]?.bounds.m as number) + 2 ** -126 },
      },
      variances: {
        actual: after.variances,
        expected: next.map(({ v }) => v),
        bound: ulps(
          5,
          next.map(({ v }) => v),
          why,
        ),
      },
      parameters: {
        actual: after.parameters,
        expected: next.map(({ p }) => p),
        bound: { why, at: (i) => next[i]?.bounds.p as number },
      },
    };
  },
};

const adafactor: Check = {
  family: "adafactor",
  what: "a later step of a matrix",
  async compare(run) {
    const [rows, columns, step, learningRate, clip] = [37, 70, 20, 0.03125, 0.5];
    const hyper = {
      decayExponent: 0.8,
      epsilon1: 1e-30,
      epsilon2: 1e-3,
      clipThreshold: 1,
      weightDecay: 0.01,
      scaleByParameter: true,
    };
    const state = new Float32Array(STATE.words);
    state[STATE.clip] = clip;
    const [parameters, gradients] = [normals(rows * columns, 1, 0.1), normals(rows * columns, 2, 0.3)];
    const [rowMoments, columnMoments] = [
      magnitudes(normals(rows, 3, 0.05)),
      magnitudes(normals(columns, 4, 0.05)),
    ];
    const given = { parameters, gradients, rowMoments, columnMoments };
    const after = await run(
      ADAFACTOR_STAGES.map((stage) => call(stage, { rows, columns, ...hyper })),
      { ...given, state, control: control({ learningRate, step }).words },
    );
    const clipped = gradients.map((g) => clip * g);
    const expected = adafactorMatrix({ ...given, gradients: clipped }, { ...hyper, learningRate, step });
    // pow is exp2 (3 + 2|x| ulp) of a product with log2 (3 ulp); a moment 15 more; means of rows and columns; the update
    // half of both moments', a root mean square of 64 + 8 + 8 terms, roots 9, divisions 5, factors 10.
    const exponent = hyper.decayExponent * Math.log2(step);
    const moment = 2 * (2 * (3 + 2 * exponent) + Math.LN2 * (6 * exponent + 8)) + 15;
    const [row, column] = [moment + columns / 256 + 9, moment + 128 + rows / 128];
    const update = 2 * (row + column + 10) + 80 + rows / 256 + 8 + row + 40;
    const why = "pow, means of squares, moving averages, roots and sums in f32";
    return {
      rowMoments: {
        actual: after.rowMoments,
        expected: expected.rowMoments,
        bound: ulps(row, expected.rowMoments, why),
      },
      columnMoments: {
        actual: after.columnMoments,
        expected: expected.columnMoments,
        bound: ulps(column, expected.columnMoments, why),
      },
      parameters: {
        actual: after.parameters,
        expected: expected.parameters,
        bound: {
          why,
          at: (i) => {
            const before = Math.abs(parameters[i] as number);
            const change = Math.abs((expected.parameters[i] as number) - (parameters[i] as number));
            return U32 * (update * (change + hyper.weightDecay * before) + 3 * before);
          },
        },
      },
    };
  },
};

export const TRAINING_CHECKS: readonly Check[] = [
  embeddingForward,
  embeddingGradient,
  positionGradient,
  loss,
  clipping,
  adam,
  adafactor,
];
