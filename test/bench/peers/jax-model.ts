// A transformer with full attention, its loss and Adam in jax-js.
import { type Array as JaxArray, nn, numpy as np, tree } from "@jax-js/jax";
import {
  ADAM,
  initialParameters,
  NORM_EPSILON,
  type Parameters,
  randomTokens,
  type Weights,
} from "./transformer.js";
import type { TrainingWork } from "./work.js";

export type Arrays = Record<string, JaxArray>;
export type Model = { outer: Arrays; blocks: Arrays[] };
type State = { parameters: Model; first: Model; second: Model };

const normed = (x: JaxArray, gain: JaxArray, shift: JaxArray): JaxArray =>
  nn.standardize(x, -1, { epsilon: NORM_EPSILON }).mul(gain).add(shift);

export function block(w: Arrays, x: JaxArray, heads: number): JaxArray {
  const [length = 0, hiddenSize = 0] = x.shape;
  const split = (y: JaxArray) => y.reshape([length, heads, hiddenSize / heads]);
  const h = normed(x.ref, take(w, "norm1"), take(w, "shift1"));
  const q = split(np.matmul(h.ref, take(w, "query")));
  const k = split(np.matmul(h.ref, take(w, "key")));
  const v = split(np.matmul(h, take(w, "value")));
  const heard = nn.dotProductAttention(q, k, v, { isCausal: true }).reshape([length, hiddenSize]);
  const y = x.add(np.matmul(heard, take(w, "output")));
  const inner = np.matmul(normed(y.ref, take(w, "norm2"), take(w, "shift2")), take(w, "inner"));
  const active = nn.relu(inner.add(take(w, "innerBias")));
  return y.add(np.matmul(active, take(w, "outer"))).add(take(w, "outerBias"));
}

export const take = (weights: Arrays, name: string): JaxArray => weights[name] as JaxArray;

export const embedded = (words: JaxArray, positions: JaxArray, tokens: JaxArray): JaxArray =>
  np.take(words, tokens, 0).add(positions);

export function lossOf(
  norm: JaxArray,
  shift: JaxArray,
  logits: JaxArray,
  x: JaxArray,
  targets: JaxArray,
): JaxArray {
  const [length = 0] = x.shape;
  const [, vocabSize = 0] = logits.shape;
  const scores = np.matmul(normed(x, norm, shift), logits);
  return nn
    .logSoftmax(scores)
    .mul(nn.oneHot(targets, vocabSize))
    .sum()
    .mul(-1 / length);
}

export function modelLoss(
  { outer, blocks }: Model,
  tokens: JaxArray,
  targets: JaxArray,
  heads: number,
): JaxArray {
  let x = embedded(take(outer, "words"), take(outer, "positions"), tokens);
  for (const weights of blocks) x = block(weights, x, heads);
  return lossOf(take(outer, "norm"), take(outer, "shift"), take(outer, "logits"), x, targets);
}

type Moments = [parameter: JaxArray, first: JaxArray, second: JaxArray];

/** Adam on one array; `correction1` and `correction2` undo the moments' start at zero. */
function adam(
  [parameter, first, second]: Moments,
  gradient: JaxArray,
  correction1: JaxArray,
  correction2: JaxArray,
): Moments {
  const { rate, beta1, beta2, epsilon } = ADAM;
  const m = first.mul(beta1).add(gradient.ref.mul(1 - beta1));
  const v = second.mul(beta2).add(gradient.ref.mul(gradient).mul(1 - beta2));
  const step = m.ref
    .mul(correction1)
    .div(np.sqrt(v.ref.mul(correction2)).add(epsilon))
    .mul(rate);
  return [parameter.sub(step), m, v];
}

/** The same for a whole tree of arrays. */
export function adamTree<T extends Arrays | Model>(
  state: readonly [T, T, T],
  gradients: T,
  correction1: JaxArray,
  correction2: JaxArray,
): [T, T, T] {
  const flat = (arrays: T) => tree.leaves(arrays) as JaxArray[];
  const [parameters, first, second, given] = [
    flat(state[0]),
    flat(state[1]),
    flat(state[2]),
    flat(gradients),
  ];
  const updated = parameters.map((parameter, i) =>
    adam(
      [parameter, first[i] as JaxArray, second[i] as JaxArray],
      given[i] as JaxArray,
      correction1.ref,
      correction2.ref,
    ),
  );
  correction1.dispose();
  correction2.dispose();
  return [0, 1, 2].map((part) =>
    tree.unflatten(
      tree.structure(gradients),
      updated.map((moments) => moments[part] as JaxArray),
    ),
  ) as unknown as [T, T, T];
}

/** Corrections of Adam's step `t`, from 1. */
export const corrections = (t: number): [JaxArray, JaxArray] => [
  np.array(1 / (1 - ADAM.beta1 ** t)),
  np.array(1 / (1 - ADAM.beta2 ** t)),
];

const uploaded = (weights: Weights, zero = false): Arrays =>
  Object.fromEntries(
    Object.entries(weights).map(([name, { shape, values }]) => [
      name,
      np.array(zero ? new Float32Array(values.length) : new Float32Array(values)).reshape([...shape]),
    ]),
  );

const modelOf = ({ outer, blocks }: Parameters, zero = false): Model => ({
  outer: uploaded(outer, zero),
  blocks: blocks.map((weights) => uploaded(weights, zero)),
});

export interface Session {
  readonly state: State;
  readonly tokens: JaxArray;
  readonly targets: JaxArray;
  steps: number;
}

export function openSession(work: TrainingWork): Session {
  const parameters = initialParameters(work);
  const { inputs, targets } = randomTokens(work);
  return {
    state: {
      parameters: modelOf(parameters),
      first: modelOf(parameters, true),
      second: modelOf(parameters, true),
    },
    tokens: np.array(inputs),
    targets: np.array(targets),
    steps: 0,
  };
}

/** One step; resolves to the loss before it. */
export type Step = (session: Session) => Promise<number>;
