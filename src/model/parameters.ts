// The model's parameters: names (those of the public checkpoints), shapes and initial values.
import type { ReformerConfig } from "../config/config.js";
import { projections } from "../layers/attention.js";
import { classifierNames } from "../layers/classification-head.js";
import { finalNorm, layerName } from "../layers/context.js";
import { type Embedded, positionNames } from "../layers/embedding.js";
import { ENCODED_NORM } from "../layers/encoded.js";
import { HEAD_BIAS, HEAD_WEIGHT } from "../layers/head.js";
import { ANSWER_OUTPUT } from "../layers/question-answering-head.js";
import { normalOf, randomKey, threefry2x32 } from "../random.js";
import { elements } from "../shapes.js";

export interface Parameter {
  readonly name: string;
  readonly shape: readonly number[];
  /** Normal with this standard deviation; a fixed value where it is a string. */
  readonly init: number | "zeros" | "ones";
  /** Weight decay acts on matrices, not on norms, biases and embeddings' scale. */
  readonly decay: boolean;
  /** Follows the parameter before in the memory of one tensor: one dispatch can read both, or sum both gradients. */
  readonly joined: boolean;
}

/** Every parameter of a model, body then head, in the order they lie in memory. */
export function parameters(config: ReformerConfig): Parameter[] {
  const {
    vocabSize: V,
    hiddenSize: E,
    feedForwardSize: F,
    numHeads,
    headSize,
    initializerRange: std,
  } = config;
  const A = numHeads * headSize;
  const list: Parameter[] = [];
  const matrix = (name: string, shape: readonly number[], { init = std, joined = false } = {}) =>
    list.push({ name, shape, init, decay: true, joined });
  /** A bias, behind its weight. */
  const bias = (name: string, size: number) =>
    list.push({ name, shape: [size], init: "zeros", decay: false, joined: true });
  const norm = (name: string, size: number) => {
    list.push({ name: `${name}.weight`, shape: [size], init: "ones", decay: false, joined: false });
    bias(`${name}.bias`, size);
  };
  matrix("reformer.embeddings.word_embeddings.weight", [V, E]);
  const positions = (part: Embedded) => {
    const [first = "", ...others] = positionNames(config, part);
    if (config.positions.type === "axial") {
      // The table of an axis broadcasts along the others.
      const { shape, dims } = config.positions;
      [first, ...others].forEach((name, axis) => {
        const along = [...shape.map((rows, i) => (i === axis ? rows : 1)), dims[axis] ?? 0];
        matrix(name, along, { init: config.axialInitStd, joined: axis > 0 });
      });
    } else {
      matrix(first, [config.positions.maxLength, E]);
    }
  };
  positions("source");
  const pair = config.head === "sequence-to-sequence";
  if (pair) positions("target");
  [...config.layers, ...config.encoderLayers].forEach((kind, i) => {
    const layer = layerName(config, i);
    norm(`${layer}.attention.layer_norm`, E);
    for (const p of projections(kind)) {
      matrix(`${layer}.attention.self_attention.${p}.weight`, [A, E], { joined: true });
    }
    matrix(`${layer}.attention.output.dense.weight`, [E, A]);
    norm(`${layer}.feed_forward.layer_norm`, E);
    matrix(`${layer}.feed_forward.dense.dense.weight`, [F, E], { joined: true });
    bias(`${layer}.feed_forward.dense.dense.bias`, F);
    matrix(`${layer}.feed_forward.output.dense.weight`, [E, F]);
    bias(`${layer}.feed_forward.output.dense.bias`, E);
  });
  if (pair) norm(ENCODED_NORM, E);
  norm(finalNorm(config), 2 * E);
  const dense = (name: string, outputs: number, inputs: number) => {
    matrix(`${name}.weight`, [outputs, inputs]);
    bias(`${name}.bias`, outputs);
  };
  switch (config.head) {
    case "language-model":
    case "masked-language-model":
    case "sequence-to-sequence":
      matrix(HEAD_WEIGHT, [V, 2 * E]);
      bias(HEAD_BIAS, V);
      break;
    case "classification": {
      const names = classifierNames(config);
      dense(names.dense, E, 2 * E);
      dense(names.output, config.numLabels, E);
      break;
    }
    case "question-answering":
      dense(ANSWER_OUTPUT, 2, 2 * E);
      break;
    case "none":
      break;
    default:
      config.head satisfies never;
  }
  return list;
}

/** Bytes of parameters that are joined at most: half of what every device's bindings hold, so that none is refused for it. */
const JOINED_BYTES = 2 ** 26;

/** The parameters in runs that share a tensor, in the order of `parameters`. */
export function joinedParameters(config: ReformerConfig): Parameter[][] {
  const runs: Parameter[][] = [];
  const bytes = (run: readonly Parameter[]) => run.reduce((sum, { shape }) => sum + 4 * elements(shape), 0);
  for (const parameter of parameters(config)) {
    const run = runs.at(-1);
    if (run && parameter.joined && bytes([...run, parameter]) <= JOINED_BYTES) run.push(parameter);
    else runs.push([parameter]);
  }
  return runs;
}

/** Whether a parameter belongs to the body, which models of every head share. */
export function isBody({ name }: Pick<Parameter, "name">): boolean {
  return name.startsWith("reformer.");
}

/** Whether a parameter is the final norm's or the head's: its gradient needs no way back through the layers. */
export function isAboveBody(config: ReformerConfig, parameter: Pick<Parameter, "name">): boolean {
  return !isBody(parameter) || parameter.name.startsWith(`${finalNorm(config)}.`);
}

/** Number of trainable values. */
export function parameterCount(config: ReformerConfig): number {
  return parameters(config).reduce((sum, p) => sum + elements(p.shape), 0);
}

/** Initial values of one parameter, a function of (seed, its place in the list) alone. */
export function initialValues(parameter: Parameter, index: number, seed: number): Float32Array<ArrayBuffer> {
  const values = new Float32Array(elements(parameter.shape));
  if (parameter.init === "zeros") return values;
  if (parameter.init === "ones") return values.fill(1);
  const key = randomKey(seed, INIT_STREAM, index);
  for (let i = 0; i < values.length; i++) values[i] = parameter.init * normalOf(threefry2x32(key, [i, 0]));
  return values;
}

/** Random stream of initial weights, apart from data order and sampling. */
const INIT_STREAM = 1;
