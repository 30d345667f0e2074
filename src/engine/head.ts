// A new head on the body that a model has.
import { type ReformerConfig, resolveConfig } from "../config/config.js";
import { ConfigError } from "../errors.js";
import { parameterArena } from "../model/memory.js";
import { initialValues, isBody, parameters } from "../model/parameters.js";
import { PreparedPlan } from "../scheduler/run.js";
import type { HeadOptions } from "../types-tasks.js";
import { readTensors, writeTensors } from "./checkpoint.js";
import { type OpenDevice, planWeights } from "./device.js";

/** Configuration of the same body under another head. @throws {ConfigError} naming the option */
export function configWithHead(config: ReformerConfig, { seed: _, ...options }: HeadOptions): ReformerConfig {
  const {
    head,
    numLabels,
    labels,
    problemType,
    classifierPooling,
    classifierDropout,
    causal,
    extra,
    ...body
  } = config;
  if ((head === "sequence-to-sequence") !== (options.head === "sequence-to-sequence")) {
    throw new ConfigError(
      `head is ${options.head}, but this model's is ${head}: a sequence-to-sequence model has two stacks of layers and others one, so make a new model.`,
      { field: "head" },
    );
  }
  const { architectures: __, ...rest } = extra; // they name the old head
  const maskTokenId = options.maskTokenId === undefined ? config.maskTokenId : options.maskTokenId;
  return resolveConfig({
    ...body,
    extra: rest,
    causal: options.causal ?? (options.head === "language-model" || options.head === "sequence-to-sequence"),
    ...options,
    maskTokenId,
  });
}

/**
 * Weights of the new configuration on the same device: the body's as they are, the head's drawn. Frees the old ones; as
 * long as it works, the device holds the body twice.
 */
export async function withHead(
  device: OpenDevice,
  config: ReformerConfig,
  seed: number,
): Promise<OpenDevice> {
  const { gpu, planner } = device;
  const weights = parameterArena(config, "weights", "weights");
  const all = parameters(config);
  const body = new Map([...device.weights.tensors].filter(([name]) => isBody({ name })));
  const kept = await readTensors(device.base, body);
  const base = await PreparedPlan.create(gpu, planWeights(config, weights, planner.profile));
  try {
    const targets = new Map([...weights.tensors].filter(([name]) => isBody({ name })));
    writeTensors(base, targets, kept, "the model's body");
    for (const [index, parameter] of all.entries()) {
      if (!isBody(parameter)) base.write(weights.get(parameter.name), initialValues(parameter, index, seed));
    }
  } catch (error) {
    base.dispose(); // the old weights stay in use
    throw error;
  }
  device.base.dispose();
  return { ...device, weights, base };
}
