import { expect, test } from "vitest";
import {
  ACTIVATION_CODES,
  type Activation,
  type ActivationDims,
  activation,
  activationBackward,
} from "../../src/kernels/activation.js";
import { activate, activationDerivative } from "../oracle/activation.js";
import { expectClose, U32 } from "../support/close.js";
import { runKernel } from "../support/run-kernel.js";
import { controlWords, normals, seededKeep } from "../support/values.js";

const KINDS = Object.keys(ACTIVATION_CODES) as Activation[];
const CORNERS = [0, 6, 3, -3, 10, -1, 1, 1e-3, -1e-3, 13, -13, 20, -20, 44, -44, 100, -100];
const x = Float32Array.from([...CORNERS, ...Array.from({ length: 295 }, (_, i) => (i - 147) / 12.3)]);
const dims = { rows: 3, columns: x.length / 3, dropout: 0, dropoutRate: 0, site: 0, rowOffset: 0 } as const;

/** Of sigmoid, Φ and tanh(softplus): exp is good to 3 + 2|t| ulp, division to 2.5 ulp, and they fall off as t grows. */
const WHY = "16·u·max(1, |x|, |f|), twice that for derivatives";

test.each(KINDS)("activation() of %s, on both sides of every corner and far out", async (kind) => {
  const { out } = await runKernel(activation, { ...dims, kind }, { x });
  const expected = Float64Array.from(x, (v) => activate(kind, v));
  const bound = {
    why: WHY,
    at: (i: number) => 16 * U32 * Math.max(1, Math.abs(x[i]!), Math.abs(expected[i]!)),
  };
  expectClose(out!, expected, bound, kind);
});

test.each(KINDS)("activationBackward() of %s", async (kind) => {
  const dOut = normals(x.length, 1);
  const { dx } = await runKernel(activationBackward, { ...dims, kind }, { x, dOut });
  const expected = Float64Array.from(x, (v, i) => dOut[i]! * activationDerivative(kind, v));
  const bound = { why: WHY, at: (i: number) => 32 * U32 * Math.abs(dOut[i]!) * Math.max(1, Math.abs(x[i]!)) };
  expectClose(dx!, expected, bound, kind);
});

test.each(KINDS)("the oracle's derivative of %s is that of its function", (kind) => {
  const smooth = Array.from(x.subarray(CORNERS.length)).filter((v) => !CORNERS.includes(v));
  const step = 1e-5;
  const differences = smooth.map((v) => (activate(kind, v + step) - activate(kind, v - step)) / (2 * step));
  expectClose(
    differences,
    smooth.map((v) => activationDerivative(kind, v)),
    { why: "step² · third derivative / 6, and 1e-16·|f|/step", at: (i) => 1e-9 + 1e-10 * smooth[i]! ** 2 },
    kind,
  );
});

test.each([1, 2] as const)(
  "dropout %i masks the input and the gradient of a slab's rows alike",
  async (dropout) => {
    const d: ActivationDims = {
      ...dims,
      kind: "silu",
      dropout,
      dropoutRate: 0.3,
      site: 4,
      rowOffset: 7,
      keepRows: 12,
    };
    const control = controlWords([1, 2], 3);
    const all = seededKeep(control, 4, 0.3, 12, d.columns);
    const random = dropout === 1 ? { control } : { keep: all };
    const dOut = normals(x.length, 1);
    const { out } = await runKernel(activation, d, { x, ...random });
    const { dx } = await runKernel(activationBackward, d, { x, dOut, ...random });
    const mask = Float64Array.from(x, (_, i) => all[7 * d.columns + i]! / (1 - 0.3));
    expect(mask.filter((m) => m === 0).length).toBeGreaterThan(x.length / 5);
    // Masking rounds 1/(1 - rate) and the product: 4u of the argument, 1.1 its largest slope.
    const masked = mask.map((m, i) => m * x[i]!);
    const scale = (i: number) => (16 + 8) * U32 * Math.max(1, Math.abs(masked[i]!));
    expectClose(
      out!,
      masked.map((v) => activate("silu", v)),
      { why: `${WHY}; 8u·|x|·mask`, at: scale },
      "out",
    );
    expectClose(
      dx!,
      masked.map((v, i) => dOut[i]! * activationDerivative("silu", v) * mask[i]!),
      { why: `${WHY}; 8u·mask`, at: (i) => 2 * scale(i) * Math.abs(dOut[i]! * mask[i]!) },
      "dx",
    );
  },
);
