// One forward pass that keeps what attention layers saw. Observed layers attend as they always do; what is kept beside
// that never changes the streams.
import { type ReformerConfig, runsFullAttention } from "../config.js";
import type { OpenDevice } from "../engine-device.js";
import { projectHeads } from "../layers/attention.js";
import type { AttentionHeads } from "../layers/attention-heads.js";
import type { LayerContext } from "../layers/context.js";
import { copyInto } from "../layers/copy.js";
import { embed } from "../layers/embedding.js";
import { layerForward } from "../layers/reversible-block.js";
import { packControl } from "../model/control.js";
import { plan } from "../scheduler/plan.js";
import { Arena, Recording, type Tensor } from "../scheduler/recording.js";
import { PreparedPlan } from "../scheduler/run.js";
import type { Batch } from "../text/dataset.js";
import { contextOf, initialiseWindows, noGradient, planWindows, writeBatch } from "../train/evaluation.js";
import { RESULT } from "../train/results.js";

/** An attention layer about to run. */
export interface Observed {
  readonly context: LayerContext;
  readonly layer: number;
  readonly heads: AttentionHeads;
  /** Every token sees every other one, at this length. */
  readonly full: boolean;
  /** Memory that lasts until the pass has been read. */
  readonly keep: (name: string, shape: readonly number[], type?: "f32" | "u32") => Tensor;
}

/** Random numbers of observations: the rotations of evaluations. */
const DRAW = 0;

/**
 * Runs one sequence through the layers without dropout and reads what `observe` kept.
 * @param observe records what is to be kept of a layer and returns its tensors
 * @param options.seed of the hash rotations, unless the configuration fixes them
 */
export async function observeLayers<T extends Readonly<Record<string, Tensor>>>(
  { gpu, base, weights, profile }: Pick<OpenDevice, "gpu" | "base" | "weights" | "profile">,
  config: ReformerConfig,
  batch: Batch,
  observe: (observed: Observed) => T | undefined,
  options: { readonly seed: number; readonly signal?: AbortSignal | undefined },
): Promise<Map<number, { readonly [name in keyof T]: Float32Array | Uint32Array | Int32Array }>> {
  const results = new Arena("results", "state").tensor("results", [1, RESULT.columns]);
  const windows = planWindows(config, { batchSize: 1, length: batch.length }, results, profile);
  const recording = new Recording();
  const context = contextOf(windows, weights, profile, {
    recording,
    training: false,
    fixedPoint: true,
    withoutLsh: false,
    gradient: noGradient,
  });
  const { streams, inputs, paddedLength } = windows;
  const arenas: Arena[] = [];
  const kept = new Map<number, T>();
  embed(context, inputs.tokens, streams.x1);
  copyInto(context, streams.x1, streams.x2);
  for (const [layer, kind] of config.layers.entries()) {
    const { heads } = projectHeads(context, layer, kind, streams.x2);
    const full = runsFullAttention(config, kind, paddedLength);
    const keep: Observed["keep"] = (name, shape, type) => {
      const arena = new Arena(`${name} of layer ${layer}`, "state");
      arenas.push(arena);
      return arena.tensor(name, shape, type);
    };
    const tensors = observe({ context, layer, heads, full, keep });
    if (tensors) kept.set(layer, tensors);
    layerForward(context, layer, kind, streams);
  }
  const planned = plan([recording], profile, { arenas });
  const prepared = await PreparedPlan.create(gpu, planned, { shared: base, signal: options.signal });
  try {
    initialiseWindows(prepared, windows);
    prepared.write(inputs.control, packControl({ seed: options.seed, draw: DRAW }));
    writeBatch(prepared, windows, batch);
    await prepared.run(0, { signal: options.signal });
    const read = new Map();
    for (const [layer, tensors] of kept) {
      const values: Record<string, unknown> = {};
      for (const [name, tensor] of Object.entries(tensors)) values[name] = await prepared.read(tensor);
      read.set(layer, values);
    }
    return read;
  } finally {
    prepared.dispose();
  }
}
