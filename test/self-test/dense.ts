// Checks of the kernels on matrices: products, norms, activations, sums, streams. Bounds as derived in test/kernels.
import { activation, activationBackward } from "../../src/kernels/activation.js";
import { layerNorm, layerNormBackward } from "../../src/kernels/layer-norm.js";
import { matmul, matmulDims, matmulResidual } from "../../src/kernels/matmul.js";
import { columnSums, sumPartials, sumPartialsDims } from "../../src/kernels/reduce.js";
import { addTensors, dropoutMask, streamFromF32, streamToF32 } from "../../src/kernels/stream.js";
import { activate, activationDerivative } from "../oracle/activation.js";
import * as normOracle from "../oracle/layer-norm.js";
import { matmul as matmulOracle } from "../oracle/matmul.js";
import * as sums from "../oracle/reduce.js";
import * as streams from "../oracle/stream.js";
import { U32, ulps } from "../support/close.js";
import { call } from "../support/run-kernel.js";
import { controlWords, normals, seededKeep, streamWords } from "../support/values.js";
import { type Check, EXACT, magnitudes } from "./check.js";

const STEP = 2 ** -16;

function product(what: string, given: Parameters<typeof matmulDims>[0]): Check {
  return {
    family: "matmul",
    what,
    async compare(run) {
      const d = matmulDims(given);
      const residual = d.store.startsWith("residual");
      const [a, b, bias] = [normals(d.m * d.k, 1), normals(d.k * d.n, 2), normals(d.n, 3)];
      const words = streamWords(d.m * d.n, 4);
      const before = Float64Array.from(words, (word) => (residual ? word * STEP : 0));
      const { out } = await run([call(residual ? matmulResidual : matmul, d)], {
        ...{ a, b, bias },
        ...(residual && { out: words }),
      });
      const expected = matmulOracle(d, { a, b, bias, out: before });
      const sizes = matmulOracle(
        { ...d, activation: "linear", store: "set" },
        { a: magnitudes(a), b: magnitudes(b), bias: magnitudes(bias), out: before },
      );
      return {
        out: {
          actual: residual ? Float64Array.from(out ?? [], (word) => word * STEP) : out,
          expected,
          bound: {
            why: "(k + 4)·u·Σ|terms|, times gelu's slope; 2^-20·(1 + |x|) gelu; u·|out| and half a step for streams",
            at: (i) => {
              const size = sizes[i] as number;
              const sum = (d.k + 4) * U32 * size;
              const activated = d.activation === "linear" ? sum : 1.13 * sum + 2 ** -20 * (1 + size);
              return activated + (residual ? U32 * Math.abs(expected[i] as number) + STEP / 2 : 0);
            },
          },
        },
      };
    },
  };
}

const norm: Check = {
  family: "layer-norm",
  what: "forward and backward",
  async compare(run) {
    const [rows, size, rowsPerPart] = [23, 100, 6];
    const d = { rows, size, pair: false, eps: 1e-12, fixedPoint: true, slot: 3, rowsPerPart };
    const words = streamWords(rows * size, 1, 3);
    const x = streams.streamToF32(words);
    const gamma = normals(size, 3).map((g) => 1 + 0.2 * g);
    const beta = normals(size, 4);
    const dOut = normals(rows * size, 5);
    const results = await run([call(layerNorm, d, { x1: "x" }), call(layerNormBackward, d)], {
      ...{ x: words, gamma, beta, dOut },
      status: new Uint32Array(64),
      dx: new Float32Array(rows * size),
    });
    const sizes = { rows, columns: size, eps: d.eps, rowsPerPart };
    const gradients = normOracle.layerNormBackward(sizes, x, gamma, dOut);
    // Sums of N roundings: the mean is off by N·u·mean|x|, so x̂ of a row by N·u·(scale·mean|x| + max|x̂|).
    const N = Math.ceil(size / 64) + 7;
    const errors = Array.from({ length: rows }, (_, t) => {
      const row = Array.from(x.subarray(t * size, (t + 1) * size));
      const mean = row.reduce((sum, v) => sum + v, 0) / size;
      const scale = 1 / Math.sqrt(row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size);
      const largest = Math.max(...row.map((v) => Math.abs(v - mean) * scale));
      const g =
        row.reduce((sum, _v, j) => sum + Math.abs((dOut[t * size + j] as number) * (gamma[j] as number)), 0) /
        size;
      return { scale, g, size: (scale * row.reduce((sum, v) => sum + Math.abs(v), 0)) / size + largest };
    });
    const rowOf = (i: number) => errors[Math.floor(i / size)] as (typeof errors)[number];
    return {
      out: {
        actual: results.out,
        expected: normOracle.layerNorm(sizes, x, gamma, beta),
        bound: {
          why: "x̂ is off by (N + 8)·u·size of its row; a product, a sum",
          at: (i) =>
            U32 *
            ((N + 8) * Math.abs(gamma[i % size] as number) * rowOf(i).size +
              2 * Math.abs(beta[i % size] as number)),
        },
      },
      dx: {
        actual: results.dx,
        expected: gradients.dx,
        bound: {
          why: "(3N + 20)·u·scale·(|g| + G + size²·G), G = mean|g|",
          at: (i) => {
            const { scale, g, size: s } = rowOf(i);
            const own = Math.abs((dOut[i] as number) * (gamma[i % size] as number));
            return U32 * (3 * N + 21) * scale * (own + g + s * s * g);
          },
        },
      },
      dBetaParts: {
        actual: results.dBetaParts,
        expected: gradients.dBetaParts,
        bound: ulps(
          rowsPerPart,
          sums.columnSums(magnitudes(dOut), rows, size, rowsPerPart),
          "rows·u·Σ|dOut|",
        ),
      },
    };
  },
};

