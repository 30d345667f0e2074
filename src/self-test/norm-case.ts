// Cases of layer norm, forward and backward.
import type { Storage } from "../gpu/kernel.js";
import type { LayerNormDims } from "../kernels/layer-norm.js";
import { asHalves, normalized } from "./answers.js";
import { exactly, numbers, type SelfTestCase, streamWords } from "./case.js";

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

export function normCase(given: LayerNormDims, storage: Storage): SelfTestCase {
  const { d, x, gamma, beta, side, answers } = norm(given);
  const top = streamWords([1.5], d.fixedPoint); // the largest of x
  return {
    dims: [d],
    given: {
      x1: streamWords(side(x, false), d.fixedPoint),
      ...(d.pair && { x2: streamWords(side(x, true), d.fixedPoint) }),
      gamma,
      beta,
      status: new Uint32Array(64),
    },
    expected: {
      out: storage === "half" ? asHalves(answers.out) : answers.out,
      status: exactly([...top, ...new Uint32Array(63)]),
    },
  };
}

export function normGradientCase(given: LayerNormDims): SelfTestCase {
  const { d, x, gamma, dOut, side, answers } = norm(given);
  const { dx, dGammaParts, dBetaParts } = answers;
  const parts = { dGammaParts, dBetaParts };
  if (!d.pair) {
    const start = numbers(dx.values.length, 12);
    const values = dx.values.map((value, i) => value + (start[i] as number));
    const bounds = dx.bounds.map((bound) => bound + 2 ** -21); // of the addition
    return {
      dims: [d],
      given: { x: streamWords(x, d.fixedPoint), gamma, dOut, dx: start },
      expected: { dx: { values, bounds }, ...parts },
    };
  }
  const half = (second: boolean) => ({ values: side(dx.values, second), bounds: side(dx.bounds, second) });
  const stream = (second: boolean) => streamWords(side(x, second), d.fixedPoint);
  return {
    dims: [d],
    given: { x1: stream(false), x2: stream(true), gamma, dOut },
    expected: { dx1: half(false), dx2: half(true), ...parts },
  };
}
