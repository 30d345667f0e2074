// Training steps in jax-js: the whole step under one `jit`, and block by block with activations recomputed in the
// backward pass, which jax-js leaves to its users.
import { blockUntilReady, type Array as JaxArray, jit, tree, valueAndGrad, vjp } from "@jax-js/jax";
import { openJax } from "./jax.js";
import { stepError } from "./jax-check.js";
import {
  type Arrays,
  adamTree,
  block,
  corrections,
  embedded,
  lossOf,
  type Model,
  modelLoss,
  openSession,
  type Step,
  take,
} from "./jax-model.js";
import type { Contestant, Ready, TrainingWork } from "./work.js";

/** The whole step under one `jit`. */
function wholeStep({ heads }: TrainingWork): Step {
  const step = jit(
    (
      parameters: Model,
      first: Model,
      second: Model,
      tokens: JaxArray,
      targets: JaxArray,
      correction1: JaxArray,
      correction2: JaxArray,
    ) => {
      const [loss, gradients] = valueAndGrad((model: Model) => modelLoss(model, tokens, targets, heads))(
        tree.ref(parameters),
      ) as [JaxArray, Model];
      const updated = adamTree([parameters, first, second] as const, gradients, correction1, correction2);
      return [loss, ...updated] as [JaxArray, Model, Model, Model];
    },
  );
  return async (session) => {
    const { state, tokens, targets } = session;
    const [loss, parameters, first, second] = step(
      state.parameters,
      state.first,
      state.second,
      tokens.ref,
      targets.ref,
      ...corrections(++session.steps),
    ) as [JaxArray, Model, Model, Model];
    await blockUntilReady([loss, parameters, first, second]);
    Object.assign(state, { parameters, first, second });
    return ((await loss.data()) as Float32Array)[0] as number;
  };
}

/** Block by block: only the blocks' inputs are kept. Every stage is awaited, or its buffers would stay. */
function blockwiseStep({ heads }: TrainingWork): Step {
  const enter = jit(embedded);
  const forward = jit((w: Arrays, x: JaxArray) => block(w, x, heads));
  const backward = jit((w: Arrays, x: JaxArray, dy: JaxArray) => {
    const [y, back] = vjp((weights: Arrays, input: JaxArray) => block(weights, input, heads), [w, x]);
    y.dispose();
    const gradients = back(dy);
    back.dispose();
    return gradients;
  });
  const leave = jit(
    (norm: JaxArray, shift: JaxArray, logits: JaxArray, x: JaxArray, targets: JaxArray) =>
      valueAndGrad((...all: [JaxArray, JaxArray, JaxArray, JaxArray]) => lossOf(...all, targets), {
        argnums: [0, 1, 2, 3],
      })(norm, shift, logits, x) as [JaxArray, [JaxArray, JaxArray, JaxArray, JaxArray]],
  );
  const enterBackward = jit((words: JaxArray, positions: JaxArray, tokens: JaxArray, dx: JaxArray) => {
    const [y, back] = vjp((w: JaxArray, p: JaxArray) => embedded(w, p, tokens), [words, positions]);
    y.dispose();
    const gradients = back(dx);
    back.dispose();
    return gradients;
  });
  const update = jit(
    (parameters: Arrays, first: Arrays, second: Arrays, gradients: Arrays, c1: JaxArray, c2: JaxArray) =>
      adamTree([parameters, first, second] as const, gradients, c1, c2),
  );
  return async (session) => {
    const { state, tokens, targets } = session;
    const t = ++session.steps;
    const { outer, blocks } = state.parameters;
    const apply = async (part: (model: Model) => Arrays, gradients: Arrays) => {
      const all = [state.parameters, state.first, state.second] as const;
      const updated = update(
        part(all[0]),
        part(all[1]),
        part(all[2]),
        gradients,
        ...corrections(t),
      ) as Arrays[];
      await blockUntilReady(updated);
      for (const [i, model] of all.entries()) Object.assign(part(model), updated[i]);
    };
    const inputs = [
      await enter(take(outer, "words").ref, take(outer, "positions").ref, tokens.ref).blockUntilReady(),
    ];
    for (const weights of blocks) {
      inputs.push(await forward(tree.ref(weights), (inputs.at(-1) as JaxArray).ref).blockUntilReady());
    }
    const [loss, [norm, shift, logits, dLast]] = leave(
      take(outer, "norm").ref,
      take(outer, "shift").ref,
      take(outer, "logits").ref,
      inputs.pop() as JaxArray,
      targets.ref,
    ) as [JaxArray, [JaxArray, JaxArray, JaxArray, JaxArray]];
    await blockUntilReady([loss, norm, shift, logits, dLast]);
    let dx = dLast;
    for (let i = blocks.length - 1; i >= 0; i--) {
      const [gradients, dInput] = backward(tree.ref(blocks[i] as Arrays), inputs.pop() as JaxArray, dx) as [
        Arrays,
        JaxArray,
      ];
      await blockUntilReady([gradients, dInput]);
      dx = dInput;
      await apply((model) => model.blocks[i] as Arrays, gradients);
    }
    const [words, positions] = enterBackward(
      take(outer, "words").ref,
      take(outer, "positions").ref,
      tokens.ref,
      dx,
    ) as [JaxArray, JaxArray];
    await apply((model) => model.outer, { words, positions, norm, shift, logits });
    return ((await loss.data()) as Float32Array)[0] as number;
  };
}

function readyFrom(work: TrainingWork, step: Step, makeStep: () => Step): Ready {
  const session = openSession(work);
  return { run: () => step(session), error: () => stepError(work, makeStep()) };
}

export const training = (work: TrainingWork): Ready =>
  readyFrom(work, wholeStep(work), () => wholeStep(work));

export const recomputing: Contestant = async (work) => {
  await openJax();
  if (work.kind !== "training") throw new Error("only training keeps activations");
  return readyFrom(work, blockwiseStep(work), () => blockwiseStep(work));
};
