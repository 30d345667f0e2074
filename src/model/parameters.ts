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
  const matrix = (name: string, shape: readonly number[], init = std) =>
    list.push({ name, shape, init, decay: true });
  const vector = (name: string, size: number, init: "zeros" | "ones") =>
    list.push({ name, shape: [size], init, decay: false });
  const norm = (name: string, size: number) => {
    vector(`${name}.weight`, size, "ones");
    vector(`${name}.bias`, size, "zeros");
  };
  matrix("reformer.embeddings.word_embeddings.weight", [V, E]);
  const positions = (part: Embedded) => {
    const [first = "", second = ""] = positionNames(config, part);
    if (config.positions.type === "axial") {
      const { shape, dims } = config.positions;
      matrix(first, [shape[0], 1, dims[0]], config.axialInitStd);
      matrix(second, [1, shape[1], dims[1]], config.axialInitStd);
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
    for (const p of projections(kind)) matrix(`${layer}.attention.self_attention.${p}.weight`, [A, E]);
    matrix(`${layer}.attention.output.dense.weight`, [E, A]);
    norm(`${layer}.feed_forward.layer_norm`, E);
    matrix(`${layer}.feed_forward.dense.dense.weight`, [F, E]);
    vector(`${layer}.feed_forward.dense.dense.bias`, F, "zeros");
    matrix(`${layer}.feed_forward.output.dense.weight`, [E, F]);
    vector(`${layer}.feed_forward.output.dense.bias`, E, "zeros");
  });
  if (pair) norm(ENCODED_NORM, E);
  norm(finalNorm(config), 2 * E);
  const dense = (name: string, outputs: number, inputs: number) => {
    matrix(`${name}.weight`, [outputs, inputs]);
    vector(`${name}.bias`, outputs, "zeros");
  };
  switch (config.head) {
    case "language-model":
    case "masked-language-model":
    case "sequence-to-sequence":
      matrix(HEAD_WEIGHT, [V, 2 * E]);
      vector(HEAD_BIAS, V, "zeros");
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
