// Is a training step right? Its loss, gradient and Adam beside plain ones.
import { normals } from "../../support/values.js";
import { type Arrays, type Model, openSession, type Step, take } from "./jax-model.js";
import {
  ADAM,
  initialParameters,
  type Parameters,
  plainLoss,
  type Weight,
  type Weights,
} from "./transformer.js";
import type { TrainingWork } from "./work.js";

/** Length of the sequence on which a step is checked. */
const CHECKED_LENGTH = 64;
/** Of the differences that a gradient is checked by: far above f64's rounding, far below where the loss bends. */
const DIFFERENCE = 1e-7;

/**
 * Of one step on a short sequence, the largest of three: the loss beside the plain one; the gradient along a random
 * direction beside differences of the plain loss, as a share of the gradient's length; Adam's step beside the one that
 * this gradient asks for, as a share of the learning rate.
 */
export async function stepError(work: TrainingWork, step: Step): Promise<number> {
  const short = { ...work, length: CHECKED_LENGTH };
  const session = openSession(short);
  const before = initialParameters(short);
  const loss = await step(session);
  const after = await downloaded(session.state.parameters, before);
  // The first moment starts at zero: after one step it is the gradient times 1 - beta1.
  const moment = await downloaded(session.state.first, before);
  const plain = plainLoss(before, short);
  let seed = 100;
  const direction = mapped([before], ([{ values }]) => normals(values.length, ++seed));
  const moved = (by: number) =>
    plainLoss(
      mapped([before, direction], ([weight, way]) =>
        Float64Array.from(weight.values, (x, i) => x + by * (way.values[i] as number)),
      ),
      short,
    );
  const slope = (moved(DIFFERENCE) - moved(-DIFFERENCE)) / (2 * DIFFERENCE);
  let along = 0;
  let squares = 0;
  let ofStep = 0;
  mapped([before, after, moment, direction], ([old, now, first, way]) => {
    for (let i = 0; i < old.values.length; i++) {
      const gradient = (first.values[i] as number) / (1 - ADAM.beta1);
      along += gradient * (way.values[i] as number);
      squares += gradient ** 2;
      const wanted = (old.values[i] as number) - (ADAM.rate * gradient) / (Math.abs(gradient) + ADAM.epsilon);
      ofStep = Math.max(ofStep, Math.abs((now.values[i] as number) - wanted) / ADAM.rate);
    }
    return now.values;
  });
  return Math.max(Math.abs(loss / plain - 1), Math.abs(along - slope) / Math.sqrt(squares), ofStep);
}

/** Parameters made of those of `all`, weight by weight. */
function mapped<const T extends readonly [Parameters, ...Parameters[]]>(
  all: T,
  make: (weights: { readonly [I in keyof T]: Weight }) => Weight["values"],
): Parameters {
  const [model] = all;
  const combined = (part: (parameters: Parameters) => Weights): Weights =>
    Object.fromEntries(
      Object.entries(part(model)).map(([name, { shape }]) => {
        const weights = all.map((parameters) => part(parameters)[name]);
        return [name, { shape, values: make(weights as unknown as { readonly [I in keyof T]: Weight }) }];
      }),
    );
  return {
    outer: combined(({ outer }) => outer),
    blocks: model.blocks.map((_, i) => combined(({ blocks }) => blocks[i] as Weights)),
  };
}

async function downloaded(model: Model, like: Parameters): Promise<Parameters> {
  const read = async (arrays: Arrays, weights: Weights): Promise<Weights> =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(weights).map(async ([name, { shape }]) => {
          const values = new Float32Array((await take(arrays, name).ref.data()) as Float32Array);
          return [name, { shape, values }] as const;
        }),
      ),
    );
  return {
    outer: await read(model.outer, like.outer),
    blocks: await Promise.all(like.blocks.map((weights, i) => read(model.blocks[i] as Arrays, weights))),
  };
}