const activations: Check = {
  family: "activation",
  what: "gelu and its derivative",
  async compare(run) {
    const x = Float32Array.from({ length: 300 }, (_, i) => (i - 150) / 12.3);
    const dOut = normals(x.length, 1);
    const site = { dropout: 0, dropoutRate: 0, site: 0, rowOffset: 0 } as const;
    const d = { rows: 3, columns: 100, kind: "gelu", ...site } as const;
    const { out, dx } = await run([call(activation, d), call(activationBackward, d)], { x, dOut });
    const size = (i: number) => Math.max(1, Math.abs(x[i] as number));
    const why =
      "exp 3 + 2|t| ulp, division 2.5 ulp, falling off as t grows: 16·u·max(1, |x|), twice that for derivatives";
    return {
      out: {
        actual: out,
        expected: Float64Array.from(x, (v) => activate("gelu", v)),
        bound: { why, at: (i) => 16 * U32 * size(i) },
      },
      dx: {
        actual: dx,
        expected: Float64Array.from(x, (v, i) => (dOut[i] as number) * activationDerivative("gelu", v)),
        bound: { why, at: (i) => 32 * U32 * Math.abs(dOut[i] as number) * size(i) },
      },
    };
  },
};

const reductions: Check = {
  family: "reduce",
  what: "column sums in two stages",
  async compare(run) {
    const [rows, columns, rowsPerPart] = [67, 130, 10];
    const x = normals(rows * columns, 1);
    const { out } = await run(
      [
        call(columnSums, { rows, columns, rowsPerPart }),
        call(
          sumPartials,
          sumPartialsDims([{ parts: Math.ceil(rows / rowsPerPart), count: columns }], { add: false }),
        ),
      ],
      { x },
    );
    const bound = ulps(rows, sums.columnSums(magnitudes(x), rows, columns, rows), "rows·u·Σ|x|");
    return { out: { actual: out, expected: sums.columnSums(x, rows, columns, rows), bound } };
  },
};

const streaming: Check = {
  family: "stream",
  what: "fixed point, sums and dropout",
  async compare(run) {
    const [rows, columns, site, rate] = [7, 43, 9, 0.25];
    const count = rows * columns;
    const x = normals(count, 1, 3);
    x.set([0, 2 ** -17, 3 * 2 ** -17, -(2 ** -17), 32_767, -32_768]); // ties to even, the ends of the range
    const words = streamWords(count, 2, 3);
    const y = normals(count, 3);
    const control = controlWords([4, 5], 6);
    const masking = { rows, columns, dropout: 1, dropoutRate: rate, site, rowOffset: 5 } as const;
    const results = await run(
      [
        call(streamFromF32, { count, fixedPoint: true }),
        call(streamToF32, { count, fixedPoint: true }, { out: "numbers" }),
        call(addTensors, { count }, { out: "sum" }),
        call(dropoutMask, masking, { out: "masked" }),
      ],
      { x, words, sum: y, control },
    );
    const masked = streams.dropoutMask(x, seededKeep(control, site, rate, rows, columns, 5), rate);
    return {
      stream: { actual: results.stream, expected: streams.streamFromF32(x), bound: EXACT },
      numbers: { actual: results.numbers, expected: streams.streamToF32(words), bound: EXACT },
      sum: { actual: results.sum, expected: y.map((v, i) => v + (x[i] as number)), bound: EXACT },
      masked: {
        actual: results.masked,
        expected: masked,
        bound: ulps(8, masked, "one division, one product"),
      },
    };
  },
};

export const DENSE_CHECKS: readonly Check[] = [
  product("tiles with bias and gelu", {
    m: 67,
    n: 40,
    k: 37,
    transposeB: true,
    bias: true,
    activation: "gelu",
  }),
  product("few rows", { m: 5, n: 40, k: 37, bias: true }),
  product("into a fixed-point stream", {
    m: 67,
    n: 40,
    k: 37,
    bias: true,
    store: "residualAdd",
    fixedPoint: true,
  }),
  norm,
  activations,
  reductions,
  streaming,
];
